namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>The mean of each sequence's own rows.</summary>
    /// <param name="x">[N, C].</param>
    /// <returns>[B, C]</returns>
    public TapeMatrix Mean(TapeMatrix x, PackedSteps steps) => Next<LengthMean>().Forward(this, x, steps);

    /// <summary>Each sequence's last row.</summary>
    /// <param name="x">[N, C].</param>
    /// <returns>[B, C]</returns>
    public TapeMatrix Last(TapeMatrix x, PackedSteps steps) => Next<LastRow>().Forward(this, x, steps);
}

/// <summary>y_b = (1/len_b) sum of x's rows of b; back: each of them gets dy_b / len_b.</summary>
internal sealed unsafe class LengthMean : TapeOperation
{
    private TapeMatrix _x = null!, _result = null!;
    private PackedSteps _steps = null!;

    public TapeMatrix Forward(Tape tape, TapeMatrix x, PackedSteps steps)
    {
        LastRow.Check(x, steps);
        (_x, _steps) = (x, steps);
        _result = tape.Matrix(steps.Batch, x.Columns);
        new Span<float>(_result.Pointer, (int)_result.Length).Clear();
        // Sequences still running are the first rows of every step, so a step is one addition.
        for (var t = 0; t < steps.Steps; t++)
            tape.Kernels.Add(_result.Pointer, x.Pointer + (nint)steps.Offset(t) * x.Columns, (nint)steps.Active(t) * x.Columns);
        for (var b = 0; b < steps.Batch; b++) tape.Kernels.Scale(_result.Pointer + (nint)b * x.Columns, 1f / steps.Lengths[b], x.Columns);
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null || _x.IsConstant) return;
        var slope = _x.TakeClearedSlope(tape.Memory);
        for (var b = 0; b < _steps.Batch; b++) tape.Kernels.Scale(_result.Slope + (nint)b * _x.Columns, 1f / _steps.Lengths[b], _x.Columns);
        for (var t = 0; t < _steps.Steps; t++)
            tape.Kernels.Add(slope + (nint)_steps.Offset(t) * _x.Columns, _result.Slope, (nint)_steps.Active(t) * _x.Columns);
    }
}

/// <summary>y_b = x's last row of b; back: that row alone gets dy_b.</summary>
internal sealed unsafe class LastRow : TapeOperation
{
    private TapeMatrix _x = null!, _result = null!;
    private PackedSteps _steps = null!;

    public TapeMatrix Forward(Tape tape, TapeMatrix x, PackedSteps steps)
    {
        Check(x, steps);
        (_x, _steps) = (x, steps);
        _result = tape.Matrix(steps.Batch, x.Columns);
        for (var b = 0; b < steps.Batch; b++)
        {
            var row = new ReadOnlySpan<float>(x.Pointer + (nint)steps.LastRow(b) * x.Columns, x.Columns);
            row.CopyTo(new Span<float>(_result.Pointer + (nint)b * x.Columns, x.Columns));
        }
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null || _x.IsConstant) return;
        var slope = _x.TakeClearedSlope(tape.Memory);
        for (var b = 0; b < _steps.Batch; b++)
            tape.Kernels.Add(slope + (nint)_steps.LastRow(b) * _x.Columns, _result.Slope + (nint)b * _x.Columns, _x.Columns);
    }

    public static void Check(TapeMatrix x, PackedSteps steps)
    {
        if (x.Rows != steps.Rows) throw new ArgumentException($"{x.Rows} rows are not the {steps.Rows} of these steps", nameof(x));
    }
}
