using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace RsrNet.Core.Articles;

/// <summary>
/// Reads articles from files and folders of them, by the ending of a file's name: .story, .csv, .jsonl and .ndjson, and .json (one article). What cannot be
/// read is an item with a problem, so that the rest goes on.
/// </summary>
public static class ArticleFiles
{
    private static readonly string[] Endings = [".story", ".csv", ".jsonl", ".ndjson", ".json"];

    /// <summary>The articles of all paths, in their order; a folder's files (also in folders inside it) in ordinal order of their paths, so that two runs read the same.</summary>
    /// <param name="paths">Files or folders. Files with other endings are passed over in a folder and a problem by name.</param>
    /// <param name="passed">How many articles of a source to pass over because an earlier run did them; null for none.</param>
    public static async IAsyncEnumerable<ArticleItem> Read(
        IEnumerable<string> paths, ArticleLimits limits, Func<string, long>? passed = null,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (var path in paths)
        {
            foreach (var (file, problem) in Expand(path))
            {
                if (problem is not null)
                {
                    yield return Rejected(file, problem);
                    continue;
                }
                var first = passed?.Invoke(file) ?? 0;
                // A story is one article: nothing has to be opened to know that it is done.
                if (first > 0 && IsOneArticle(file)) continue;
                await foreach (var item in ReadFile(file, limits, cancellation))
                {
                    if (item.Index >= first) yield return item;
                }
            }
        }
    }

    /// <summary>The articles of one file.</summary>
    public static async IAsyncEnumerable<ArticleItem> ReadFile(
        string file, ArticleLimits limits, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (!IsKnown(file))
        {
            yield return Rejected(file, $"the file's ending is none of {string.Join(", ", Endings)}; rename or convert it");
            yield break;
        }
        await using var items = Items(file, limits, cancellation).GetAsyncEnumerator(cancellation);
        while (true)
        {
            ArticleItem? broken = null;
            try
            {
                if (!await items.MoveNextAsync()) yield break;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                broken = Rejected(file, $"the file cannot be read: {exception.Message}");
            }
            yield return broken ?? items.Current;
            if (broken is not null) yield break;
        }
    }

    /// <summary>Whether the ending of a file's name is one that can be read.</summary>
    public static bool IsKnown(string file) => Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    private static bool IsOneArticle(string file) => Path.GetExtension(file).ToUpperInvariant() is ".STORY" or ".JSON";

    private static async IAsyncEnumerable<ArticleItem> Items(string file, ArticleLimits limits, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var ending = Path.GetExtension(file).ToUpperInvariant();
        await using var stream = new FileStream(file, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.SequentialScan });
        if (ending is ".STORY" or ".JSON")
        {
            if (stream.Length > limits.BodyBytes)
            {
                yield return Rejected(file, $"the file has {stream.Length:N0} bytes; at most {limits.BodyBytes:N0} are allowed");
                yield break;
            }
            var bytes = new byte[stream.Length];
            var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            var content = bytes.AsSpan(0, read);
            var reading = ending == ".JSON" ? ArticleJson.Read(content, limits) : StoryFile.Read(content, Path.GetFileNameWithoutExtension(file), limits);
            yield return new ArticleItem(file, null, 0, reading);
            yield break;
        }
        var items = ending == ".CSV" ? ArticleCsv.Read(stream, file, limits, cancellation) : ArticleLines.Read(stream, file, limits, cancellation);
        await foreach (var item in items) yield return item;
    }

    /// <summary>The files of a path: itself, or those of a folder as <see cref="Read"/> goes through them; with a problem where there are none.</summary>
    public static IEnumerable<(string File, string? Problem)> Expand(string path)
    {
        if (!Directory.Exists(path)) return [(path, File.Exists(path) ? null : "there is no such file or folder; check the path")];
        try
        {
            // Links to folders are not followed: they may lead in circles.
            var files = new FileSystemEnumerable<string>(path, (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), new EnumerationOptions { RecurseSubdirectories = true })
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && IsKnown(entry.FileName.ToString()),
                ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
            }.ToArray();
            Array.Sort(files, StringComparer.Ordinal);
            return files.Length > 0
                ? files.Select(file => (file, (string?)null))
                : [(path, $"the folder has no file that ends in {string.Join(", ", Endings)}")];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [(path, $"the folder cannot be read: {exception.Message}")];
        }
    }

    private static ArticleItem Rejected(string file, string problem) => new(file, null, 0, ArticleReading.Rejected(new ArticleProblem("", problem)));
}
