using System.Numerics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// y0 and the way between y and what the network works on. With the mean's part m, scale r, anchor a and its weight b: u0 = unit(pooled sentences and x),
/// y0 = m + r k (u0 + b a) with k = 1 / ||u0 + b a||; a correction c of u0 makes y = m + r k (u0 + c + b a).
/// </summary>
internal sealed class SummaryStart
{
    private readonly float[] y;
    private readonly double factor; // r k

    /// <param name="memory">That of the reading.</param>
    public SummaryStart(SentenceReading reading, ResidualStatistics statistics, ReadingMemory memory)
    {
        var d = reading.X.Length;
        var pool = statistics.Pool;
        (U, y) = (memory.U, memory.Y);
        Array.Clear(U);
        var weights = new double[reading.Count];
        for (var i = 0; i < weights.Length; i++)
        {
            for (var k = 0; k < PoolFeatures.Weightings; k++) weights[i] += pool[k] * reading.Weightings[i * PoolFeatures.Weightings + k];
        }
        reading.AddSum(U, weights);
        VectorMath.AddScaled(U, reading.X, pool[PoolFeatures.Weightings]);
        double length = VectorMath.Normalize(U);
        if (length > 0)
        {
            // u0's products with the sentences follow from those that are known.
            Products = new double[weights.Length];
            for (var i = 0; i < weights.Length; i++)
                Products[i] = (reading.ProductWithSum(i, weights) + pool[PoolFeatures.Weightings] * reading.CosinesX[i]) / length;
        }
        else
        {
            reading.X.CopyTo(U);
            Products = reading.CosinesX;
        }
        var mixed = d <= VectorMath.MostOnStack ? stackalloc float[d] : new float[d];
        U.CopyTo(mixed);
        VectorMath.AddScaled(mixed, reading.Anchor, statistics.Anchor);
        var norm = VectorMath.Norm(mixed);
        factor = Math.Max(statistics.Scale, LeastScale) / (norm > 0 ? norm : 1);
        Array.Clear(y);
        VectorMath.AddScaled(y, statistics.MeanT, MeanShare);
        VectorMath.AddScaled(y, mixed, (float)factor);
    }

    /// <summary>
    /// How much of the highlights' mean is in y. All highlights lie near it, so that it tells none from another: half of it costs no cosine and finds an article's own
    /// highlights better (on CNN/DailyMail by 0.2 to 0.3 of MRR x 100); none at all costs 0.007 of cosine.
    /// </summary>
    internal const float MeanShare = 0.5f;

    /// <summary>What of a y is not the mean's, of unit length; zero where nothing is left.</summary>
    /// <param name="y">[d]</param>
    /// <param name="to">[d]; overwritten.</param>
    public static void Own(ReadOnlySpan<float> y, ResidualStatistics statistics, Span<float> to) => SentenceReading.Centre(y, statistics.MeanT, to, MeanShare);

    /// <summary>Below this the way back from y to u would blow rounding up.</summary>
    private const float LeastScale = 0.01f;

    /// <summary>[d] u0, of unit length (zero for an article without a known word).</summary>
    public float[] U { get; }

    /// <summary>[n] products of the sentences with u0.</summary>
    public double[] Products { get; }

    /// <summary>[d] y0.</summary>
    public ReadOnlySpan<float> Y => y;

    /// <summary>u of a y: u0 + (y - y0) / (r k).</summary>
    /// <param name="carried">[d] y of an earlier step.</param>
    /// <param name="u">[d]; overwritten.</param>
    public void Carry(ReadOnlySpan<float> carried, Span<float> u)
    {
        var j = 0;
        for (; j <= u.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(carried[j..]) - new Vector<float>(y, j), out var low, out var high);
            (new Vector<float>(U, j) + Vector.Narrow(low / factor, high / factor)).CopyTo(u[j..]);
        }
        for (; j < u.Length; j++) u[j] = U[j] + (float)((carried[j] - y[j]) / factor);
    }

    /// <summary>y of u0 + sum of weighted sentences.</summary>
    /// <param name="target">[d]; overwritten.</param>
    /// <param name="weights">[n]</param>
    public void WriteY(Span<float> target, SentenceReading reading, ReadOnlySpan<double> weights)
    {
        target.Clear();
        reading.AddSum(target, weights);
        var j = 0;
        for (; j <= target.Length - Vector<float>.Count; j += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(target[j..]), out var low, out var high);
            (new Vector<float>(y, j) + Vector.Narrow(low * factor, high * factor)).CopyTo(target[j..]);
        }
        for (; j < target.Length; j++) target[j] = y[j] + (float)(target[j] * factor);
    }
}
