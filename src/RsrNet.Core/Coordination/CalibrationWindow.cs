using RsrNet.Core.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>The latest predictions of quality beside what came of them: what calibrates the next ones, and how good they have been.</summary>
/// <param name="capacity">Predictions kept; at least 2.</param>
public sealed class CalibrationWindow(int capacity)
{
    private const double LogisticUnit = 1.7;

    private const double PriorWeight = 5;

    private readonly Queue<Judged> window = new(capacity);
    private LogisticLine? line; // of the window as it is, once it was asked for

    public int Count => window.Count;

    /// <summary>Median of the true cosines; 0 before the first.</summary>
    public double Median => Numerics.Median.Of(window.Select(judged => judged.Cosine));

    /// <summary>
    /// From a foretold cosine to the probability that the true one is above the median. Begins as if errors were normal with their usual spread
    /// (1.7 of it is the logistic's unit) and follows what came; all is 0.5 before the first.
    /// </summary>
    public LogisticLine Line => line ??= FitLine();

    /// <summary>What the window holds, oldest first: [count, 3] foretold cosine, q, true cosine.</summary>
    public double[] Values
    {
        get => [.. window.SelectMany(judged => (double[])[judged.Foretold, judged.Probability, judged.Cosine])];
        set
        {
            window.Clear();
            line = null;
            for (var i = 0; i + 2 < value.Length; i += 3) Add(value[i], value[i + 1], value[i + 2]);
        }
    }

    public void Add(double foretold, double probability, double cosine)
    {
        if (window.Count == capacity) window.Dequeue();
        window.Enqueue(new Judged(foretold, probability, cosine));
        line = null;
    }

    /// <summary>How q has done over the window: it stood for "the cosine is above the median".</summary>
    public Calibration Read()
    {
        var median = Median;
        return Calibration.Of([.. window.Select(judged => (judged.Probability, judged.Cosine > median))]);
    }

    private LogisticLine FitLine()
    {
        if (window.Count == 0) return default;
        var median = Median;
        // 1.4826 of the median of absolute errors is the standard deviation where they are normal; single misses do not count.
        var spread = Math.Max(1.4826 * Numerics.Median.Of(window.Select(judged => Math.Abs(judged.Cosine - judged.Foretold))), 1e-6);
        var found = new LogisticLine(0, LogisticUnit).Fit([.. window.Select(judged => ((judged.Foretold - median) / spread, judged.Cosine > median))], PriorWeight);
        return new LogisticLine(found.Offset - found.Slope * median / spread, found.Slope / spread);
    }

    private readonly record struct Judged(double Foretold, double Probability, double Cosine);
}
