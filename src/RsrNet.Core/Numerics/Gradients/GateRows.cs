using System.Runtime.CompilerServices;

namespace RsrNet.Core.Numerics.Gradients;

/// <summary>The gates of one row, forward and back. Each method does whole vectors from <c>from</c> on and says where it ended.</summary>
internal static unsafe class GateRows<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Lstm(float* gates, float* before, float* cell, float* squashed, float* state, int from, int hidden)
    {
        float* inputs = gates, forgets = gates + hidden, candidates = gates + 2 * hidden, outputs = gates + 3 * hidden;
        var j = from;
        for (; j + TSimd.Count <= hidden; j += TSimd.Count)
        {
            var i = Squash<TSimd, TVector>.Sigmoid(TSimd.Load(inputs + j));
            var f = Squash<TSimd, TVector>.Sigmoid(TSimd.Load(forgets + j));
            var g = Squash<TSimd, TVector>.Tanh(TSimd.Load(candidates + j));
            var o = Squash<TSimd, TVector>.Sigmoid(TSimd.Load(outputs + j));
            var c = TSimd.Multiply(i, g);
            if (before != null) c = TSimd.MultiplyAdd(f, TSimd.Load(before + j), c);
            var s = Squash<TSimd, TVector>.Tanh(c);
            TSimd.Store(inputs + j, i);
            TSimd.Store(forgets + j, f);
            TSimd.Store(candidates + j, g);
            TSimd.Store(outputs + j, o);
            TSimd.Store(cell + j, c);
            TSimd.Store(squashed + j, s);
            TSimd.Store(state + j, TSimd.Multiply(o, s));
        }
        return j;
    }

    /// <summary>
    /// do = dh tanh(c); dc += dh o (1 - tanh(c)^2); di = dc g, df = dc c_before, dg = dc i; dc_before = dc f; each through its gate's derivative.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int LstmBack(float* gates, float* before, float* squashed, float* slope, float* carried, int from, int hidden)
    {
        float* inputs = gates, forgets = gates + hidden, candidates = gates + 2 * hidden, outputs = gates + 3 * hidden;
        var j = from;
        for (; j + TSimd.Count <= hidden; j += TSimd.Count)
        {
            TVector i = TSimd.Load(inputs + j), f = TSimd.Load(forgets + j), g = TSimd.Load(candidates + j), o = TSimd.Load(outputs + j);
            TVector s = TSimd.Load(squashed + j), dh = TSimd.Load(slope + j);
            var dc = TSimd.Add(TSimd.Load(carried + j), Squash<TSimd, TVector>.TanhBack(s, TSimd.Multiply(dh, o)));
            TSimd.Store(inputs + j, Squash<TSimd, TVector>.SigmoidBack(i, TSimd.Multiply(dc, g)));
            var old = before == null ? TSimd.Create(0) : TSimd.Load(before + j);
            TSimd.Store(forgets + j, Squash<TSimd, TVector>.SigmoidBack(f, TSimd.Multiply(dc, old)));
            TSimd.Store(candidates + j, Squash<TSimd, TVector>.TanhBack(g, TSimd.Multiply(dc, i)));
            TSimd.Store(outputs + j, Squash<TSimd, TVector>.SigmoidBack(o, TSimd.Multiply(dh, s)));
            TSimd.Store(carried + j, TSimd.Multiply(dc, f));
        }
        return j;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Gru(float* projected, float* recurrent, float* before, float* state, int from, int hidden)
    {
        var j = from;
        for (; j + TSimd.Count <= hidden; j += TSimd.Count)
        {
            var r = Squash<TSimd, TVector>.Sigmoid(TSimd.Add(TSimd.Load(projected + j), TSimd.Load(recurrent + j)));
            var z = Squash<TSimd, TVector>.Sigmoid(TSimd.Add(TSimd.Load(projected + hidden + j), TSimd.Load(recurrent + hidden + j)));
            var n = Squash<TSimd, TVector>.Tanh(
                TSimd.MultiplyAdd(r, TSimd.Load(recurrent + 2 * hidden + j), TSimd.Load(projected + 2 * hidden + j)));
            var old = before == null ? TSimd.Create(0) : TSimd.Load(before + j);
            TSimd.Store(projected + j, r);
            TSimd.Store(projected + hidden + j, z);
            TSimd.Store(projected + 2 * hidden + j, n);
            TSimd.Store(state + j, TSimd.MultiplyAdd(z, TSimd.Subtract(old, n), n));
        }
        return j;
    }

    /// <summary>dn = dh (1 - z); dz = dh (h_before - n); dr = dn' q_n with dn' behind the tanh; dh_before += dh z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int GruBack(float* projected, float* recurrent, float* before, float* slope, float* earlier, int from, int hidden)
    {
        var j = from;
        for (; j + TSimd.Count <= hidden; j += TSimd.Count)
        {
            TVector r = TSimd.Load(projected + j), z = TSimd.Load(projected + hidden + j), n = TSimd.Load(projected + 2 * hidden + j);
            TVector q = TSimd.Load(recurrent + 2 * hidden + j), dh = TSimd.Load(slope + j);
            var old = before == null ? TSimd.Create(0) : TSimd.Load(before + j);
            var dn = Squash<TSimd, TVector>.TanhBack(n, TSimd.Multiply(dh, TSimd.Subtract(TSimd.Create(1), z)));
            var dz = Squash<TSimd, TVector>.SigmoidBack(z, TSimd.Multiply(dh, TSimd.Subtract(old, n)));
            var dr = Squash<TSimd, TVector>.SigmoidBack(r, TSimd.Multiply(dn, q));
            TSimd.Store(projected + j, dr);
            TSimd.Store(projected + hidden + j, dz);
            TSimd.Store(projected + 2 * hidden + j, dn);
            TSimd.Store(recurrent + j, dr);
            TSimd.Store(recurrent + hidden + j, dz);
            TSimd.Store(recurrent + 2 * hidden + j, TSimd.Multiply(dn, r));
            TSimd.Store(earlier + j, TSimd.MultiplyAdd(dh, z, TSimd.Load(earlier + j)));
        }
        return j;
    }
}
