using System.Globalization;

namespace RsrNet.Core.Weights;

/// <summary>The checkpoints of one text model: a folder of files <c>weights-000000000123.safetensors</c>, the newest of them kept.</summary>
public sealed class ModelCheckpointFolder
{
    private const string Prefix = "weights-", Suffix = ".safetensors", DamagedSuffix = ".damaged";

    private readonly string folder;
    private readonly int keep;

    /// <summary>Opens the folder, makes it where it is missing, and removes what a crash left half written.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public ModelCheckpointFolder(string folder, int keep)
    {
        (this.folder, this.keep) = (folder, keep);
        Directory.CreateDirectory(folder);
        foreach (var left in Directory.GetFiles(folder, Prefix + "*" + DurableFile.TemporarySuffix)) DurableFile.Delete(left);
    }

    public bool IsEmpty => Versions().Count == 0;

    /// <exception cref="IOException">It could not be written; what was there before is untouched.</exception>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    public void Save(ModelCheckpoint checkpoint)
    {
        // A version may be written again further on in the stream: articles without the label were passed over.
        DurableFile.Write(PathOf(checkpoint.Version), stream => ModelCheckpointFile.Write(stream, checkpoint));
        foreach (var old in Versions().Skip(keep)) DurableFile.Delete(PathOf(old));
    }

    /// <summary>Null where there is none. A damaged one is set aside as <c>.damaged</c>, and the one before it counts.</summary>
    public ModelCheckpoint? LoadNewest(Action<string> warn)
    {
        foreach (var version in Versions())
        {
            try
            {
                return ModelCheckpointFile.Read(PathOf(version));
            }
            catch (Exception problem) when (problem is InvalidDataException or WeightsRejectedException)
            {
                File.Move(PathOf(version), PathOf(version) + DamagedSuffix, overwrite: true);
                warn($"checkpoint {version} is damaged and was set aside as {PathOf(version)}{DamagedSuffix}: {problem.Message}");
            }
        }
        return null;
    }

    /// <summary>Null where it is not kept.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public ModelCheckpoint? Find(long version)
    {
        try
        {
            return ModelCheckpointFile.Read(PathOf(version));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (WeightsRejectedException problem)
        {
            throw new InvalidDataException($"{PathOf(version)}: {problem.Message}", problem);
        }
    }

    /// <summary>Newest first. Reads the headers alone; a checkpoint with a damaged one is left out.</summary>
    public IReadOnlyList<WeightSummary> List()
    {
        var summaries = new List<WeightSummary>();
        foreach (var version in Versions())
        {
            try
            {
                summaries.Add(ModelCheckpointFile.ReadSummary(PathOf(version)));
            }
            catch (Exception problem) when (problem is InvalidDataException or NotSupportedException or FileNotFoundException)
            {
                continue;
            }
        }
        return summaries;
    }

    private List<long> Versions()
    {
        var versions = new List<long>();
        foreach (var path in Directory.GetFiles(folder, Prefix + "*" + Suffix))
        {
            var digits = Path.GetFileName(path)[Prefix.Length..^Suffix.Length];
            if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && PathOf(version) == path) versions.Add(version);
        }
        versions.Sort((a, b) => b.CompareTo(a));
        return versions;
    }

    private string PathOf(long version) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D12}{Suffix}"));
}
