using System.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Kingma, Ba: Adam (2015), in the order of operations of torch.optim.Adam: tensors in float, scalars prepared in double, epsilon outside
/// the root.
/// </summary>
public static class Adam
{
    /// <summary>One step over flat buffers of P parameters.</summary>
    /// <param name="parameters">[P]; updated in place.</param>
    /// <param name="gradient">[P]; not changed.</param>
    /// <param name="coefficient">Multiplied with the gradient first: clipping's.</param>
    /// <param name="state">[P] moments; updated in place, one step further.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Step(
        Span<float> parameters, ReadOnlySpan<float> gradient, float coefficient, AdamState state, CoordinationOptions options)
    {
        if (gradient.Length != parameters.Length)
            throw new ArgumentException($"the gradient has {gradient.Length} elements, the network {parameters.Length}", nameof(gradient));
        if (state.Mean.Length != parameters.Length)
            throw new ArgumentException($"Adam's state has {state.Mean.Length} elements, the network {parameters.Length}", nameof(state));
        state.Step++;
        var rates = new Rates(coefficient, state.Step, options);
        Span<float> mean = state.Mean;
        Span<float> variance = state.Variance;
        var i = 0;
        for (; i <= parameters.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var g = new Vector<float>(gradient[i..]) * rates.Coefficient;
            var m = new Vector<float>(mean[i..]) * rates.Beta1 + g * rates.Rest1;
            var v = new Vector<float>(variance[i..]) * rates.Beta2 + g * g * rates.Rest2;
            var denominator = Vector.SquareRoot(v) / new Vector<float>(rates.Correction2Root) + new Vector<float>(rates.Epsilon);
            m.CopyTo(mean[i..]);
            v.CopyTo(variance[i..]);
            (new Vector<float>(parameters[i..]) - m * rates.StepSize / denominator).CopyTo(parameters[i..]);
        }
        for (; i < parameters.Length; i++)
        {
            var g = gradient[i] * rates.Coefficient;
            mean[i] = mean[i] * rates.Beta1 + g * rates.Rest1;
            variance[i] = variance[i] * rates.Beta2 + g * g * rates.Rest2;
            var denominator = MathF.Sqrt(variance[i]) / rates.Correction2Root + rates.Epsilon;
            parameters[i] -= mean[i] * rates.StepSize / denominator;
        }
    }

    /// <summary>The scalars of one step: each computed in double and rounded once.</summary>
    private readonly struct Rates(float coefficient, long step, CoordinationOptions options)
    {
        public float Coefficient { get; } = coefficient;

        public float Beta1 { get; } = (float)options.Beta1;

        public float Beta2 { get; } = (float)options.Beta2;

        /// <summary>1 - beta1</summary>
        public float Rest1 { get; } = (float)(1 - options.Beta1);

        /// <summary>1 - beta2</summary>
        public float Rest2 { get; } = (float)(1 - options.Beta2);

        /// <summary>Learning rate over the mean's bias correction.</summary>
        public float StepSize { get; } = (float)(options.LearningRate / (1 - Math.Pow(options.Beta1, step)));

        /// <summary>Root of the variance's bias correction.</summary>
        public float Correction2Root { get; } = (float)Math.Sqrt(1 - Math.Pow(options.Beta2, step));

        public float Epsilon { get; } = (float)options.Epsilon;
    }
}
