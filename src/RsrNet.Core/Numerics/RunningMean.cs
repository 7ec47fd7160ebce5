namespace RsrNet.Core.Numerics;

/// <summary>
/// The mean of a stream of vectors: exact over the first <paramref name="horizon"/> of them, and an exponential mean with that memory afterwards, so that
/// it follows a stream that changes.
/// </summary>
/// <param name="dimensions">d</param>
/// <param name="horizon">Vectors; at least 1.</param>
public sealed class RunningMean(int dimensions, long horizon)
{
    /// <summary>[d] zero before the first vector.</summary>
    public double[] Mean { get; } = new double[dimensions];

    /// <summary>Vectors that what came so far counts for: all of them, unless some were forgotten.</summary>
    public long Count { get; set; }

    /// <summary>Has all vectors so far count for so many: the next ones move the mean more.</summary>
    /// <param name="vectors">At least 1.</param>
    public void Forget(long vectors) => Count = Math.Min(Count, vectors);

    /// <param name="vector">[d]</param>
    public void Add(ReadOnlySpan<float> vector)
    {
        Count++;
        var share = 1.0 / Math.Min(Count, horizon);
        for (var i = 0; i < Mean.Length; i++) Mean[i] += (vector[i] - Mean[i]) * share;
    }
}
