using System.Globalization;

namespace RsrNet.Core.Embedding;

/// <summary>
/// How common a word is in English news: a frozen table of the commonest words, shipped inside the assembly (word-frequencies.txt says how it was
/// counted). Part of the encoder's identity: another table is another encoder.
/// </summary>
internal static class WordFrequencies
{
    private const double LeastShare = 1e-6;

    // Loaded once, at the first embedding; keyed by hash so that no text becomes a string on the way to it.
    private static readonly (HashNumbers Words, WordFrequency[] Frequencies) Table = Load();

    private static readonly WordFrequency Rare = new(1, Math.Log(LeastShare));

    /// <summary>The weight of smooth inverse frequency (Arora et al. 2017), a / (a + p) with a = 0.001, in (0, 1]; 1 for a word that is not in the table.</summary>
    /// <param name="word"><see cref="FeatureHash.Of"/> of the folded word.</param>
    public static double WeightOf(ulong word) => Of(word).Weight;

    /// <inheritdoc cref="WordFrequency"/>
    public static WordFrequency Of(ulong word)
    {
        var number = Table.Words.Find(word);
        return number < 0 ? Rare : Table.Frequencies[number];
    }

    private static (HashNumbers Words, WordFrequency[] Frequencies) Load()
    {
        const double a = 1e-3;
        using var stream = typeof(WordFrequencies).Assembly.GetManifestResourceStream("RsrNet.Core.Embedding.word-frequencies.txt")
            ?? throw new InvalidOperationException("the word frequencies are missing from the assembly");
        using var reader = new StreamReader(stream);
        var words = new HashNumbers();
        var frequencies = new List<WordFrequency>(6000);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var fields = line.Split(' ');
            var p = int.Parse(fields[0], CultureInfo.InvariantCulture) / 1e6;
            foreach (var word in fields.AsSpan(1))
            {
                if (words.Of(FeatureHash.Of(word)) == frequencies.Count) frequencies.Add(new WordFrequency(a / (a + p), Math.Log(p + LeastShare)));
            }
        }
        return (words, [.. frequencies]);
    }
}

/// <summary>How common a word is.</summary>
/// <param name="Weight"><see cref="WordFrequencies.WeightOf"/></param>
/// <param name="LogShare">Logarithm of its share of all words, plus one in a million; that alone for a word that is not in the table.</param>
internal readonly record struct WordFrequency(double Weight, double LogShare);
