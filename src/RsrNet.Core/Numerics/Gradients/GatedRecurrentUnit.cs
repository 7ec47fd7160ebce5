namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>A GRU layer, as nn.GRU does it after its input's part p; gates in PyTorch's order r, z, n.</summary>
    /// <param name="projected">[N, 3H], W_ih x + b_ih; used up: no other operation may read it.</param>
    /// <param name="weight">W_hh, [3H, H].</param>
    /// <param name="bias">b_hh, [3H].</param>
    /// <param name="start">h before the first step, [B, H]; null for zeros. Nothing flows back into it.</param>
    /// <returns>h of all steps, [N, H]</returns>
    public TapeMatrix RecurGru(TapeMatrix projected, PackedSteps steps, Parameter weight, Parameter bias, TapeMatrix? start = null) =>
        Next<GatedRecurrentUnit>().Forward(this, projected, steps, weight, bias, start);
}

/// <summary>
/// q = W h_{t-1} + b; r, z = sigmoid(p + q); n = tanh(p_n + r q_n); h_t = (1 - z) n + z h_{t-1}. Cho et al. (2014), with the bias inside the reset gate's
/// product as in PyTorch.
/// </summary>
internal sealed unsafe class GatedRecurrentUnit : TapeOperation
{
    private TapeMatrix _projected = null!, _recurrent = null!, _result = null!;
    private TapeMatrix? _start;
    private PackedSteps _steps = null!;
    private Parameter _weight = null!, _bias = null!;

    public TapeMatrix Forward(Tape tape, TapeMatrix projected, PackedSteps steps, Parameter weight, Parameter bias, TapeMatrix? start)
    {
        RecurrentSteps.Check(projected, steps, weight, gates: 3, start);
        LinearLayer.Check(weight.Columns, weight, bias);
        (_projected, _steps, _weight, _bias, _start) = (projected, steps, weight, bias, start);
        var hidden = weight.Columns;
        _result = tape.Matrix(steps.Rows, hidden);
        _recurrent = tape.Matrix(steps.Rows, 3 * hidden, constant: true);
        for (var t = 0; t < steps.Steps; t++)
        {
            var rows = steps.Active(t);
            var place = (nint)steps.Offset(t) * hidden;
            var recurrent = _recurrent.Pointer + 3 * place;
            var before = RecurrentSteps.Before(_result, _start, steps, t);
            tape.Kernels.FillRows(recurrent, bias.Pointer, null, rows, 3 * hidden);
            if (before != null)
            {
                tape.Product.Multiply(
                    LinearLayer.Operand(before, rows, hidden), weight.AsTransposedRight(tape.Product),
                    new Span<float>(recurrent, rows * 3 * hidden), beta: 1);
            }
            tape.Kernels.Gru(projected.Pointer + 3 * place, recurrent, before, _result.Pointer + place, rows, hidden);
        }
        projected.IsUsedUp = true;
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        _projected.PutSlopeInPlace();
        var hidden = _weight.Columns;
        // Where nothing was before the first step, its part of dh goes nowhere.
        var nowhere = tape.Memory.Take((long)_steps.Batch * hidden);
        for (var t = _steps.Steps - 1; t >= 0; t--)
        {
            var rows = _steps.Active(t);
            var place = (nint)_steps.Offset(t) * hidden;
            var earlier = t == 0 ? nowhere : _result.Slope + (nint)_steps.Offset(t - 1) * hidden;
            if (t == 0) new Span<float>(nowhere, _steps.Batch * hidden).Clear();
            var recurrent = _recurrent.Pointer + 3 * place;
            tape.Kernels.GruBack(
                _projected.Slope + 3 * place, recurrent, RecurrentSteps.Before(_result, _start, _steps, t), _result.Slope + place, earlier, rows, hidden);
            if (t == 0) break;
            tape.Product.Multiply(
                LinearLayer.Operand(recurrent, rows, 3 * hidden), _weight.AsRight(tape.Product), new Span<float>(earlier, rows * hidden), beta: 1);
        }
        RecurrentSteps.Learn(tape, _recurrent.Pointer, _weight, _result, _start, _steps);
        tape.Kernels.AddColumnSums(_bias.Slope, _recurrent.Pointer, _steps.Rows, 3 * hidden);
    }
}
