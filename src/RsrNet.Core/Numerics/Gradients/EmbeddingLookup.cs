namespace RsrNet.Core.Numerics.Gradients;

public sealed unsafe partial class Tape
{
    /// <summary>Rows of a table, as nn.Embedding.</summary>
    /// <param name="table">[V, C], <see cref="ParameterShape.IsTable"/>.</param>
    /// <param name="tokens">[N] in 0..V-1.</param>
    /// <param name="padding">The row that never learns; -1 for none.</param>
    /// <returns>[N, C]</returns>
    public TapeMatrix Embed(Parameter table, ReadOnlySpan<int> tokens, int padding = -1) =>
        Next<EmbeddingLookup>().Forward(this, table, tokens, padding);
}

/// <summary>y_n = E[token_n]; back: dE[token_n] += dy_n, but not for padding.</summary>
internal sealed unsafe class EmbeddingLookup : TapeOperation
{
    private TokenRows _tokens = new();
    private Parameter _table = null!;
    private TapeMatrix _result = null!;
    private int _padding;

    public TapeMatrix Forward(Tape tape, Parameter table, ReadOnlySpan<int> tokens, int padding)
    {
        _tokens.Set(table, tokens);
        (_table, _padding) = (table, padding);
        _result = tape.Matrix(tokens.Length, table.Columns);
        for (var n = 0; n < tokens.Length; n++)
        {
            var row = new ReadOnlySpan<float>(table.Pointer + (nint)tokens[n] * table.Columns, table.Columns);
            row.CopyTo(new Span<float>(_result.Pointer + (nint)n * table.Columns, table.Columns));
        }
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null) return;
        var tokens = _tokens.Tokens;
        for (var n = 0; n < tokens.Length; n++)
        {
            if (tokens[n] == _padding) continue;
            tape.Kernels.Add(_table.TouchRow(tokens[n]), _result.Slope + (nint)n * _table.Columns, _table.Columns);
        }
    }
}

/// <summary>Token numbers of an operation, copied: who gave them may write the next ones.</summary>
internal sealed class TokenRows
{
    private int[] _tokens = [];
    private int _count;

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <exception cref="ArgumentException">The table is none, or a token is not in it.</exception>
    public void Set(Parameter table, ReadOnlySpan<int> tokens)
    {
        if (!table.IsTable) throw new ArgumentException($"'{table.Name}' is no table", nameof(table));
        foreach (var token in tokens)
        {
            if ((uint)token >= (uint)table.Rows) throw new ArgumentException($"token {token} is not in '{table.Name}', which has {table.Rows} rows", nameof(tokens));
        }
        if (_tokens.Length < tokens.Length) _tokens = new int[tokens.Length];
        tokens.CopyTo(_tokens);
        _count = tokens.Length;
    }
}
