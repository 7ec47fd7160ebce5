namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>h_t = f(p_t + W_hh h_{t-1}), as nn.RNN does it after its input's part p.</summary>
    /// <param name="projected">[N, H], W_ih x + b_ih + b_hh; used up: no other operation may read it.</param>
    /// <param name="weight">W_hh, [H, H].</param>
    /// <param name="start">h before the first step, [B, H]; null for zeros. Nothing flows back into it.</param>
    /// <returns>h of all steps, [N, H]</returns>
    public TapeMatrix Recur(TapeMatrix projected, PackedSteps steps, Parameter weight, Activation activation, TapeMatrix? start = null) =>
        Next<RecurrentLayer>().Forward(this, projected, steps, weight, activation, start);
}

/// <summary>
/// h_t = f(a_t), a_t = p_t + W h_{t-1}; back, from the last step: da_t = dh_t f'(a_t), dh_{t-1} += da_t W; then dp = da, dW += the sum of da_t^T h_{t-1}.
/// </summary>
internal sealed unsafe class RecurrentLayer : TapeOperation
{
    private TapeMatrix _projected = null!, _result = null!;
    private TapeMatrix? _start;
    private PackedSteps _steps = null!;
    private Parameter _weight = null!;
    private Activation _activation;

    public TapeMatrix Forward(
        Tape tape, TapeMatrix projected, PackedSteps steps, Parameter weight, Activation activation, TapeMatrix? start)
    {
        RecurrentSteps.Check(projected, steps, weight, gates: 1, start);
        (_projected, _steps, _weight, _activation, _start) = (projected, steps, weight, activation, start);
        var hidden = weight.Columns;
        _result = tape.Matrix(steps.Rows, hidden);
        for (var t = 0; t < steps.Steps; t++)
        {
            var rows = steps.Active(t);
            var sums = projected.Pointer + (nint)steps.Offset(t) * hidden;
            var before = RecurrentSteps.Before(_result, _start, steps, t);
            if (before != null)
            {
                tape.Product.Multiply(
                    LinearLayer.Operand(before, rows, hidden), weight.AsTransposedRight(tape.Product), new Span<float>(sums, rows * hidden), beta: 1);
            }
            tape.Kernels.Activate(activation, sums, _result.Pointer + (nint)steps.Offset(t) * hidden, (nint)rows * hidden);
        }
        projected.IsUsedUp = true;
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        _projected.PutSlopeInPlace();
        var hidden = _weight.Columns;
        for (var t = _steps.Steps - 1; t >= 0; t--)
        {
            var rows = _steps.Active(t);
            var place = (nint)_steps.Offset(t) * hidden;
            var slopes = _projected.Slope + place;
            tape.Kernels.Deactivate(_activation, _result.Pointer + place, _result.Slope + place, slopes, (nint)rows * hidden);
            if (t == 0) break;
            tape.Product.Multiply(
                LinearLayer.Operand(slopes, rows, hidden), _weight.AsRight(tape.Product),
                new Span<float>(_result.Slope + (nint)_steps.Offset(t - 1) * hidden, rows * hidden), beta: 1);
        }
        RecurrentSteps.Learn(tape, _projected.Slope, _weight, _result, _start, _steps);
    }
}
