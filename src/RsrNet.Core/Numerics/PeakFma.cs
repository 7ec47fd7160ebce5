using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RsrNet.Core.Numerics;

/// <summary>What one core can do at most: fused multiply-adds that never leave the registers. The yardstick for everything that multiplies.</summary>
public static unsafe class PeakFma
{
    /// <summary>Enough for twice as many units and cycles of latency as machines have today.</summary>
    private const int Accumulators = 16;

    /// <summary>Measures once, on the calling thread, for about a millisecond.</summary>
    /// <returns>Floating-point operations a second (a multiply-add is two).</returns>
    public static double Measure()
    {
        const int Steps = 100_000;
        var started = Stopwatch.GetTimestamp();
        var sum = VectorWidths.Best switch
        {
            VectorWidth.Vector512 => Loop<Simd512, Vector512<float>>(Steps),
            VectorWidth.Vector256 => Loop<Simd256, Vector256<float>>(Steps),
            VectorWidth.Vector128 => Loop<Simd128, Vector128<float>>(Steps),
            _ => Loop<SimdScalar, float>(Steps),
        };
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        // The sum is finite by construction; asking keeps the loop from being optimised away.
        if (!float.IsFinite(sum)) throw new InvalidOperationException("the multiply-adds ran out of range");
        return 2.0 * Steps * Accumulators * (int)VectorWidths.Best / seconds;
    }

    /// <summary>x = x * 0.999 + 0.001 converges to 1: no denormals, no overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Loop<TSimd, TVector>(int steps)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector m = TSimd.Create(0.999f), a = TSimd.Create(0.001f);
        TVector x0 = m, x1 = m, x2 = m, x3 = m, x4 = m, x5 = m, x6 = m, x7 = m;
        TVector x8 = m, x9 = m, x10 = m, x11 = m, x12 = m, x13 = m, x14 = m, x15 = m;
        for (; steps > 0; steps--)
        {
            x0 = TSimd.MultiplyAdd(x0, m, a);
            x1 = TSimd.MultiplyAdd(x1, m, a);
            x2 = TSimd.MultiplyAdd(x2, m, a);
            x3 = TSimd.MultiplyAdd(x3, m, a);
            x4 = TSimd.MultiplyAdd(x4, m, a);
            x5 = TSimd.MultiplyAdd(x5, m, a);
            x6 = TSimd.MultiplyAdd(x6, m, a);
            x7 = TSimd.MultiplyAdd(x7, m, a);
            x8 = TSimd.MultiplyAdd(x8, m, a);
            x9 = TSimd.MultiplyAdd(x9, m, a);
            x10 = TSimd.MultiplyAdd(x10, m, a);
            x11 = TSimd.MultiplyAdd(x11, m, a);
            x12 = TSimd.MultiplyAdd(x12, m, a);
            x13 = TSimd.MultiplyAdd(x13, m, a);
            x14 = TSimd.MultiplyAdd(x14, m, a);
            x15 = TSimd.MultiplyAdd(x15, m, a);
        }
        var sum = TSimd.Add(TSimd.Add(TSimd.Add(x0, x1), TSimd.Add(x2, x3)), TSimd.Add(TSimd.Add(x4, x5), TSimd.Add(x6, x7)));
        sum = TSimd.Add(sum, TSimd.Add(TSimd.Add(TSimd.Add(x8, x9), TSimd.Add(x10, x11)), TSimd.Add(TSimd.Add(x12, x13), TSimd.Add(x14, x15))));
        return TSimd.Sum(sum);
    }
}
