using System.Collections.Immutable;

namespace RsrNet.Core.Documents;

/// <summary>One supervision step of a document's past; the fields are those of <see cref="RefinementState"/>.</summary>
public readonly record struct TrajectoryPoint(
    int Step, long WeightVersion, float ResidualY, float ResidualZ, float Confidence, float? Loss, DateTimeOffset At);

/// <summary>The bounded past of a document: the first and the latest steps always, and fewer and fewer of those between.</summary>
public sealed class Trajectory
{
    public static readonly Trajectory Empty = new([]);

    private Trajectory(ImmutableArray<TrajectoryPoint> points) => Points = points;

    /// <summary>Oldest first, steps strictly ascending.</summary>
    public ImmutableArray<TrajectoryPoint> Points { get; }

    public static Trajectory Of(IEnumerable<TrajectoryPoint> points) => new([.. points]);

    /// <summary>The same with the loss at the last point.</summary>
    public Trajectory WithLoss(float loss) => Points.IsEmpty ? this : new(Points.SetItem(Points.Length - 1, Points[^1] with { Loss = loss }));

    /// <summary>Adds a point; over <paramref name="limit"/> points every second one of the older half goes, but never the first.</summary>
    /// <param name="limit">At least 4.</param>
    public Trajectory Add(TrajectoryPoint point, int limit)
    {
        if (Points.Length < limit) return new Trajectory(Points.Add(point));
        var kept = ImmutableArray.CreateBuilder<TrajectoryPoint>(limit);
        for (var i = 0; i < Points.Length; i++)
        {
            if (i >= Points.Length / 2 || i % 2 == 0) kept.Add(Points[i]);
        }
        kept.Add(point);
        return new Trajectory(kept.ToImmutable());
    }
}
