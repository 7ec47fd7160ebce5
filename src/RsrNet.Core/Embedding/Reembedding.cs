using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Brings a store to another encoder. States and weights belong to the vectors they were made with: every document becomes pending with its
/// new vectors, and the network begins anew. Cut off anywhere, it goes on there; until it is done no learner opens the store.
/// </summary>
/// <param name="encoder">The new one.</param>
/// <param name="checkpoints">Null where weights were never kept.</param>
public sealed class Reembedding(
    IDocumentStore store, ICheckpointStore? checkpoints, ITextEncoder encoder, RecursionOptions options, TimeProvider time)
{
    /// <summary>The encoder whose vectors the store's documents have.</summary>
    public const string EncoderSetting = "encoder";

    /// <summary>The encoder they are being brought to; empty where that is done.</summary>
    private const string GoalSetting = "encoder.goal";

    /// <summary>Documents embedded and saved at a time: what a crash costs.</summary>
    private const int Group = 32;

    /// <summary>The encoder that an unfinished re-embedding brings a store to; null where there is none.</summary>
    public static async Task<string?> UnfinishedGoal(IDocumentStore store, CancellationToken cancellation = default) =>
        await store.ReadSetting(GoalSetting, cancellation) is { Length: > 0 } goal ? goal : null;

    /// <param name="progress">Told how many documents have been looked through.</param>
    /// <returns>How many documents got new vectors now.</returns>
    /// <exception cref="StoreUnavailableException">The store cannot write; what is done stays done.</exception>
    public async Task<long> Run(Action<long> progress, Action<string> warn, CancellationToken cancellation = default)
    {
        if (await store.ReadSetting(EncoderSetting, cancellation) == encoder.Id && await UnfinishedGoal(store, cancellation) is null) return 0;
        await store.WriteSetting(GoalSetting, encoder.Id, cancellation);
        long seen = 0, changed = 0;
        string? cursor = null;
        do
        {
            var page = await store.List(new DocumentQuery(null, Group, cursor), cancellation);
            var old = new List<Document>(Group);
            foreach (var item in page.Items)
            {
                if (await store.Find(item.Id, cancellation) is { } document && document.Embedding?.EncoderId != encoder.Id) old.Add(document);
            }
            var vectors = encoder.Embed(old.ConvertAll(document => document.Article));
            await store.Save([.. old.Zip(vectors, AnewWith)], cancellation);
            seen += page.Items.Count;
            changed += old.Count;
            progress(seen);
            cursor = page.Next;
        }
        while (cursor is not null);

        await ReplaceWeights(warn, cancellation);
        await store.WriteSetting(EncoderSetting, encoder.Id, cancellation);
        await store.WriteSetting(GoalSetting, "", cancellation);
        return changed;
    }

    private static Document AnewWith(Document document, DocumentEmbedding embedding) => document with
    {
        Embedding = embedding,
        State = null,
        Trajectory = Trajectory.Empty,
        Status = DocumentStatus.Pending,
        Failure = null,
        LearnedAt = null,
        RunStart = 0,
    };

    /// <summary>A fresh network above all versions so far; the old ones stay as they are, and are refused by their encoder.</summary>
    private async Task ReplaceWeights(Action<string> warn, CancellationToken cancellation)
    {
        if (checkpoints is null || await checkpoints.LoadNewest(warn, cancellation) is not { } newest || newest.EncoderId == encoder.Id) return;
        var weights = RecursionInitialization.Create(newest.Weights.Shape with { D = encoder.Dimensions }, options.Seed);
        await checkpoints.Save(
            new Checkpoint(newest.Version + 1, encoder.Id, newest.Mode, weights, Optimizer: null, time.GetUtcNow(), Loss: null), cancellation);
    }
}
