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

    /// <exception cref="IOException">It could not be written; what was there before is untouched.</exception>
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
            catch (InvalidDataException problem)
            {
                File.Move(PathOf(version), PathOf(version) + DamagedSuffix, overwrite: true);
                warn($"checkpoint {version} is damaged and was set aside as {PathOf(version)}{DamagedSuffix}: {problem.Message}");
            }
        }
        return null;
    }

    /// <summary>Null where it is not kept.</summary>
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
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<long> Versions()
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
