using System.Globalization;

namespace RsrNet.Core.Weights;

/// <summary>
/// The checkpoints of one learner: a folder of files <c>weights-000000000123.safetensors</c>, the newest of them kept. Used by one learner at a
/// time; as <see cref="ICheckpointStore"/> from any thread, its own methods from one.
/// </summary>
public sealed class CheckpointFolder : ICheckpointStore
{
    private const string Prefix = "weights-";
    private const string Suffix = ".safetensors";
    private const string DamagedSuffix = ".damaged";

    private readonly Lock gate = new();
    private readonly string folder;
    private readonly int keep;

    /// <summary>Opens the folder, makes it where it is missing, and removes what a crash left half written.</summary>
    /// <exception cref="ArgumentException">Weights.Keep is below 2.</exception>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    public CheckpointFolder(string folder, WeightOptions options)
    {
        if (options.Keep < 2)
            throw new ArgumentException($"Weights.Keep must be at least 2, so that a damaged newest checkpoint has one before it, not {options.Keep}");
        this.folder = folder;
        keep = options.Keep;
        Directory.CreateDirectory(folder);
        foreach (var left in Directory.GetFiles(folder, Prefix + "*" + Suffix + DurableFile.TemporarySuffix)) DurableFile.Delete(left);
    }

    /// <summary>Writes a checkpoint, durable once this returns, and deletes those over the limit.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; the checkpoints from before are untouched.</exception>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    public WeightSummary Write(Checkpoint checkpoint)
    {
        var path = PathOf(checkpoint.Version);
        DurableFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint));
        foreach (var old in Versions().Where(version => version != checkpoint.Version).Skip(keep - 1)) DurableFile.Delete(PathOf(old));
        return new WeightSummary(
            checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, new FileInfo(path).Length, Current: true);
    }

    /// <summary>The newest checkpoint that is whole. A damaged one is set aside as <c>.damaged</c>, and the one before it is taken.</summary>
    /// <param name="warnings">A sentence for each that was damaged.</param>
    /// <returns>Null where there is none.</returns>
    /// <exception cref="IOException">A file cannot be read; that alone says nothing about its content.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote the newest one.</exception>
    public Checkpoint? LoadNewest(out IReadOnlyList<string> warnings)
    {
        var problems = new List<string>();
        warnings = problems;
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
                problems.Add($"checkpoint {version} is damaged and was set aside as {path}{DamagedSuffix}: {exception.Message}");
            }
        }
        return null;
    }

    /// <returns>Null where that version is not kept.</returns>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public Checkpoint? Find(long version)
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

    /// <summary>The kept checkpoints, newest first, from their headers alone; one with a damaged header is left out.</summary>
    /// <param name="current">The version in use, to be marked; null for none.</param>
    public IReadOnlyList<WeightSummary> List(long? current = null)
    {
        var summaries = new List<WeightSummary>();
        foreach (var version in Versions())
        {
            try
            {
                summaries.Add(CheckpointFile.ReadSummary(PathOf(version), current));
            }
            catch (Exception exception) when (exception is InvalidDataException or NotSupportedException or FileNotFoundException)
            {
                continue;
            }
        }
        return summaries;
    }

    /// <inheritdoc/>
    Task<WeightSummary> ICheckpointStore.Save(Checkpoint checkpoint, CancellationToken cancellation) => Alone(() => Write(checkpoint), cancellation);

    /// <inheritdoc/>
    Task<Checkpoint?> ICheckpointStore.LoadNewest(Action<string> warn, CancellationToken cancellation) => Alone(() =>
    {
        var checkpoint = LoadNewest(out var warnings);
        foreach (var warning in warnings) warn(warning);
        return checkpoint;
    }, cancellation);

    /// <inheritdoc/>
    Task<IReadOnlyList<WeightSummary>> ICheckpointStore.List(CancellationToken cancellation) => Alone(() => List(), cancellation);

    /// <inheritdoc/>
    Task<Checkpoint?> ICheckpointStore.Find(long version, CancellationToken cancellation) => Alone(() => Find(version), cancellation);

    /// <summary>The disk is asked off the caller's thread, one at a time: reading a version must not meet its deletion.</summary>
    private Task<T> Alone<T>(Func<T> work, CancellationToken cancellation) => Task.Run(() =>
    {
        lock (gate) return work();
    }, cancellation);

    /// <summary>A file that was renamed, to another version or from elsewhere, is not what its name says.</summary>
    private Checkpoint Load(long version)
    {
        var checkpoint = CheckpointFile.Read(PathOf(version));
        if (checkpoint.Version != version) throw new InvalidDataException($"{PathOf(version)}: it holds version {checkpoint.Version}");
        return checkpoint;
    }

    private string PathOf(long version) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D12}{Suffix}"));

    /// <summary>Versions by the names of the files, newest first.</summary>
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
}
