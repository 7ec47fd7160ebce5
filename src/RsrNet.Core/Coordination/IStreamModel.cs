using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>A learning mode as one whole: foretells articles, and learns from those with highlights. Used by one thread at a time.</summary>
public interface IStreamModel : IDisposable
{
    /// <summary>The mode's name.</summary>
    string Mode { get; }

    /// <summary>The cosine that q says a document is above; null where the mode means no such thing by it, or has seen nothing yet.</summary>
    double? UsualCosine => null;

    /// <summary>A batch with the articles in its rows, from the beginning of their recursion.</summary>
    RecursionBatch Place(IReadOnlyList<ReadArticle> articles);

    /// <summary>One supervision step of refinement with the served weights; Y, Z and Confidence are replaced.</summary>
    void Refine(RecursionBatch batch);

    /// <summary>The batch after the mode's number of supervision steps.</summary>
    RecursionBatch Predict(IReadOnlyList<ReadArticle> articles);

    /// <summary>The summary in words of a refined row.</summary>
    ReadoutSummary Summarize(RecursionBatch batch, int row);

    /// <summary>Learns from articles that <see cref="Predict"/> was asked for just before.</summary>
    /// <param name="articles">With highlights.</param>
    /// <param name="judged">What was foretold of them, with the weights as they are.</param>
    void Learn(IReadOnlyList<ReadArticle> articles, RecursionBatch judged);
}
