namespace RsrNet.Core.Numerics.Gradients;

/// <summary>Which tokens a batch has, each once and in order of appearance: a text has far fewer of them than places.</summary>
internal sealed class DistinctTokens
{
    private int[] _distinct = [];
    private int[] _place = [];
    private int[] _number = [];
    private int _rows;

    /// <summary>U.</summary>
    public int Count { get; private set; }

    /// <summary>[U]</summary>
    public ReadOnlySpan<int> Tokens => _distinct.AsSpan(0, Count);

    /// <summary>[N] in 0..U-1: which of them stands where.</summary>
    public ReadOnlySpan<int> Places => _place.AsSpan(0, _rows);

    /// <param name="tokens">[N] in 0..vocabulary-1.</param>
    public void Set(ReadOnlySpan<int> tokens, int vocabulary)
    {
        if (_number.Length < vocabulary) _number = new int[vocabulary];
        if (_place.Length < tokens.Length) _place = new int[tokens.Length];
        if (_distinct.Length < Math.Min(tokens.Length, vocabulary)) _distinct = new int[Math.Min(tokens.Length, vocabulary)];
        Count = 0;
        _rows = tokens.Length;
        for (var n = 0; n < tokens.Length; n++)
        {
            ref var number = ref _number[tokens[n]];
            if (number == 0)
            {
                _distinct[Count++] = tokens[n];
                number = Count;
            }
            _place[n] = number - 1;
        }
        for (var u = 0; u < Count; u++) _number[_distinct[u]] = 0;
    }
}
