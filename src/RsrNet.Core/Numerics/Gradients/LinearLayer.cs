namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>x W^T + b, as nn.Linear.</summary>
    /// <param name="x">[N, C].</param>
    /// <param name="weight">[G, C].</param>
    /// <param name="bias">[G]; null for none.</param>
    /// <param name="secondBias">[G]; added as well.</param>
    /// <returns>[N, G]</returns>
    public TapeMatrix Linear(TapeMatrix x, Parameter weight, Parameter? bias = null, Parameter? secondBias = null) =>
        Next<LinearLayer>().Forward(this, x, weight, bias, secondBias);
}

/// <summary>y = x W^T + b; back: dx += dy W, dW += dy^T x, db += the column sums of dy.</summary>
internal sealed unsafe class LinearLayer : TapeOperation
{
    private TapeMatrix _x = null!, _result = null!;
    private Parameter _weight = null!;
    private Parameter? _bias, _secondBias;

    public TapeMatrix Forward(Tape tape, TapeMatrix x, Parameter weight, Parameter? bias, Parameter? secondBias)
    {
        Check(x.Columns, weight, bias);
        Check(x.Columns, weight, secondBias);
        (_x, _weight, _bias, _secondBias) = (x, weight, bias, secondBias);
        _result = tape.Matrix(x.Rows, weight.Rows);
        Project(tape, x, weight, bias, secondBias, _result);
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        Learn(tape, _x, _result.Slope, _weight, _bias, _secondBias);
        if (_x.IsConstant) return;
        var slope = _x.TakeSlope(tape.Memory, out var beta);
        tape.Product.Multiply(
            Operand(_result.Slope, _result.Rows, _result.Columns), _weight.AsRight(tape.Product), new Span<float>(slope, (int)_x.Length), beta: beta);
    }

    public static void Project(Tape tape, TapeMatrix x, Parameter weight, Parameter? bias, Parameter? secondBias, TapeMatrix result)
    {
        var target = new Span<float>(result.Pointer, (int)result.Length);
        if (bias is not null) tape.Kernels.FillRows(result.Pointer, bias.Pointer, secondBias is null ? null : secondBias.Pointer, result.Rows, result.Columns);
        tape.Product.Multiply(
            Operand(x.Pointer, x.Rows, x.Columns), weight.AsTransposedRight(tape.Product), target, beta: bias is null ? 0 : 1);
    }

    /// <summary>Adds to the gradients of weight and biases.</summary>
    /// <param name="slope">[N, G] of the result.</param>
    public static void Learn(Tape tape, TapeMatrix x, float* slope, Parameter weight, Parameter? bias, Parameter? secondBias)
    {
        tape.Product.Multiply(Operand(slope, x.Rows, weight.Rows).Transpose(), Operand(x.Pointer, x.Rows, x.Columns), weight.Gradient, beta: 1);
        if (bias is not null) tape.Kernels.AddColumnSums(bias.Slope, slope, x.Rows, weight.Rows);
        if (secondBias is not null) tape.Kernels.AddColumnSums(secondBias.Slope, slope, x.Rows, weight.Rows);
    }

    public static MatrixOperand Operand(float* values, int rows, int columns) =>
        new(new ReadOnlySpan<float>(values, checked(rows * columns)), rows, columns);

    public static void Check(int columns, Parameter weight, Parameter? bias)
    {
        if (weight.Columns != columns)
            throw new ArgumentException($"'{weight.Name}' is [{weight.Rows}, {weight.Columns}] and cannot take {columns} columns", nameof(weight));
        if (bias is not null && bias.Length != weight.Rows)
            throw new ArgumentException($"'{bias.Name}' has {bias.Length} elements, not the {weight.Rows} of '{weight.Name}'", nameof(bias));
    }
}
