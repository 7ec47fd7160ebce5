using System.CommandLine;
using System.Runtime.InteropServices;
using RsrNet.Cli.Articles;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Replicas;
using RsrNet.Cli.Telemetry;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Embedding;
using RsrNet.Core.Evaluation;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Evaluate;

/// <summary><c>rsrnet evaluate --train PATH [--test PATH]</c>: how well a learning mode does on articles it has not seen, beside the baselines.</summary>
internal static class EvaluateCommand
{
    private const string Explanation =
        """
        Judges a learning mode as it is used: the training articles come once, in order, and each is foretold before it is learned (prequential); the
        test articles are judged afterwards and never learned from. Baselines see the same articles.

        What the figures say: similarity is the cosine of y to the embedding of the human highlights; retrieval is how well y finds its own article's
        highlights among those of all test articles; ROUGE F1 compares words of the chosen sentences with the highlights (lower case, a-z and 0-9, no stemming
        unless asked for); confidence is the probability that a document's cosine is above the median of the stream before, and its calibration says how well
        that holds: even a perfect one shows an error, for there is chance in every bin, and what is judged may be nearer to its highlights than the stream was,
        which the error against its own median leaves out. A learned summary has three sentences at most and ends earlier where no sentence adds anything. What
        they do not say: whether a summary is true or well written. An embedding of words is near another when the words are alike. News puts what matters
        first, so that the first three sentences are a strong baseline; on other texts they may not be. A gain whose interval holds 0 may be chance, and another
        order or another part of the articles gives another figure: --folds judges them all, --shuffle shows how much the order matters. With --folds retrieval
        is among the highlights of all parts, and each part's model has learned from those of the others: what fits highlights closely, as ridge does, looks
        better there.
        """;

    public static Command Create(Terminal terminal)
    {
        var train = new Option<string[]>("--train")
        {
            Description = "Articles with highlights to learn from, in order: .story, .csv or .jsonl files, folders of them, or - for NDJSON at standard input.",
            HelpName = "PATH",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var test = new Option<string[]>("--test") { Description = "Articles to judge by, never learned from.", HelpName = "PATH", AllowMultipleArgumentsPerToken = true };
        var holdOut = NumberOption.Of("--hold-out", "Without --test: takes so many of the last training articles for it.", 0, least: 0);
        var folds = NumberOption.Of(
            "--folds", "Instead of --test: cuts the training articles into so many parts and judges each by what learned from the others; 0 does not.", 0, least: 0);
        var shuffle = NumberOption.Of("--shuffle", "Puts the training articles into a random order with this seed first; 0 leaves them as they come.", 0, least: 0);
        var mode = new Option<string>("--mode")
        {
            Description = "Learning mode: residual or notebook.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "residual",
        };
        var encoder = EncoderChoice.Option();
        var batch = NumberOption.Of("--batch", "Articles learned together.", new CoordinationOptions().BatchSize, least: 2);
        var seed = NumberOption.Of("--seed", "Seed of the initial weights and of what is learned again.", new RecursionOptions().Seed, least: int.MinValue);
        var stem = new Option<bool>("--stem") { Description = "Compares words by Porter's stems in ROUGE." };
        var plot = new Option<string?>("--plot") { Description = "Writes the prequential curves to an SVG file.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "JSON: {documents, prequential, heldOut, ...}; shares, cosines and ROUGE in [0, 1]." };
        var command = new Command("evaluate", "Measures quality on articles not seen before, beside the baselines.\n\n" + Explanation)
        {
            train, test, holdOut, folds, shuffle, mode, encoder, batch, seed, stem, plot, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var limits = new ArticleLimits();
            var lessons = await LabelledArticles.Read(parsed.GetRequiredValue(train), limits, terminal, cancellation);
            var exam = parsed.GetValue(test) is { Length: > 0 } paths ? await LabelledArticles.Read(paths, limits, terminal, cancellation) : [];
            if (parsed.GetValue(shuffle) is > 0 and var order) new Random(order).Shuffle(CollectionsMarshal.AsSpan(lessons));
            var held = parsed.GetValue(holdOut);
            var parts = parsed.GetValue(folds);
            if (parts == 1) throw new UsageException("--folds needs at least 2 parts: one to judge, the others to learn from");
            if (parts > 0 && (held > 0 || exam.Count > 0)) throw new UsageException("--folds judges every article of the training file; leave out --test and --hold-out");
            if (parts > lessons.Count) throw new CommandException($"--folds {parts}: there are only {lessons.Count} training articles with highlights");
            if (held > 0 && exam.Count > 0) throw new UsageException("--hold-out takes the test articles from the training file; leave out --test or --hold-out");
            if (held > Math.Max(lessons.Count - 2, 0))
                throw new CommandException($"--hold-out {held} leaves too few of the {lessons.Count} training articles with highlights: two are needed at least");
            if (held > 0)
            {
                exam = lessons[^held..];
                lessons = lessons[..^held];
            }
            if (lessons.Count < 2) throw new CommandException("learning needs at least two training articles with highlights");
            var seen = lessons.Select(article => article.Id).ToHashSet(StringComparer.Ordinal);
            var both = exam.RemoveAll(article => seen.Contains(article.Id));
            if (both > 0) terminal.Notice($"left out {both:N0} test articles that are among the training articles");

            var vectors = EncoderChoice.Of(terminal).Open(parsed.GetRequiredValue(encoder));
            using var closing = vectors as IDisposable;
            IStreamModel NewModel() => Model(parsed.GetRequiredValue(mode), vectors, parsed.GetValue(seed), parsed.GetValue(batch));
            EvaluationReport report;
            using (var status = new StatusLine(terminal))
            {
                var evaluation = new StreamEvaluation(vectors, parsed.GetValue(batch), parsed.GetValue(stem))
                {
                    Progress = done => status.Show($"learned {done:N0} of {Math.Max(parts, 1) * lessons.Count:N0} articles"),
                };
                if (parts > 0) report = evaluation.RunFolds(NewModel, lessons, parts, cancellation);
                else
                {
                    using var model = NewModel();
                    report = evaluation.Run(model, lessons, exam, cancellation);
                }
            }
            if (parsed.GetValue(plot) is { } file)
            {
                await File.WriteAllTextAsync(file, CurvePlot.Draw(report), cancellation);
                terminal.Notice($"wrote {Path.GetFullPath(file)}");
            }
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(report));
            else EvaluationTable.Print(report, terminal);
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static IStreamModel Model(string mode, ITextEncoder encoder, int seed, int batch)
    {
        var options = new RsrNetOptions();
        switch (mode)
        {
            case "residual":
                return new ResidualModel(encoder.Dimensions, new ResidualOptions { Seed = seed }, options.Coordination);
            case "notebook":
                var recursion = options.Replicas with { Seed = seed };
                var shape = new RecursionShape(encoder.Dimensions, recursion.Hidden, recursion.Latent);
                return new NotebookModel(new CpuEngine(shape, recursion), recursion, options.Coordination with { BatchSize = batch });
            default:
                throw new UsageException($"--mode: there is no '{mode}'; there are residual and notebook");
        }
    }
}
