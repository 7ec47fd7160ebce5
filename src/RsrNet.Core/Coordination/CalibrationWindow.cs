using RsrNet.Core.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>The latest predictions of quality beside what came of them: median and spread that calibrate the next ones, and how good they have been.</summary>
/// <param name="capacity">Predictions kept; at least 2.</param>
public sealed class CalibrationWindow(int capacity)
{
    private readonly Queue<Judged> window = new(capacity);

    public int Count => window.Count;

    /// <summary>Median of the true cosines; 0 before the first.</summary>
    public double Median
    {
        get
        {
            if (window.Count == 0) return 0;
            var sorted = window.Select(judged => judged.Cosine).Order().ToArray();
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }

    /// <summary>Root mean square of true less foretold cosine; 1 before the first.</summary>
    public double Spread => window.Count == 0 ? 1 : Math.Sqrt(window.Average(judged => (judged.Cosine - judged.Foretold) * (judged.Cosine - judged.Foretold)));

    /// <summary>What the window holds, oldest first: [count, 3] foretold cosine, q, true cosine.</summary>
    public double[] Values
    {
        get => [.. window.SelectMany(judged => (double[])[judged.Foretold, judged.Probability, judged.Cosine])];
        set
        {
            window.Clear();
            for (var i = 0; i + 2 < value.Length; i += 3) Add(value[i], value[i + 1], value[i + 2]);
        }
    }

    public void Add(double foretold, double probability, double cosine)
    {
        if (window.Count == capacity) window.Dequeue();
        window.Enqueue(new Judged(foretold, probability, cosine));
    }

    /// <summary>How q has done over the window: it stood for "the cosine is above the median".</summary>
    public Calibration Read()
    {
        var median = Median;
        return Calibration.Of([.. window.Select(judged => (judged.Probability, judged.Cosine > median))]);
    }

    private readonly record struct Judged(double Foretold, double Probability, double Cosine);
}
