namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary><see cref="Embed"/>, then <see cref="Linear"/>, with each distinct token calculated once: what a recurrent layer reads.</summary>
    /// <param name="table">[V, C], <see cref="ParameterShape.IsTable"/>.</param>
    /// <param name="tokens">[N] in 0..V-1.</param>
    /// <param name="padding">The row of the table that never learns; -1 for none.</param>
    /// <param name="weight">[G, C].</param>
    /// <param name="bias">[G]; null for none.</param>
    /// <param name="secondBias">[G]; added as well. nn.RNN and nn.LSTM have two that always stand together.</param>
    /// <returns>[N, G]</returns>
    public TapeMatrix EmbedAndProject(
        Parameter table, ReadOnlySpan<int> tokens, int padding, Parameter weight, Parameter? bias = null, Parameter? secondBias = null) =>
        Next<EmbeddedProjection>().Forward(this, table, tokens, padding, weight, bias, secondBias);
}

/// <summary>
/// y_n = W E[token_n] + b. A batch of text has far fewer distinct tokens U than places N, so P = E_U W^T + b is [U, G] and y only copies its rows; back:
/// dP_u is the sum of its places' slopes, dW += dP^T E_U, dE_U += dP W. Exact, and in a character model a hundredth of the products.
/// </summary>
internal sealed unsafe class EmbeddedProjection : TapeOperation
{
    private readonly TokenRows _tokens = new();
    private readonly DistinctTokens _distinct = new();
    private int _padding;
    private Parameter _table = null!, _weight = null!;
    private Parameter? _bias, _secondBias;
    private TapeMatrix _embedded = null!, _result = null!;

    public TapeMatrix Forward(
        Tape tape, Parameter table, ReadOnlySpan<int> tokens, int padding, Parameter weight, Parameter? bias, Parameter? secondBias)
    {
        _tokens.Set(table, tokens);
        LinearLayer.Check(table.Columns, weight, bias);
        LinearLayer.Check(table.Columns, weight, secondBias);
        (_table, _padding, _weight, _bias, _secondBias) = (table, padding, weight, bias, secondBias);
        _distinct.Set(tokens, table.Rows);

        var (inner, outer) = (table.Columns, weight.Rows);
        _embedded = tape.Matrix(_distinct.Count, inner);
        for (var u = 0; u < _distinct.Count; u++)
        {
            new ReadOnlySpan<float>(table.Pointer + (nint)_distinct.Tokens[u] * inner, inner).CopyTo(new Span<float>(_embedded.Pointer + (nint)u * inner, inner));
        }
        var projected = tape.Matrix(_distinct.Count, outer);
        LinearLayer.Project(tape, _embedded, weight, bias, secondBias, projected);
        _result = tape.Matrix(tokens.Length, outer);
        var places = _distinct.Places;
        for (var n = 0; n < places.Length; n++)
        {
            new ReadOnlySpan<float>(projected.Pointer + (nint)places[n] * outer, outer).CopyTo(new Span<float>(_result.Pointer + (nint)n * outer, outer));
        }
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        var (inner, outer, count) = (_table.Columns, _weight.Rows, _distinct.Count);
        var sums = tape.Memory.Take((long)count * outer);
        new Span<float>(sums, count * outer).Clear();
        var places = _distinct.Places;
        for (var n = 0; n < places.Length; n++) tape.Kernels.Add(sums + (nint)places[n] * outer, _result.Slope + (nint)n * outer, outer);
        LinearLayer.Learn(tape, _embedded, sums, _weight, _bias, _secondBias);

        var slopes = tape.Memory.Take((long)count * inner);
        tape.Product.Multiply(
            new MatrixOperand(new ReadOnlySpan<float>(sums, count * outer), count, outer), _weight.AsRight(tape.Product), new Span<float>(slopes, count * inner));
        for (var u = 0; u < count; u++)
        {
            var token = _distinct.Tokens[u];
            if (token != _padding) tape.Kernels.Add(_table.TouchRow(token), slopes + (nint)u * inner, inner);
        }
    }
}
