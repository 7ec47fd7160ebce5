namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>Zeroes elements at random and scales the others up, as nn.Dropout in training. Leave it out where nothing is learned.</summary>
    /// <param name="probability">Of a zero; at least 0 and below 1.</param>
    public TapeMatrix Dropout(TapeMatrix x, double probability) => probability == 0 ? x : Next<DropoutLayer>().Forward(this, x, probability);
}

/// <summary>y = m x, m = 0 with probability p and 1 / (1 - p) otherwise; back: dx += m dy.</summary>
internal sealed unsafe class DropoutLayer : TapeOperation
{
    private TapeMatrix _x = null!, _result = null!;
    private float* _mask;

    public TapeMatrix Forward(Tape tape, TapeMatrix x, double probability)
    {
        if (!(probability >= 0 && probability < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "a dropout is at least 0 and below 1");
        _x = x;
        _result = tape.Matrix(x.Rows, x.Columns);
        _mask = tape.Memory.Take(x.Length);
        var kept = (float)(1 / (1 - probability));
        // A quarter of a random number is enough for an element: 16 bits.
        var bound = (ulong)Math.Round(probability * 65536);
        var bits = 0UL;
        for (nint i = 0; i < x.Length; i++)
        {
            bits = i % 4 == 0 ? tape.Random.Next() : bits >> 16;
            _mask[i] = (bits & 0xFFFF) < bound ? 0 : kept;
        }
        tape.Kernels.Multiply(x.Pointer, _mask, _result.Pointer, x.Length);
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null || _x.IsConstant) return;
        tape.Kernels.Multiply(_result.Slope, _mask, _result.Slope, _result.Length);
        tape.Kernels.Add(_x.TakeClearedSlope(tape.Memory), _result.Slope, _result.Length);
    }
}
