namespace RsrNet.Core.Numerics;

/// <summary>How well probabilities stood for what came.</summary>
/// <param name="Auroc">Probability that one of those that came true was given more than one that did not; ties count half; 0.5 where one kind is missing.</param>
/// <param name="ExpectedError">Mean over ten bins of probability of |mean probability - share that came true|, weighted by size.</param>
/// <param name="Bins">The bins that hold something, in ascending order.</param>
public sealed record Calibration(double Auroc, double ExpectedError, IReadOnlyList<CalibrationBin> Bins)
{
    private const int BinCount = 10;

    /// <summary>
    /// The error that a perfect one would show on average with as many in the same bins: each share is off by chance, by sqrt(2 p (1 - p) / (pi n)) where it counts n.
    /// An error no larger than this says nothing against the probabilities.
    /// </summary>
    public double ChanceError => Bins.Sum(bin => Math.Sqrt(2 / Math.PI * bin.Probability * (1 - bin.Probability) * bin.Count)) / Math.Max(Bins.Sum(bin => bin.Count), 1);

    public static Calibration Of(IReadOnlyList<(double Probability, bool True)> judged)
    {
        var bins = new List<CalibrationBin>();
        double error = 0;
        foreach (var bin in judged.GroupBy(one => Math.Clamp((int)(one.Probability * BinCount), 0, BinCount - 1)).OrderBy(bin => bin.Key))
        {
            var found = new CalibrationBin(bin.Average(one => one.Probability), bin.Average(one => one.True ? 1.0 : 0.0), bin.Count());
            bins.Add(found);
            error += Math.Abs(found.Probability - found.Share) * found.Count / judged.Count;
        }
        return new Calibration(RankArea(judged), error, bins);
    }

    /// <summary>Mann-Whitney: the mean rank of those that came true, ties sharing their ranks.</summary>
    private static double RankArea(IReadOnlyList<(double Probability, bool True)> judged)
    {
        var sorted = judged.OrderBy(one => one.Probability).ToArray();
        double ranks = 0;
        for (var start = 0; start < sorted.Length;)
        {
            var end = start;
            while (end < sorted.Length && sorted[end].Probability.Equals(sorted[start].Probability)) end++; // what is no number is equal to itself, too
            for (var i = start; i < end; i++)
            {
                if (sorted[i].True) ranks += (start + end + 1) / 2.0;
            }
            start = end;
        }
        double hits = judged.Count(one => one.True), misses = judged.Count - hits;
        return hits == 0 || misses == 0 ? 0.5 : (ranks - hits * (hits + 1) / 2) / (hits * misses);
    }
}

/// <param name="Probability">Mean of the bin.</param>
/// <param name="Share">Of those in the bin, how many came true.</param>
public readonly record struct CalibrationBin(double Probability, double Share, int Count);
