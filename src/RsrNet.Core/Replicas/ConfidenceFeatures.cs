namespace RsrNet.Core.Replicas;

/// <summary>What the cosine of y to the unknown t is foretold from.</summary>
public static class ConfidenceFeatures
{
    public const int Count = 7;

    public static IReadOnlyList<string> Names { get; } =
        ["bias", "y to article", "nearest sentence", "nearest three sentences", "deviation over sentences", "log sentences", "y to lead"];

    internal static readonly double[] Prior = new double[Count];

    internal const double PriorWeight = 1;

    /// <param name="features">[7]; overwritten.</param>
    /// <param name="cosines">[n] of the sentences to y.</param>
    internal static void Write(Span<double> features, ReadOnlySpan<double> cosines, double cosineX, double cosineLead)
    {
        features.Clear();
        features[0] = 1;
        features[1] = cosineX;
        features[6] = cosineLead;
        if (cosines.IsEmpty) return;
        double first = -1, second = -1, third = -1, sum = 0, squares = 0;
        foreach (var cosine in cosines)
        {
            sum += cosine;
            squares += cosine * cosine;
            if (cosine > first) (first, second, third) = (cosine, first, second);
            else if (cosine > second) (second, third) = (cosine, second);
            else if (cosine > third) third = cosine;
        }
        var n = cosines.Length;
        features[2] = first;
        features[3] = n >= 3 ? (first + second + third) / 3 : sum / n;
        features[4] = Math.Sqrt(Math.Max(0, squares / n - sum / n * (sum / n)));
        features[5] = Math.Log(n);
    }
}
