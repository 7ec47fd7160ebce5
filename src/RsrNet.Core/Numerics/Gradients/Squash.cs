using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics.Gradients;

/// <summary>tanh and sigmoid of vectors, and their slopes, to a few units in the last place.</summary>
internal static unsafe class Squash<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// tanh(x) = x p(x^2) / q(x^2), the rational approximation of Eigen (generic_fast_tanh_float), exact to 5 units in the last place; beyond
    /// 7.905 a float's tanh is 1. Not a number stays none.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh(TVector x)
    {
        x = TSimd.Max(TSimd.Create(-7.90531110763549805f), x);
        x = TSimd.Subtract(TSimd.Create(0), TSimd.Max(TSimd.Create(-7.90531110763549805f), TSimd.Subtract(TSimd.Create(0), x)));
        var square = TSimd.Multiply(x, x);
        var top = TSimd.MultiplyAdd(square, TSimd.Create(-2.76076847742355e-16f), TSimd.Create(2.00018790482477e-13f));
        top = TSimd.MultiplyAdd(square, top, TSimd.Create(-8.60467152213735e-11f));
        top = TSimd.MultiplyAdd(square, top, TSimd.Create(5.12229709037114e-08f));
        top = TSimd.MultiplyAdd(square, top, TSimd.Create(1.48572235717979e-05f));
        top = TSimd.MultiplyAdd(square, top, TSimd.Create(6.37261928875436e-04f));
        top = TSimd.MultiplyAdd(square, top, TSimd.Create(4.89352455891786e-03f));
        var bottom = TSimd.MultiplyAdd(square, TSimd.Create(1.19825839466702e-06f), TSimd.Create(1.18534705686654e-04f));
        bottom = TSimd.MultiplyAdd(square, bottom, TSimd.Create(2.26843463243900e-03f));
        bottom = TSimd.MultiplyAdd(square, bottom, TSimd.Create(4.89352518554385e-03f));
        return TSimd.Divide(TSimd.Multiply(x, top), bottom);
    }

    /// <summary>slope (1 - y^2)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector TanhBack(TVector y, TVector slope) =>
        TSimd.Multiply(slope, TSimd.Subtract(TSimd.Create(1), TSimd.Multiply(y, y)));

    /// <summary>1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid(TVector x) =>
        TSimd.MultiplyAdd(Tanh(TSimd.Multiply(x, TSimd.Create(0.5f))), TSimd.Create(0.5f), TSimd.Create(0.5f));

    /// <summary>slope y (1 - y)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector SigmoidBack(TVector y, TVector slope) =>
        TSimd.Multiply(slope, TSimd.Multiply(y, TSimd.Subtract(TSimd.Create(1), y)));
}
