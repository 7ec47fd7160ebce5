namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>a + b, element by element.</summary>
    public TapeMatrix Add(TapeMatrix a, TapeMatrix b) => Next<Sum>().Forward(this, a, b);
}

/// <summary>y = a + b; back: da += dy, db += dy.</summary>
internal sealed unsafe class Sum : TapeOperation
{
    private TapeMatrix _a = null!, _b = null!, _result = null!;

    public TapeMatrix Forward(Tape tape, TapeMatrix a, TapeMatrix b)
    {
        if (a.Rows != b.Rows || a.Columns != b.Columns)
            throw new ArgumentException($"[{a.Rows}, {a.Columns}] and [{b.Rows}, {b.Columns}] have no sum", nameof(b));
        (_a, _b) = (a, b);
        _result = tape.Matrix(a.Rows, a.Columns);
        a.Values.CopyTo(new Span<float>(_result.Pointer, (int)a.Length));
        tape.Kernels.Add(_result.Pointer, b.Pointer, b.Length);
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        if (!_a.IsConstant) tape.Kernels.Add(_a.TakeClearedSlope(tape.Memory), _result.Slope, _result.Length);
        if (!_b.IsConstant) tape.Kernels.Add(_b.TakeClearedSlope(tape.Memory), _result.Slope, _result.Length);
    }
}
