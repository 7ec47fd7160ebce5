using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Coordination;

/// <summary>
/// <see cref="GradientClip.Norm"/> and <see cref="Adam"/> for every step of a busy learner: one pass over the gradient for the norm, one over
/// the four buffers for clipping and stepping, with the machine's widest vectors. Equal to the plain ones but for rounding.
/// </summary>
public static unsafe class FusedAdam
{
    /// <summary>
    /// The 2-norm to about seven digits: eight squares at a time are summed in single precision, the rest in double. Not finite exactly where an
    /// element is not.
    /// </summary>
    public static double Norm(ReadOnlySpan<float> gradient)
    {
        // Squares that single precision holds with all their digits; beside others it is summed in double from the start.
        const double Least = 1e-24, Most = 1e30;
        fixed (float* values = gradient)
        {
            if (!Vector512.IsHardwareAccelerated) return Math.Sqrt(Squares256(values, gradient.Length));
            var squares = SquaresByEight512(values, gradient.Length);
            return Math.Sqrt(squares is >= Least and <= Most ? squares : Squares512(values, gradient.Length));
        }
    }

    /// <summary>One step; see <see cref="Adam.Step"/>.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Step(Span<float> parameters, ReadOnlySpan<float> gradient, float coefficient, AdamState state, CoordinationOptions options) =>
        Step(parameters, gradient, coefficient, state, options, VectorWidths.Best);

    /// <summary>One step of some parameters; the others and their moments stay as they are, as in torch.optim.SparseAdam.</summary>
    /// <param name="gradient">Up to the end of the last range at least.</param>
    /// <param name="ranges">Where to step; they must not overlap.</param>
    /// <exception cref="ArgumentException">The lengths differ, or a range is not inside.</exception>
    public static void Step(
        Span<float> parameters, ReadOnlySpan<float> gradient, float coefficient, AdamState state, CoordinationOptions options,
        ReadOnlySpan<(int From, int To)> ranges)
    {
        CheckState(parameters, state);
        state.Step++;
        var rates = new Rates(coefficient, state.Step, options);
        fixed (float* p = parameters, g = gradient, m = state.Mean, v = state.Variance)
        {
            foreach (var (from, to) in ranges)
            {
                if (from < 0 || to > Math.Min(parameters.Length, gradient.Length)) throw new ArgumentException($"there are no parameters {from} to {to}", nameof(ranges));
                Step(p, g, m, v, from, to, rates, VectorWidths.Best);
            }
        }
    }

    internal static void Step(
        Span<float> parameters, ReadOnlySpan<float> gradient, float coefficient, AdamState state, CoordinationOptions options, VectorWidth width)
    {
        Check(parameters, gradient, state);
        state.Step++;
        var rates = new Rates(coefficient, state.Step, options);
        fixed (float* p = parameters, g = gradient, m = state.Mean, v = state.Variance)
        {
            Step(p, g, m, v, 0, parameters.Length, rates, width);
        }
    }

    private static void Check(Span<float> parameters, ReadOnlySpan<float> gradient, AdamState state)
    {
        if (gradient.Length != parameters.Length)
            throw new ArgumentException($"the gradient has {gradient.Length} elements, the network {parameters.Length}", nameof(gradient));
        CheckState(parameters, state);
    }

    private static void CheckState(Span<float> parameters, AdamState state)
    {
        if (state.Mean.Length != parameters.Length)
            throw new ArgumentException($"Adam's state has {state.Mean.Length} elements, the network {parameters.Length}", nameof(state));
    }

    private static void Step(float* p, float* g, float* m, float* v, int from, int to, in Rates rates, VectorWidth width)
    {
        var done = width switch
        {
            VectorWidth.Vector512 => Step<Simd512, Vector512<float>>(p, g, m, v, from, to, rates),
            VectorWidth.Vector256 => Step<Simd256, Vector256<float>>(p, g, m, v, from, to, rates),
            VectorWidth.Vector128 => Step<Simd128, Vector128<float>>(p, g, m, v, from, to, rates),
            _ => from,
        };
        Step<SimdScalar, float>(p, g, m, v, done, to, rates);
    }

