using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// How fast refinement contracts at a document's state: the spectral radius of one supervision step's Jacobian there, by power iteration on finite
/// differences. Below 1 the state is attracted to a fixed point and each step shrinks the distance by about this factor.
/// </summary>
public static class Contraction
{
    /// <summary>Power iterations; the growth of the last ones is averaged, because a complex pair of eigenvalues makes single ones swing.</summary>
    private const int Iterations = 24, Averaged = 8;

    /// <param name="engine">With the weights in question loaded.</param>
    /// <param name="batch">Two rows or more; the first holds x, y and z of the document. Overwritten.</param>
    /// <returns>The spectral radius; 0 where the step forgets its state at once.</returns>
    public static double SpectralRadius(IRecursionEngine engine, RecursionBatch batch)
    {
        var (d, _, l) = engine.Shape;
        batch.Rows = 2;
        var y = batch.Y.AsSpan(0, d).ToArray();
        var z = batch.Z.AsSpan(0, l).ToArray();
        batch.X.AsSpan(0, d).CopyTo(batch.X.AsSpan(d, d));
        var direction = new float[d + l];
        var random = new SplitMix64(1);
        for (var i = 0; i < direction.Length; i++) direction[i] = random.NextUniform(1);
        Scale(direction, 1 / VectorMath.Norm(direction));

        // Single precision: a step too small drowns in rounding, one too large leaves the linear part.
        var epsilon = 1e-2f * Math.Max(1e-3f, MathF.Sqrt(VectorMath.Dot(y, y) + VectorMath.Dot(z, z)));
        double logs = 0;
        for (var iteration = 0; iteration < Iterations; iteration++)
        {
            for (var i = 0; i < d; i++)
            {
                batch.Y[i] = y[i];
                batch.Y[d + i] = y[i] + epsilon * direction[i];
            }
            for (var i = 0; i < l; i++)
            {
                batch.Z[i] = z[i];
                batch.Z[l + i] = z[i] + epsilon * direction[d + i];
            }
            engine.Refine(batch);
            for (var i = 0; i < d; i++) direction[i] = (batch.Y[d + i] - batch.Y[i]) / epsilon;
            for (var i = 0; i < l; i++) direction[d + i] = (batch.Z[l + i] - batch.Z[i]) / epsilon;
            var growth = VectorMath.Norm(direction);
            if (!(growth > 1e-9f)) return 0;
            Scale(direction, 1 / growth);
            if (iteration >= Iterations - Averaged) logs += Math.Log(growth) / Averaged;
        }
        return Math.Exp(logs);
    }

    private static void Scale(Span<float> vector, float factor)
    {
        for (var i = 0; i < vector.Length; i++) vector[i] *= factor;
    }
}
