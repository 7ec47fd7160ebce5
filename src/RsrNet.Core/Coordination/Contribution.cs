namespace RsrNet.Core.Coordination;

/// <summary>What replicas bring to the coordinator for one update: one replica's share, or the joined shares of several.</summary>
public sealed record Contribution
{
    /// <summary>The coordinator's term: one that lost its memory begins a new one, and takes nothing that was computed in an older one.</summary>
    public required long Term { get; init; }

    /// <summary>The weights that it was computed with.</summary>
    public required long BaseVersion { get; init; }

    /// <summary>Whose it is, in ascending order of replicas; each is applied once.</summary>
    public required IReadOnlyList<ContributionPart> Parts { get; init; }

    /// <summary>[parameters] the gradient; with local steps [3 * parameters]: parameters, Adam's means, Adam's variances.</summary>
    public required float[] Values { get; init; }

    /// <summary>[statistics] BatchNorm's running statistics, moved on from those of the base version. Empty in the residual mode, which has no BatchNorm.</summary>
    public required float[] Statistics { get; init; }

    /// <summary>Calls of the network by which the statistics were moved.</summary>
    public required long Calls { get; init; }

    /// <summary>What its documents teach the regressions beside the network, in their order; none in the notebook's mode.</summary>
    public IReadOnlyList<Lesson> Lessons { get; init; } = [];

    /// <summary>How exactly <see cref="Values"/> are to travel; they have been rounded to it already.</summary>
    public GradientPrecision Precision { get; init; }

    public int Rows => Parts.Sum(part => part.Rows);

    /// <summary>Supervision steps in it; the replica that did most counts.</summary>
    public int Updates => Parts.Max(part => part.Updates);

    /// <summary>Mean over the rows.</summary>
    public float Loss => (float)Parts.Sum(part => (double)part.Loss * part.Rows / Rows);

    /// <summary>Mean q over the rows.</summary>
    public double Confidence => Parts.Sum(part => part.Confidence * part.Rows / Rows);

    /// <summary>
    /// The means over all rows: of gradients that are means over their own rows this is the joined batch's gradient, up to the batch statistics that
    /// each replica takes over its own rows (the residual mode has none: there it is the joined batch's but for rounding). Running statistics are joined the same way: the mean is the joined batch's, and as running variances
    /// hold unbiased estimates, theirs is one, too. Always in the same order, so that the sum does not depend on who came first.
    /// </summary>
    /// <param name="contributions">At least one; of one term and one base version.</param>
    public static Contribution Join(IReadOnlyList<Contribution> contributions)
    {
        if (contributions.Count == 1) return contributions[0];
        var ordered = contributions.OrderBy(contribution => contribution.Parts[0].Replica).ToList();
        var rows = ordered.Sum(contribution => contribution.Rows);
        var values = new float[ordered[0].Values.Length];
        var statistics = new float[ordered[0].Statistics.Length];
        foreach (var contribution in ordered)
        {
            if (contribution.Term != ordered[0].Term || contribution.BaseVersion != ordered[0].BaseVersion)
                throw new ArgumentException("contributions of different base versions cannot be joined", nameof(contributions));
            var share = (float)((double)contribution.Rows / rows);
            WeightedSum.Add(values, contribution.Values, share);
            WeightedSum.Add(statistics, contribution.Statistics, share);
        }
        return ordered[0] with
        {
            Parts = [.. ordered.SelectMany(contribution => contribution.Parts).OrderBy(part => part.Replica)],
            Values = values,
            Statistics = statistics,
            Calls = ordered.Max(contribution => contribution.Calls),
            Lessons = [.. ordered.SelectMany(contribution => contribution.Lessons)],
        };
    }

    /// <summary>Rounds the values to a precision, in place where there is something to round.</summary>
    public Contribution Rounded(GradientPrecision precision)
    {
        if (precision == GradientPrecision.BFloat16) BFloat16.Round(Values);
        return this with { Precision = precision };
    }
}

/// <summary>One replica's share of a contribution.</summary>
/// <param name="Replica">Number of the replica, from 0.</param>
/// <param name="Sequence">Ascending over the contributions of a replica; a number that was applied once is not applied again.</param>
/// <param name="Rows">Documents in it.</param>
/// <param name="Updates">Supervision steps in it: 1, or those that a replica did by itself.</param>
/// <param name="Loss">Mean over its rows at the last step.</param>
/// <param name="Confidence">Mean q over its rows, in [0, 1].</param>
public readonly record struct ContributionPart(int Replica, long Sequence, int Rows, int Updates, float Loss, double Confidence);
