namespace RsrNet.Core.Weights;

/// <summary>
/// The checkpoints of one learner (<see cref="VersionFiles"/>), the newest of them kept.
/// </summary>
public sealed class CheckpointFolder : ICheckpointStore
{
    /// <summary>Pinned checkpoints kept beside the others.</summary>
    public const int MostPinned = 3;

    private readonly VersionFiles files;
    private readonly int keep;

    /// <summary>One call at a time: a file is not read while it is pruned, nor written twice at once.</summary>
    private readonly Lock gate = new();

    /// <inheritdoc cref="VersionFiles(string)"/>
    /// <exception cref="ArgumentException">Weights.Keep is below 2.</exception>
    public CheckpointFolder(string folder, WeightOptions options)
    {
        if (options.Keep < 2)
            throw new ArgumentException(
                $"Weights.Keep must be at least 2, so that a damaged newest checkpoint has one before it, not {options.Keep}");
        keep = options.Keep;
        files = new VersionFiles(folder);
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
        Run(() => files.ReadNewest(Load, warn), cancellation);

    /// <inheritdoc/>
    /// <remarks>Reads the headers alone; a checkpoint with a damaged one is left out.</remarks>
    public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default) => Run(() => files.List(CheckpointFile.ReadSummary), cancellation);

    /// <inheritdoc/>
    public Task<Checkpoint?> Find(long version, CancellationToken cancellation = default) => Run(() => files.Find(version, Load), cancellation);

    private Task<T> Run<T>(Func<T> action, CancellationToken cancellation) => Task.Run(
        () =>
        {
            lock (gate) return action();
        },
        cancellation);

    private WeightSummary Write(Checkpoint checkpoint)
    {
        var path = files.PathOf(checkpoint.Version);
        DurableFile.Write(path, stream => CheckpointFile.Write(stream, checkpoint));
        foreach (var old in files.Versions().Where(version => version != checkpoint.Version && !IsPinned(version)).Skip(keep - 1)) DurableFile.Delete(files.PathOf(old));
        foreach (var old in files.Versions().Where(IsPinned).Skip(MostPinned)) DurableFile.Delete(files.PathOf(old));
        var bytes = new FileInfo(path).Length;
        return new WeightSummary(
            checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, bytes, Current: false) { Pinned = checkpoint.Pinned };
    }

    /// <summary>A file that cannot be read is not pinned: it goes in its turn.</summary>
    private bool IsPinned(long version)
    {
        try
        {
            return CheckpointFile.ReadSummary(files.PathOf(version)).Pinned;
        }
        catch (Exception exception) when (exception is InvalidDataException or NotSupportedException or FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>A file that was renamed, to another version or from elsewhere, is not what its name says.</summary>
    private Checkpoint Load(long version)
    {
        var checkpoint = CheckpointFile.Read(files.PathOf(version));
        if (checkpoint.Version != version) throw new InvalidDataException($"{files.PathOf(version)}: it holds version {checkpoint.Version}");
        return checkpoint;
    }
}
