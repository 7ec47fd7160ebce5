using System.Runtime.InteropServices;
using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Documents;

/// <summary>A document's summary in words: the sentences of its article that lie nearest to its summary embedding.</summary>
/// <param name="encoder">Embeds the sentences; the same that embedded the articles.</param>
/// <param name="sentences">Sentences of a summary; 3 as in the usual comparisons.</param>
public sealed class Readout(ITextEncoder encoder, int sentences = 3)
{
    /// <summary>The name under which this readout shows itself.</summary>
    public const string Nearest = "nearest";

    private const int FewestWords = 3;

    /// <summary>The best sentences in article order; positions count every sentence of the text, whether it could be chosen or not.</summary>
    /// <param name="text">The article's text.</param>
    /// <param name="x">[d] the article's embedding.</param>
    /// <param name="y">[d] what the sentences are compared with; x where it is null or zero.</param>
    public IReadOnlyList<SummarySentence> Of(string text, ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var ranges = Sentences.Ranges(text);
        var choices = Choices(text, ranges);
        var d = encoder.Dimensions;
        var vectors = new float[choices.Count * d];
        encoder.Encode(CollectionsMarshal.AsSpan(choices.ConvertAll(choice => choice.Sentence)), vectors);

        var goal = y.IsEmpty || !y.ContainsAnyExcept(0f) ? x : y;
        var scored = new SummarySentence[choices.Count];
        for (var i = 0; i < scored.Length; i++)
        {
            scored[i] = new SummarySentence(choices[i].Sentence, choices[i].Position, VectorMath.Cosine(vectors.AsSpan(i * d, d), goal));
        }
        return [.. scored.OrderByDescending(sentence => sentence.Score).ThenBy(sentence => sentence.Position).Take(sentences).OrderBy(sentence => sentence.Position)];
    }

    /// <summary>The same for a document; without an embedding it is the article's first sentences, with score 0.</summary>
    public ReadoutSummary Of(Document document) => document.Embedding is { } embedding
        ? new ReadoutSummary(Nearest, Of(document.Article.Text, embedding.X, document.State?.Y))
        : new ReadoutSummary(SentenceReadout.Lead, First(document.Article.Text));

    /// <summary>The text's first sentences, with score 0.</summary>
    public IReadOnlyList<SummarySentence> First(string text) =>
        [.. Choices(text, Sentences.Ranges(text)).Take(sentences).Select(choice => new SummarySentence(choice.Sentence, choice.Position, 0))];

    /// <summary>The learned readout's summary of a document, by what the regressions of its weights say.</summary>
    /// <param name="learned">Chooses.</param>
    /// <param name="statistics">Of the served weights.</param>
    public ReadoutSummary Of(Document document, SentenceReadout learned, ResidualStatistics statistics)
    {
        if (document.Embedding is not { } embedding) return new ReadoutSummary(SentenceReadout.Lead, First(document.Article.Text));
        var article = embedding.Sentences ?? ArticleSentences.Of(encoder, document.Article.Text);
        if (article.Count == 0) return new ReadoutSummary(SentenceReadout.Lead, First(document.Article.Text));
        var reading = new SentenceReading(article, embedding.X, statistics);
        return learned.Of(SummaryView.Of(reading, document.State?.Y, statistics), statistics);
    }

    // Each sentence once, the first place it stands at; short ones only where there is nothing else.
    internal static List<(string Sentence, int Position)> Choices(string text, IReadOnlyList<Range> ranges)
    {
        var all = new List<(string Sentence, int Position)>(ranges.Count);
        var seen = new HashSet<string>(ranges.Count, StringComparer.Ordinal);
        for (var i = 0; i < ranges.Count; i++)
        {
            var sentence = text[ranges[i]];
            if (seen.Add(sentence)) all.Add((sentence, i));
        }
        var whole = all.FindAll(choice => HasWords(choice.Sentence, FewestWords));
        return whole.Count > 0 ? whole : all;
    }

    private static bool HasWords(string sentence, int fewest)
    {
        var words = 0;
        var inside = false;
        foreach (var unit in sentence)
        {
            var letter = char.IsLetterOrDigit(unit) || char.IsSurrogate(unit) || unit is '\'' or '\u2019';
            if (letter && !inside && ++words == fewest) return true;
            // Scripts without blanks between words: every character counts.
            inside = letter && unit < 0x3040;
        }
        return false;
    }
}
