using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>One file that an ingest goes through.</summary>
/// <param name="Problem">Why it cannot be read; null where it can.</param>
/// <param name="Bytes">Its size, for progress.</param>
/// <param name="Mark">Changes with the path, size or time of this file or of any before it: equal marks mean that an earlier run read the
/// same up to here.</param>
internal sealed record IngestSource(string File, string? Problem, long Bytes, string Mark);

/// <summary>The files behind the paths of an ingest, in the order in which they are read.</summary>
internal static class IngestSources
{
    /// <summary>Standard input, as NDJSON.</summary>
    public const string StandardInput = "-";

    /// <exception cref="CommandException">A named path is not there, or has an ending that cannot be read.</exception>
    public static List<IngestSource> Of(IEnumerable<string> paths)
    {
        var sources = new List<IngestSource>();
        var mark = "";
        foreach (var path in paths)
        {
            if (path == StandardInput)
            {
                sources.Add(new IngestSource(path, null, 0, mark = Next(mark, path)));
                continue;
            }
            if (!Path.Exists(path)) throw new CommandException($"{path}: there is no such file or folder; check the path");
            if (File.Exists(path) && !ArticleFiles.IsKnown(path))
            {
                throw new CommandException(
                    $"{path}: files end in .story, .csv, .jsonl, .ndjson or .json (one article); rename it, or send NDJSON by -");
            }
            foreach (var (file, problem) in ArticleFiles.Expand(path))
            {
                var info = new FileInfo(file);
                var bytes = info.Exists ? info.Length : 0;
                mark = Next(mark, string.Create(CultureInfo.InvariantCulture, $"{info.FullName}|{bytes}|{info.LastWriteTimeUtc:O}"));
                sources.Add(new IngestSource(file, problem, bytes, mark));
            }
        }
        return sources;
    }

    private static string Next(string mark, string file) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{mark}\n{file}")).AsSpan(0, 16));
}
