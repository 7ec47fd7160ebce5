namespace RsrNet.Core.Embedding;

/// <summary>BART's encoder from ids to embeddings, on a processor or a device. One call at a time.</summary>
internal interface IBartNetwork : IDisposable
{
    BartConfig Config { get; }

    /// <summary>Tokens that are best given to it together; a text may have more.</summary>
    int GroupTokens { get; }

    /// <summary>Each text's mean over its rows of the last hidden states.</summary>
    /// <param name="ids">The tokens of all texts, one text after the other.</param>
    /// <param name="texts">Where each text lies; together they cover the ids.</param>
    /// <param name="means">[texts, d]; overwritten.</param>
    /// <exception cref="ArgumentException">The texts do not cover the ids, or an id is outside the vocabulary.</exception>
    void Embed(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts, Span<float> means);
}

/// <summary>Where a text lies in a batch.</summary>
/// <param name="Row">Its first row.</param>
/// <param name="Rows">Its tokens, and padding where the batch has any.</param>
/// <param name="Tokens">Its tokens: only these are attended to.</param>
internal readonly record struct BartText(int Row, int Rows, int Tokens)
{
    /// <summary>What is checked before a batch is computed.</summary>
    /// <exception cref="ArgumentException">The texts do not cover the ids, or an id is outside the vocabulary.</exception>
    public static void EnsureCover(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts, BartConfig config)
    {
        var row = 0;
        foreach (var text in texts)
        {
            if (text.Row != row || text.Tokens < 1 || text.Rows < text.Tokens || text.Rows > config.Positions)
                throw new ArgumentException($"a text of {text.Tokens} tokens in {text.Rows} rows from {text.Row} cannot follow row {row}", nameof(texts));
            row += text.Rows;
        }
        if (row != ids.Length) throw new ArgumentException($"the texts have {row} rows, but there are {ids.Length} ids", nameof(texts));
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)config.Vocabulary)
                throw new ArgumentException($"the id {id} is outside the vocabulary of {config.Vocabulary}: tokenizer and weights are of two models", nameof(ids));
        }
    }
}
