namespace RsrNet.Core.Weights;

/// <summary>The checkpoints of one text model (<see cref="VersionFiles"/>), the newest of them kept.</summary>
/// <exception cref="IOException">The folder cannot be made.</exception>
public sealed class ModelCheckpointFolder(string folder, int keep)
{
    private readonly VersionFiles files = new(folder);

    public bool IsEmpty => files.Versions().Count == 0;

    /// <exception cref="IOException">It could not be written; what was there before is untouched.</exception>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    public void Save(ModelCheckpoint checkpoint)
    {
        // A version may be written again further on in the stream: articles without the label were passed over.
        DurableFile.Write(files.PathOf(checkpoint.Version), stream => ModelCheckpointFile.Write(stream, checkpoint));
        foreach (var old in files.Versions().Skip(keep)) DurableFile.Delete(files.PathOf(old));
    }

    /// <inheritdoc cref="VersionFiles.ReadNewest"/>
    public ModelCheckpoint? LoadNewest(Action<string> warn) => files.ReadNewest(Load, warn);

    /// <inheritdoc cref="VersionFiles.Find"/>
    public ModelCheckpoint? Find(long version) => files.Find(version, Load);

    /// <summary>Newest first. Reads the headers alone; a checkpoint with a damaged one is left out.</summary>
    public IReadOnlyList<WeightSummary> List() => files.List(ModelCheckpointFile.ReadSummary);

    private ModelCheckpoint Load(long version) => ModelCheckpointFile.Read(files.PathOf(version));
}
