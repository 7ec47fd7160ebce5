using System.Numerics;

namespace RsrNet.Core.Numerics;

/// <summary>
/// The directions in which vectors vary most, kept up to date one vector at a time: candid covariance-free incremental PCA (Weng, Zhang and Hwang,
/// "Candid Covariance-Free Incremental Principal Component Analysis", 2003), equations 10 and 11. Not thread-safe.
/// </summary>
/// <param name="dimensions">Elements of a vector.</param>
/// <param name="axes">Directions kept; at least 1.</param>
/// <param name="amnesia">How much newer vectors count beyond their share, so that axes follow vectors that move. The paper uses 2 to 4.</param>
/// <param name="memory">After so many vectors the weight of a new one falls no further.</param>
public sealed class PrincipalAxes(int dimensions, int axes, double amnesia = 2, int memory = 10_000)
{
    // Each is its eigenvalue times its unit direction.
    private readonly float[][] directions = [.. Enumerable.Range(0, axes).Select(_ => new float[dimensions])];
    private readonly float[] mean = new float[dimensions];
    private readonly float[] rest = new float[dimensions];
    private long seen;

    /// <summary>Vectors seen so far.</summary>
    public long Seen => seen;

    /// <param name="vector">[dimensions]; one that is not finite is passed over.</param>
    public void Add(ReadOnlySpan<float> vector)
    {
        if (!VectorMath.IsFinite(vector)) return;
        seen++;
        var n = Math.Min(seen, memory);
        MoveMean(vector, n);
        var forget = Math.Min(amnesia, n - 1);
        var old = (float)((n - 1 - forget) / n);
        var fresh = (float)((1 + forget) / n);
        foreach (var direction in directions)
        {
            var length = VectorMath.Norm(direction);
            if (length < 1e-12f)
            {
                // The first direction is the first vector that is left; what is left of it for the next ones is nothing.
                rest.CopyTo(direction, 0);
                return;
            }
            var along = VectorMath.Dot(rest, direction) / length;
            Turn(direction, old, fresh * along);
            length = VectorMath.Norm(direction);
            if (length < 1e-12f) return;
            // Deflation: the next direction is looked for in what this one leaves over.
            along = VectorMath.Dot(rest, direction) / (length * length);
            VectorMath.AddScaled(rest, direction, -along);
        }
    }

    /// <summary>The mean with one vector more, and what is left of the vector without it.</summary>
    private void MoveMean(ReadOnlySpan<float> vector, float count)
    {
        var width = Vector<float>.Count;
        var i = 0;
        for (; i <= mean.Length - width; i += width)
        {
            var (old, now) = (new Vector<float>(mean, i), new Vector<float>(vector[i..]));
            old += (now - old) / count;
            old.CopyTo(mean, i);
            (now - old).CopyTo(rest, i);
        }
        for (; i < mean.Length; i++)
        {
            mean[i] += (vector[i] - mean[i]) / count;
            rest[i] = vector[i] - mean[i];
        }
    }

    /// <summary>direction = old * direction + fresh * rest</summary>
    private void Turn(float[] direction, float old, float fresh)
    {
        var width = Vector<float>.Count;
        var i = 0;
        for (; i <= direction.Length - width; i += width) (old * new Vector<float>(direction, i) + fresh * new Vector<float>(rest, i)).CopyTo(direction, i);
        for (; i < direction.Length; i++) direction[i] = old * direction[i] + fresh * rest[i];
    }

    /// <summary>Coordinates along the axes, the one with the most variance first.</summary>
    /// <param name="coordinates">[axes], overwritten.</param>
    public void Project(ReadOnlySpan<float> vector, Span<float> coordinates)
    {
        for (var axis = 0; axis < directions.Length; axis++)
        {
            var direction = directions[axis];
            var length = VectorMath.Norm(direction);
            coordinates[axis] = length < 1e-12f ? 0 : (VectorMath.Dot(vector, direction) - VectorMath.Dot(mean, direction)) / length;
        }
    }
}
