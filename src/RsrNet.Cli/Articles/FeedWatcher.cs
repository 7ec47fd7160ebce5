using System.Diagnostics;
using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>
/// Watches a file or folder and gives its articles to a learner, new and changed files alike. It keeps no record of its own: the learner
/// knows an article it has by id and content, so a file that is read again costs a comparison. A file that is still being written is read
/// once it has settled; what is wrong in a file is said once.
/// </summary>
/// <param name="path">A file or folder; it may be away for a while.</param>
/// <param name="notice">Takes a line for each bad item and each trouble.</param>
internal sealed class FeedWatcher(string path, LearnerIntake intake, ArticleLimits limits, TimeProvider time, Action<string> notice)
{
    private const int BatchArticles = 128;

    /// <summary>Between two looks; a folder so large that looking takes long is looked at less often.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Seen> seen = new(StringComparer.Ordinal);
    private readonly HashSet<(string Source, long? Line, string Error)> reported = [];
    private bool missing;

    /// <summary>Articles that were new to the learner, since the start.</summary>
    public long Accepted { get; private set; }

    /// <param name="Size">Bytes at the last look.</param>
    /// <param name="Settled">Whether the file was read whole as it stands.</param>
    private sealed record Seen(long Size, DateTime Written, bool Settled);

    /// <summary>Looks again and again until cancelled.</summary>
    public async Task Run(CancellationToken cancellation)
    {
        while (true)
        {
            var clock = Stopwatch.StartNew();
            await Look(cancellation);
            var pause = clock.Elapsed * 10 > Pause ? clock.Elapsed * 10 : Pause;
            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>Goes through the files once.</summary>
    public async Task Look(CancellationToken cancellation)
    {
        var there = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (file, problem) in Path.Exists(path) ? ArticleFiles.Expand(path) : [])
        {
            // An empty folder is no problem here: files may still come.
            if (problem is not null) continue;
            there.Add(file);
            try
            {
                await Look(file, cancellation);
            }
            catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
            {
                Report(file, null, trouble.Message);
            }
        }
        if (missing != !Path.Exists(path))
        {
            notice(missing ? $"feed {path} is there again" : $"feed {path} is gone; waiting for it to come back");
        }
        missing = !Path.Exists(path);
        foreach (var gone in seen.Keys.Where(file => !there.Contains(file)).ToList()) seen.Remove(gone);
    }

    private async Task Look(string file, CancellationToken cancellation)
    {
        var info = new FileInfo(file);
        if (!info.Exists) return;
        var before = seen.GetValueOrDefault(file);
        var (size, written) = (info.Length, info.LastWriteTimeUtc);
        var unchanged = before is not null && before.Size == size && before.Written == written;
        if (unchanged && before!.Settled) return;
        // Settled: as it was at the last look, or last written a good while before the first one.
        var settled = unchanged || (before is null && time.GetUtcNow() - written > 2 * Pause);
        // A line of JSON that is cut is no JSON, so whole lines can be taken while more are written; a story or a CSV row that is cut can
        // look whole.
        if (settled || IsLines(file)) await Take(file, settled, cancellation);
        seen[file] = new Seen(size, written, settled);
    }

    private async Task Take(string file, bool settled, CancellationToken cancellation)
    {
        var batch = new List<Article>(BatchArticles);
        await foreach (var item in ArticleFiles.ReadFile(file, limits, cancellation))
        {
            if (item.Reading.IsAccepted) batch.Add(item.Reading.Article);
            else if (settled) Report(item.Source, item.Line, item.Reading.Error);
            if (batch.Count < BatchArticles) continue;
            Accepted += await intake.Put(batch, cancellation);
            batch.Clear();
        }
        if (batch.Count > 0) Accepted += await intake.Put(batch, cancellation);
    }

    private void Report(string source, long? line, string error)
    {
        if (reported.Add((source, line, error))) notice($"left out {source}{(line is { } number ? $":{number}" : "")}: {error}");
    }

    private static bool IsLines(string file) => Path.GetExtension(file).ToUpperInvariant() is ".JSONL" or ".NDJSON";
}
