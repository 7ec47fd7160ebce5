using System.CommandLine;
using Spectre.Console;

namespace RsrNet.Cli.Articles;

/// <summary><c>rsrnet ingest PATH...</c>: sends articles to a server.</summary>
internal static class IngestCommand
{
    /// <summary>Rejected articles that are printed for people; --json has them all.</summary>
    private const int Listed = 20;

    public static Command Create(Terminal terminal)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = ".story, .csv (article, highlights, id), .jsonl or .ndjson files, folders of them, or - for standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var patience = NumberOption.Of("--retry-seconds", "How long the server may be away before this gives up.", 60.0, least: 0);
        var restart = new Option<bool>("--restart")
        {
            Description = "Sends everything, also what an earlier run that was cut off has sent.",
        };
        var json = new Option<bool>("--json") { Description = "JSON: {accepted, duplicates, rejected: [{source, line, error}], seconds}." };
        var url = ServerAddress.Option(terminal);
        var command = new Command(
            "ingest",
            "Sends articles to a server. Each is stored before it counts as accepted; the same article again is a duplicate. " +
            "Exit code 0 where everything was delivered, also where the server rejected some of it; 1 where it could not be.")
        {
            paths, patience, restart, json, url,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var named = parsed.GetRequiredValue(paths);
            var sources = IngestSources.Of(named);
            using var server = new ServerClient(parsed.GetRequiredValue(url), terminal);
            var delivery = new ArticleDelivery(
                server, TimeSpan.FromSeconds(parsed.GetValue(patience)), TimeProvider.System, terminal.Notice);
            var resume = named.Contains(IngestSources.StandardInput) ? null : new ResumePoint(terminal.DataFolder, server.Address, named);
            if (parsed.GetValue(restart)) resume?.Remove();
            var ingest = new Ingest(sources, delivery, resume, terminal);
            string? failure = null;
            try
            {
                await WithProgress(ingest, terminal, () => ingest.Run(server, cancellation), cancellation);
            }
            catch (CommandException problem)
            {
                failure = problem.Message;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested && resume is not null)
            {
                terminal.Notice($"stopped after {ingest.Done:N0} items; the same command goes on where this one stopped");
                throw;
            }
            if (parsed.GetValue(json)) PrintJson(ingest, delivery, failure, terminal);
            else Print(ingest, delivery, terminal);
            if (failure is null) return RsrNetCommand.Done;
            terminal.Notice(failure);
            return RsrNetCommand.Failed;
        });
        return command;
    }

    private static async Task WithProgress(Ingest ingest, Terminal terminal, Func<Task> run, CancellationToken cancellation)
    {
        if (!terminal.NoticesAreWatched)
        {
            await run();
            return;
        }
        await terminal.Notices.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask("sending", maxValue: Math.Max(1, ingest.TotalBytes));
                bar.IsIndeterminate = ingest.TotalBytes == 0;
                var work = run();
                while (!work.IsCompleted)
                {
                    bar.Value = ingest.DoneBytes;
                    bar.Description = $"{ingest.Done:N0} articles";
                    await Task.WhenAny(work, Task.Delay(100, cancellation));
                }
                await work;
            });
    }

    private static void PrintJson(Ingest ingest, ArticleDelivery delivery, string? failure, Terminal terminal) =>
        terminal.ResultWriter.WriteLine(JsonText.Of(new IngestResult(
            delivery.Accepted, delivery.Duplicates, delivery.Rejected, Math.Round(ingest.Elapsed.TotalSeconds, 3),
            ingest.Resumed, delivery.Resent, failure)));

    private static void Print(Ingest ingest, ArticleDelivery delivery, Terminal terminal)
    {
        foreach (var rejected in delivery.Rejected.Take(Listed))
        {
            var line = rejected.Line is { } number ? $":{number}" : "";
            terminal.ResultWriter.WriteLine(Terminal.Printable($"rejected {rejected.Source}{line}: {rejected.Error}"));
        }
        if (delivery.Rejected.Count > Listed)
        {
            terminal.ResultWriter.WriteLine($"... and {delivery.Rejected.Count - Listed:N0} more; --json lists them all");
        }
        if (delivery.Resent > 0)
        {
            terminal.Notice(
                $"{delivery.Resent:N0} articles were sent more than once, because an answer did not come; " +
                "those the server had by then count as duplicates");
        }
        terminal.ResultWriter.WriteLine(
            $"{delivery.Accepted:N0} accepted, {delivery.Duplicates:N0} duplicates, {delivery.Rejected.Count:N0} rejected " +
            $"in {ingest.Elapsed.TotalSeconds:0.0} s");
    }

    /// <param name="Resumed">Items that an earlier run sent and this one did not.</param>
    /// <param name="Resent">Articles sent more than once because an answer did not come.</param>
    /// <param name="Error">Why not everything could be sent; null where it was.</param>
    private sealed record IngestResult(
        long Accepted, long Duplicates, IReadOnlyList<RejectedArticle> Rejected, double Seconds, long Resumed, long Resent, string? Error);
}
