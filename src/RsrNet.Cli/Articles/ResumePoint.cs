using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RsrNet.Cli.Articles;

/// <summary>
/// Where an ingest was cut off, in a small file in the user's data folder. It only saves time: the server takes an article once, so without
/// the file, or with one that does not fit any more, everything is sent again and nothing is lost or doubled.
/// </summary>
internal sealed class ResumePoint
{
    private readonly string path;

    /// <param name="paths">What the ingest was told to send.</param>
    public ResumePoint(string dataFolder, Uri server, IEnumerable<string> paths)
    {
        var key = string.Join('\n', paths.Select(Path.GetFullPath).Prepend(server.ToString()));
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 8));
        path = Path.Combine(dataFolder, "resume", $"ingest-{name}.json");
    }

    /// <param name="Mark"><see cref="IngestSource.Mark"/> of the source that was being sent.</param>
    /// <param name="Passed">How many items of that source are done.</param>
    /// <param name="LastId">The id of the last article that the server took; a server that does not know it has another data folder by
    /// now.</param>
    /// <param name="Delivered">Items that are done, over all sources.</param>
    public sealed record Place(string Mark, long Passed, string? LastId, long Delivered);

    public Place? Read()
    {
        try
        {
            return JsonSerializer.Deserialize<Place>(File.ReadAllText(path), JsonText.Options) is { Mark: not null, Passed: >= 0 } place
                ? place
                : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>A folder that cannot be written costs the resuming, not the ingest.</summary>
    public void Write(Place place)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path + ".new", JsonText.Of(place));
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The next run sends everything again.
        }
    }

    public void Remove()
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Its mark keeps it from doing harm.
        }
    }
}