    /// <summary>
    /// lr / c1 * m / (sqrt(v) / c2 + eps) with c1, c2 the bias corrections is (lr c2 / c1) * m / (sqrt(v) + eps c2): one division less.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Step<TSimd, TVector>(float* p, float* g, float* m, float* v, int from, int to, in Rates rates)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector coefficient = TSimd.Create(rates.Coefficient), stepSize = TSimd.Create(-rates.StepSize), epsilon = TSimd.Create(rates.Epsilon);
        TVector beta1 = TSimd.Create(rates.Beta1), rest1 = TSimd.Create(rates.Rest1);
        TVector beta2 = TSimd.Create(rates.Beta2), rest2 = TSimd.Create(rates.Rest2);
        var i = from;
        for (; i + TSimd.Count <= to; i += TSimd.Count)
        {
            TVector raw = TSimd.Load(g + i), mean = TSimd.Load(m + i), variance = TSimd.Load(v + i);
            // Nothing moves where nothing ever pulled: the layer that is not in the loss, a fifth of all parameters.
            if (TSimd.IsZero(raw) && TSimd.IsZero(mean) && TSimd.IsZero(variance)) continue;
            var slope = TSimd.Multiply(raw, coefficient);
            mean = TSimd.MultiplyAdd(beta1, mean, TSimd.Multiply(rest1, slope));
            variance = TSimd.MultiplyAdd(beta2, variance, TSimd.Multiply(TSimd.Multiply(rest2, slope), slope));
            TSimd.Store(m + i, mean);
            TSimd.Store(v + i, variance);
            var step = TSimd.Divide(TSimd.Multiply(stepSize, mean), TSimd.Add(TSimd.Sqrt(variance), epsilon));
            TSimd.Store(p + i, TSimd.Add(TSimd.Load(p + i), step));
        }
        return i;
    }

    /// <summary>Turning floats into doubles is what the whole sum in double waits for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SquaresByEight512(float* values, int count)
    {
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = sum0;
        var i = 0;
        for (; i + 128 <= count; i += 128)
        {
            Vector512<float> value0 = Vector512.Load(values + i), value1 = Vector512.Load(values + i + 16);
            Vector512<float> value2 = Vector512.Load(values + i + 32), value3 = Vector512.Load(values + i + 48);
            Vector512<float> value4 = Vector512.Load(values + i + 64), value5 = Vector512.Load(values + i + 80);
            Vector512<float> value6 = Vector512.Load(values + i + 96), value7 = Vector512.Load(values + i + 112);
            var left = Vector512.MultiplyAddEstimate(value1, value1, value0 * value0);
            var right = Vector512.MultiplyAddEstimate(value3, value3, value2 * value2);
            left = Vector512.MultiplyAddEstimate(value4, value4, left);
            right = Vector512.MultiplyAddEstimate(value5, value5, right);
            left = Vector512.MultiplyAddEstimate(value6, value6, left);
            right = Vector512.MultiplyAddEstimate(value7, value7, right);
            var (low, high) = Vector512.Widen(left + right);
            sum0 += low;
            sum1 += high;
        }
        return Vector512.Sum(sum0 + sum1) + Squares512(values + i, count - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Squares512(float* values, int count)
    {
        Vector512<double> sum0 = Vector512<double>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        var i = 0;
        for (; i + 32 <= count; i += 32)
        {
            var (low0, high0) = Vector512.Widen(Vector512.Load(values + i));
            var (low1, high1) = Vector512.Widen(Vector512.Load(values + i + 16));
            sum0 = Vector512.MultiplyAddEstimate(low0, low0, sum0);
            sum1 = Vector512.MultiplyAddEstimate(high0, high0, sum1);
            sum2 = Vector512.MultiplyAddEstimate(low1, low1, sum2);
            sum3 = Vector512.MultiplyAddEstimate(high1, high1, sum3);
        }
        var sum = Vector512.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; i < count; i++) sum += (double)values[i] * values[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Squares256(float* values, int count)
    {
        Vector256<double> sum0 = Vector256<double>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        var i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var (low0, high0) = Vector256.Widen(Vector256.Load(values + i));
            var (low1, high1) = Vector256.Widen(Vector256.Load(values + i + 8));
            sum0 = Vector256.MultiplyAddEstimate(low0, low0, sum0);
            sum1 = Vector256.MultiplyAddEstimate(high0, high0, sum1);
            sum2 = Vector256.MultiplyAddEstimate(low1, low1, sum2);
            sum3 = Vector256.MultiplyAddEstimate(high1, high1, sum3);
        }
        var sum = Vector256.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; i < count; i++) sum += (double)values[i] * values[i];
        return sum;
    }

    /// <summary>The scalars of one step: each computed in double and rounded once.</summary>
    private readonly struct Rates(float coefficient, long step, CoordinationOptions options)
    {
        private readonly double _correction2 = Math.Sqrt(1 - Math.Pow(options.Beta2, step));

        public float Coefficient { get; } = coefficient;

        public float Beta1 { get; } = (float)options.Beta1;

        public float Rest1 { get; } = (float)(1 - options.Beta1);

        public float Beta2 { get; } = (float)options.Beta2;

        public float Rest2 { get; } = (float)(1 - options.Beta2);

        public float StepSize => (float)(options.LearningRate * _correction2 / (1 - Math.Pow(options.Beta1, step)));

        public float Epsilon => (float)(options.Epsilon * _correction2);
    }
}
