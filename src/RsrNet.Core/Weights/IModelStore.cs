using RsrNet.Core.Coordination.Models;

namespace RsrNet.Core.Weights;

/// <summary>Keeps the text models of a server durably: what each is, and its last few checkpoints. Safe to call from many threads.</summary>
/// <exception cref="IOException">Of every call: the place cannot be written or read.</exception>
/// <exception cref="Documents.StoreUnavailableException">Of every call: the database does not answer.</exception>
public interface IModelStore
{
    /// <summary>All there are, by name.</summary>
    /// <param name="warn">Told of each that is damaged and was left out.</param>
    Task<IReadOnlyDictionary<string, ModelDescription>> List(Action<string> warn, CancellationToken cancellation = default);

    /// <summary>Durable once completed.</summary>
    /// <returns>False where there is a model of this name: it stays as it is.</returns>
    Task<bool> Add(string name, ModelDescription description, CancellationToken cancellation = default);

    /// <summary>Says anew what a model is that is there; its checkpoints stay.</summary>
    Task Change(string name, ModelDescription description, CancellationToken cancellation = default);

    /// <summary>Forgets a model with its checkpoints.</summary>
    /// <returns>Whether there was one.</returns>
    Task<bool> Remove(string name, CancellationToken cancellation = default);

    /// <summary>Begins a term of a model: who claimed it before can write no more checkpoints.</summary>
    /// <returns>Null where there is no such model.</returns>
    Task<IModelCheckpoints?> Claim(string name, CancellationToken cancellation = default);
}

/// <summary>The checkpoints of one text model, for whoever has claimed it.</summary>
public interface IModelCheckpoints
{
    /// <summary>
    /// Durable once completed; the oldest beyond <see cref="ModelOptions.Keep"/> are dropped. A version may be written again further on in the stream. What the
    /// checkpoint refers to has been read when the call returns.
    /// </summary>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    /// <exception cref="ModelClaimException">Somebody else has claimed the model since, or it was removed; nothing was written.</exception>
    Task Save(ModelCheckpoint checkpoint, CancellationToken cancellation = default);

    /// <summary>The newest that is whole; null where there is none. A damaged one is set aside, never deleted.</summary>
    /// <param name="warn">Told of each damaged one that was passed over.</param>
    Task<ModelCheckpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default);

    /// <summary>Null where that version is not kept.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    Task<ModelCheckpoint?> Find(long version, CancellationToken cancellation = default);

    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default);
}

/// <summary>Who learned a model until now does so no longer: another process has taken over, or the model was removed.</summary>
public sealed class ModelClaimException(string name)
    : Exception($"the model '{name}' is learned elsewhere now, or was removed; what is learned here is not kept");
