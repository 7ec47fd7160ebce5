using RsrNet.Core.Numerics;

namespace RsrNet.Core.Evaluation;

/// <summary>How well a prediction finds its own article's highlights among those of all, by cosine.</summary>
/// <param name="Recall1">Share found in the first place; in [0, 1].</param>
/// <param name="Recall10">Share found in the first ten.</param>
/// <param name="Mrr">Mean of 1 / rank.</param>
public readonly record struct Retrieval(double Recall1, double Recall10, double Mrr)
{
    /// <param name="predictions">One for each article.</param>
    /// <param name="targets">In the same order.</param>
    public static Retrieval Of(IReadOnlyList<float[]> predictions, IReadOnlyList<float[]> targets)
    {
        double first = 0, ten = 0, reciprocal = 0;
        for (var i = 0; i < predictions.Count; i++)
        {
            var own = VectorMath.Cosine(predictions[i], targets[i]);
            // Ties share their places: a constant prediction finds as much as chance does, and articles that came twice do not spoil each other.
            var cosines = targets.Select(target => VectorMath.Cosine(predictions[i], target)).ToArray();
            var rank = 1 + cosines.Count(cosine => cosine > own) + (cosines.Count(cosine => cosine == own) - 1) / 2.0;
            first += rank < 2 ? 1 : 0;
            ten += rank <= 10 ? 1 : 0;
            reciprocal += 1.0 / rank;
        }
        var n = Math.Max(predictions.Count, 1);
        return new Retrieval(first / n, ten / n, reciprocal / n);
    }
}
