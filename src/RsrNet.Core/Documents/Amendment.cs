using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>What comes to be known of an article that is there already.</summary>
/// <param name="Highlights">In place of those it has; null leaves them.</param>
/// <param name="Labels">Beside those it has, in place of those of the same name; null leaves them.</param>
public sealed record Amendment(IReadOnlyList<string>? Highlights, IReadOnlyDictionary<string, string>? Labels)
{
    /// <summary>
    /// Stores the amended article as the document's next revision, which goes on from the state that was refined without the amendment: what was foretold while
    /// nobody knew is what it is scored by. Durable once completed; cut off in between, the revision is there and begins anew.
    /// </summary>
    /// <param name="found">The document as it is.</param>
    /// <returns>What the store made of it.</returns>
    internal async Task<AmendOutcome> Apply(Document found, IDocumentStore store, ArticleReader reader, CancellationToken cancellation)
    {
        var article = found.Article with
        {
            Highlights = Highlights ?? found.Article.Highlights, Labels = Labels is null ? found.Article.Labels : Joined(found.Article.Labels, Labels),
        };
        var put = (await store.Put([article], cancellation))[0];
        if (put.Duplicate) return new AmendOutcome(put, null);
        var toLearn = Highlights is { Count: > 0 };
        var amended = reader.Read(found with
        {
            Article = article, Sequence = put.Sequence, Revision = put.Revision, IngestedAt = put.IngestedAt, Failure = null,
            // t is that of the new highlights.
            Embedding = found.Embedding is { } known ? new DocumentEmbedding(known.EncoderId, known.X, Highlights is null ? known.T : null) : null,
        });
        float? similarity = null;
        if (toLearn)
        {
            if (found is { State: { } state, LearnedAt: null }) similarity = VectorMath.Cosine(state.Y, amended.Embedding!.T);
            amended = amended with
            {
                Status = DocumentStatus.Pending, LearnedAt = null, RunStart = found.State?.Step ?? 0,
                State = found.State is { } before ? before with { Similarity = VectorMath.Cosine(before.Y, amended.Embedding!.T) } : null,
            };
        }
        await store.Save([amended.WithoutSentences()], cancellation);
        return new AmendOutcome(put with { Status = amended.Status }, similarity);
    }

    private static Dictionary<string, string> Joined(IReadOnlyDictionary<string, string> known, IReadOnlyDictionary<string, string> added)
    {
        var joined = new Dictionary<string, string>(known, StringComparer.Ordinal);
        foreach (var (name, value) in added) joined[name] = value;
        return joined;
    }
}

/// <param name="Put">The new revision, or the one there was where nothing changed.</param>
/// <param name="Similarity">Cosine to the new highlights of what was foretold before they were known; null where nothing was, or nothing is to be learned.</param>
public readonly record struct AmendOutcome(PutOutcome Put, float? Similarity);
