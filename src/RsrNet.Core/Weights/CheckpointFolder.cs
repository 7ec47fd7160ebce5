using System.Globalization;

namespace RsrNet.Core.Weights;

/// <summary>
/// The checkpoints of one learner: a folder of files <c>weights-000000000123.safetensors</c>, the newest of them kept. No two learners may
/// use one folder.
/// </summary>
public sealed class CheckpointFolder : ICheckpointStore
{
    /// <summary>Pinned checkpoints kept beside the others.</summary>
    public const int MostPinned = 3;

    private const string Prefix = "weights-";
    private const string Suffix = ".safetensors";
    private const string DamagedSuffix = ".damaged";

    private readonly string folder;
    private readonly int keep;

    /// <summary>One call at a time: a file is not read while it is pruned, nor written twice at once.</summary>
    private readonly Lock gate = new();

    /// <summary>Opens the folder, makes it where it is missing, and removes what a crash left half written.</summary>
    /// <exception cref="ArgumentException">Weights.Keep is below 2.</exception>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public CheckpointFolder(string folder, WeightOptions options)
    {
        if (options.Keep < 2)
            throw new ArgumentException(
                $"Weights.Keep must be at least 2, so that a damaged newest checkpoint has one before it, not {options.Keep}");
        this.folder = folder;
        keep = options.Keep;
        Directory.CreateDirectory(folder);
        foreach (var left in Directory.GetFiles(folder, Prefix + "*" + Suffix + DurableFile.TemporarySuffix)) DurableFile.Delete(left);
    }

    /// <inheritdoc/>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    public Task<WeightSummary> Save(Checkpoint checkpoint, CancellationToken cancellation = default) =>
        Run(() => Write(checkpoint), cancellation);

    /// <inheritdoc/>
    /// <remarks>A damaged one is set aside as <c>.damaged</c>, never deleted.</remarks>
    /// <exception cref="IOException">A file cannot be read; that alone says nothing about its content.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote the newest one.</exception>
    public Task<Checkpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default) =>
        Run(() => LoadNewest(warn), cancellation);

    /// <inheritdoc/>
    /// <remarks>Reads the headers alone; a checkpoint with a damaged one is left out.</remarks>
    public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default) => Run(List, cancellation);

    /// <inheritdoc/>
    public Task<Checkpoint?> Find(long version, CancellationToken cancellation = default) => Run(() => Find(version), cancellation);

    private Task<T> Run<T>(Func<T> action, CancellationToken cancellation) => Task.Run(
        () =>
        {
            lock (gate) return action();
        },
        cancellation);

    private WeightSummary Write(Checkpoint checkpoint)
    {
        var path = PathOf(checkpoint.Version);
        DurableFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint));
        foreach (var old in Versions().Where(version => version != checkpoint.Version && !IsPinned(version)).Skip(keep - 1)) DurableFile.Delete(PathOf(old));
        foreach (var old in Versions().Where(IsPinned).Skip(MostPinned)) DurableFile.Delete(PathOf(old));
        var bytes = new FileInfo(path).Length;
        return new WeightSummary(
            checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, bytes, Current: false) { Pinned = checkpoint.Pinned };
    }

    /// <summary>A file that cannot be read is not pinned: it goes in its turn.</summary>
    private bool IsPinned(long version)
    {
        try
        {
            return CheckpointFile.ReadSummary(PathOf(version)).Pinned;
        }
        catch (Exception exception) when (exception is InvalidDataException or NotSupportedException or FileNotFoundException)
        {
            return false;
        }
    }

    private Checkpoint? LoadNewest(Action<string> warn)
    {
        foreach (var version in Versions())
        {
            var path = PathOf(version);
            try
            {
                return Load(version);
            }
            catch (Exception exception) when (exception is InvalidDataException or WeightsRejectedException)
            {
                File.Move(path, path + DamagedSuffix, overwrite: true);
                warn($"checkpoint {version} is damaged and was set aside as {path}{DamagedSuffix}: {exception.Message}");
            }
        }
        return null;
    }

    private Checkpoint? Find(long version)
    {
        try
        {
            return Load(version);
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

    private IReadOnlyList<WeightSummary> List()
    {
        var summaries = new List<WeightSummary>();
        foreach (var version in Versions())
        {
            try
            {
                summaries.Add(CheckpointFile.ReadSummary(PathOf(version)));
            }
            catch (Exception exception) when (exception is InvalidDataException or NotSupportedException or FileNotFoundException)
            {
                continue;
            }
        }
        return summaries;
    }

    /// <summary>A file that was renamed, to another version or from elsewhere, is not what its name says.</summary>
    private Checkpoint Load(long version)
    {
        var checkpoint = CheckpointFile.Read(PathOf(version));
        if (checkpoint.Version != version) throw new InvalidDataException($"{PathOf(version)}: it holds version {checkpoint.Version}");
        return checkpoint;
    }

    private string PathOf(long version) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D12}{Suffix}"));

    /// <summary>Versions by the names of the files, newest first.</summary>
    private List<long> Versions()
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
}
