using System.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>Clipping by the global norm, as torch.nn.utils.clip_grad_norm_ does it.</summary>
public static class GradientClip
{
    /// <summary>The 2-norm over all parameters, summed in double. Not finite exactly where an element is not.</summary>
    public static double Norm(ReadOnlySpan<float> gradient)
    {
        var sums = Vector<double>.Zero;
        var i = 0;
        for (; i <= gradient.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(gradient[i..]), out var low, out var high);
            sums += low * low + high * high;
        }
        var sum = Vector.Sum(sums);
        for (; i < gradient.Length; i++) sum += (double)gradient[i] * gradient[i];
        return Math.Sqrt(sum);
    }

    /// <summary>What a gradient of this norm is multiplied with: max / (norm + 1e-6), at most 1.</summary>
    public static float Coefficient(double norm, double maximum) => (float)Math.Min(1, maximum / (norm + 1e-6));
}
