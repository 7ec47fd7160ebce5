using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>How an article's sentences lie to its y: what confidence and readout judge by.</summary>
public sealed class SummaryView
{
    private SummaryView(SentenceReading reading, double[] cosines, double cosineX, double cosineLead)
    {
        Reading = reading;
        Cosines = cosines;
        CosineX = cosineX;
        CosineLead = cosineLead;
    }

    public SentenceReading Reading { get; }

    /// <summary>[n] cosines of the sentences to y, both less their means.</summary>
    public double[] Cosines { get; }

    /// <summary>Cosine of x to y, likewise.</summary>
    public double CosineX { get; }

    /// <summary>Cosine of the lead-weighted sentences to y, likewise.</summary>
    public double CosineLead { get; }

    /// <param name="y">[d]; all zero stands for x.</param>
    public static SummaryView Of(SentenceReading reading, ReadOnlySpan<float> y, ResidualStatistics statistics)
    {
        if (!y.ContainsAnyExcept(0f)) return Of(reading, reading.X);
        var d = y.Length;
        var own = d <= VectorMath.MostOnStack ? stackalloc float[d] : new float[d];
        SummaryStart.Own(y, statistics, own);
        return Of(reading, own);
    }

    /// <param name="centred">[d] of unit length.</param>
    private static SummaryView Of(SentenceReading reading, ReadOnlySpan<float> centred) =>
        new(reading, reading.Against(centred), VectorMath.Dot(reading.X, centred), VectorMath.Dot(reading.Lead, centred));

    /// <summary>The cosine of y to the unknown t, as the regression foretells it.</summary>
    /// <param name="features">[7] <see cref="ConfidenceFeatures"/>; overwritten.</param>
    internal double PredictCosine(ResidualStatistics statistics, Span<double> features)
    {
        ConfidenceFeatures.Write(features, Cosines, CosineX, CosineLead);
        double sum = 0;
        for (var k = 0; k < features.Length; k++) sum += statistics.Confidence[k] * features[k];
        return sum;
    }
}
