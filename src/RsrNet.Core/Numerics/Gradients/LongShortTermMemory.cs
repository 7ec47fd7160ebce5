namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>An LSTM layer, as nn.LSTM does it after its input's part p; gates in PyTorch's order i, f, g, o.</summary>
    /// <param name="projected">[N, 4H], W_ih x + b_ih + b_hh; used up: no other operation may read it.</param>
    /// <param name="weight">W_hh, [4H, H].</param>
    /// <param name="start">h before the first step, [B, H]; null for zeros. Nothing flows back into it.</param>
    /// <param name="startCell">c before the first step; null for zeros.</param>
    /// <param name="cell">c of all steps, [N, H]: to be carried on, not to be learned through.</param>
    /// <returns>h of all steps, [N, H]</returns>
    public TapeMatrix RecurLstm(
        TapeMatrix projected, PackedSteps steps, Parameter weight, TapeMatrix? start, TapeMatrix? startCell, out TapeMatrix cell)
    {
        var layer = Next<LongShortTermMemory>();
        var hidden = layer.Forward(this, projected, steps, weight, start, startCell);
        cell = layer.Cell;
        return hidden;
    }
}

/// <summary>
/// i, f, o = sigmoid, g = tanh of p_t + W h_{t-1}; c_t = f c_{t-1} + i g; h_t = o tanh(c_t). Hochreiter, Schmidhuber: Long short-term memory (1997), with
/// the forget gate of Gers et al. (2000).
/// </summary>
internal sealed unsafe class LongShortTermMemory : TapeOperation
{
    private TapeMatrix _projected = null!, _result = null!, _squashed = null!;
    private TapeMatrix? _start, _startCell;
    private PackedSteps _steps = null!;
    private Parameter _weight = null!;

    public TapeMatrix Cell { get; private set; } = null!;

    public TapeMatrix Forward(
        Tape tape, TapeMatrix projected, PackedSteps steps, Parameter weight, TapeMatrix? start, TapeMatrix? startCell)
    {
        RecurrentSteps.Check(projected, steps, weight, gates: 4, start);
        RecurrentSteps.Check(projected, steps, weight, gates: 4, startCell);
        (_projected, _steps, _weight, _start, _startCell) = (projected, steps, weight, start, startCell);
        var hidden = weight.Columns;
        _result = tape.Matrix(steps.Rows, hidden);
        Cell = tape.Matrix(steps.Rows, hidden, constant: true);
        _squashed = tape.Matrix(steps.Rows, hidden, constant: true);
        for (var t = 0; t < steps.Steps; t++)
        {
            var rows = steps.Active(t);
            var gates = projected.Pointer + (nint)steps.Offset(t) * 4 * hidden;
            var before = RecurrentSteps.Before(_result, _start, steps, t);
            if (before != null)
            {
                tape.Product.Multiply(
                    LinearLayer.Operand(before, rows, hidden), weight.AsTransposedRight(tape.Product), new Span<float>(gates, rows * 4 * hidden), beta: 1);
            }
            var place = (nint)steps.Offset(t) * hidden;
            tape.Kernels.Lstm(
                gates, RecurrentSteps.Before(Cell, _startCell, steps, t), Cell.Pointer + place, _squashed.Pointer + place, _result.Pointer + place,
                rows, hidden);
        }
        projected.IsUsedUp = true;
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        _projected.PutSlopeInPlace();
        var hidden = _weight.Columns;
        // dc of the step after, turned into that of this step: rows that end earlier begin with zeros.
        var carried = tape.Memory.Take((long)_steps.Batch * hidden);
        new Span<float>(carried, _steps.Batch * hidden).Clear();
        for (var t = _steps.Steps - 1; t >= 0; t--)
        {
            var rows = _steps.Active(t);
            var place = (nint)_steps.Offset(t) * hidden;
            var gates = _projected.Slope + 4 * place;
            tape.Kernels.LstmBack(
                gates, RecurrentSteps.Before(Cell, _startCell, _steps, t), _squashed.Pointer + place, _result.Slope + place, carried, rows, hidden);
            if (t == 0) break;
            tape.Product.Multiply(
                LinearLayer.Operand(gates, rows, 4 * hidden), _weight.AsRight(tape.Product),
                new Span<float>(_result.Slope + (nint)_steps.Offset(t - 1) * hidden, rows * hidden), beta: 1);
        }
        RecurrentSteps.Learn(tape, _projected.Slope, _weight, _result, _start, _steps);
    }
}
