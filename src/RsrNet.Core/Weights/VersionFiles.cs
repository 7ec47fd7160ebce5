using System.Globalization;

namespace RsrNet.Core.Weights;

/// <summary>A folder with a file <c>weights-000000000123.safetensors</c> for each kept version. No two learners may use one folder.</summary>
internal sealed class VersionFiles
{
    private const string Prefix = "weights-", Suffix = ".safetensors", DamagedSuffix = ".damaged";

    private readonly string folder;

    /// <summary>Opens the folder, makes it where it is missing, and removes what a crash left half written.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public VersionFiles(string folder)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        foreach (var left in Directory.GetFiles(folder, Prefix + "*" + Suffix + DurableFile.TemporarySuffix)) DurableFile.Delete(left);
    }

    public string PathOf(long version) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D12}{Suffix}"));

    /// <summary>By the names of the files, newest first.</summary>
    public List<long> Versions()
    {
        var versions = new List<long>();
        foreach (var path in Directory.GetFiles(folder, Prefix + "*" + Suffix))
        {
            var digits = Path.GetFileName(path)[Prefix.Length..^Suffix.Length];
            if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && PathOf(version) == path)
                versions.Add(version);
        }
        versions.Sort((a, b) => b.CompareTo(a));
        return versions;
    }

    /// <summary>Reads the newest that can be read. A damaged one is set aside as <c>.damaged</c>, never deleted, and the one before it counts.</summary>
    /// <returns>Null where there is none.</returns>
    public T? ReadNewest<T>(Func<long, T> read, Action<string> warn)
        where T : class
    {
        foreach (var version in Versions())
        {
            var path = PathOf(version);
            try
            {
                return read(version);
            }
            catch (Exception exception) when (exception is InvalidDataException or WeightsRejectedException)
            {
                File.Move(path, path + DamagedSuffix, overwrite: true);
                warn($"checkpoint {version} is damaged and was set aside as {path}{DamagedSuffix}: {exception.Message}");
            }
        }
        return null;
    }

    /// <summary>Null where it is not kept.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public T? Find<T>(long version, Func<long, T> read)
        where T : class
    {
        try
        {
            return read(version);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (WeightsRejectedException exception)
        {
            throw new InvalidDataException($"{PathOf(version)}: {exception.Message}", exception);
        }
    }

    /// <summary>Newest first; one with a damaged header is left out.</summary>
    /// <param name="read">Reads the header of a file.</param>
    public IReadOnlyList<WeightSummary> List(Func<string, WeightSummary> read)
    {
        var summaries = new List<WeightSummary>();
        foreach (var version in Versions())
        {
            try
            {
                summaries.Add(read(PathOf(version)));
            }
            catch (Exception exception) when (exception is InvalidDataException or NotSupportedException or FileNotFoundException)
            {
                continue;
            }
        }
        return summaries;
    }
}
