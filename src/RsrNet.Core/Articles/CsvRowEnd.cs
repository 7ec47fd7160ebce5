namespace RsrNet.Core.Articles;

/// <summary>Finds where a row of CSV ends, over any number of blocks: at the first line feed that is not inside quotes.</summary>
internal struct CsvRowEnd
{
    private Place _place;

    private enum Place
    {
        CellStart,
        Unquoted,
        Quoted,
        QuoteInQuoted,
    }

    /// <summary>Whether the row so far ends inside quotes.</summary>
    public readonly bool IsOpen => _place == Place.Quoted;

    /// <param name="block">The bytes that follow those of the calls before.</param>
    /// <returns>Index of the line feed that ends the row (the next row starts anew), or -1.</returns>
    public int Find(ReadOnlySpan<byte> block)
    {
        for (var i = 0; i < block.Length; i++)
        {
            if (_place == Place.Quoted)
            {
                var quote = block[i..].IndexOf((byte)'"');
                if (quote < 0) return -1;
                i += quote;
                _place = Place.QuoteInQuoted;
                continue;
            }
            switch (block[i])
            {
                case (byte)'\n':
                    _place = Place.CellStart;
                    return i;
                case (byte)'"' when _place is Place.CellStart or Place.QuoteInQuoted:
                    _place = Place.Quoted;
                    break;
                case (byte)',':
                    _place = Place.CellStart;
                    break;
                default:
                    _place = Place.Unquoted;
                    break;
            }
        }
        return -1;
    }
}
