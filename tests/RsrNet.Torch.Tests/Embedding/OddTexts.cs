using System.Globalization;
using System.Text;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>Texts that tokenizers stumble over, made of odd pieces by a seed.</summary>
internal static class OddTexts
{
    private static readonly string[] Pieces =
    [
        "the", "council", "they're", "I've", "can't", "we'll", "he'd", "I'm", "it's", "'S", "'LL", "''", "rock'n'roll", "don\u2019t", "U.S.", "e.g.",
        "3.14", "1,000", "$5bn", "50%", "?!", "...", "--", "\u2014", "\u201cquoted\u201d", "na\u00efve", "Stra\u00dfe", "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1",
        "\u041c\u043e\u0441\u043a\u0432\u0430", "\u6771\u4eac", "\u5317\u4eac\u5e02", "\uc11c\uc6b8", "\u05e9\u05dc\u05d5\u05dd", "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u0e44\u0e17\u0e22", "\u00bd", "\u2167", "\u00b2", "\u0663", "e\u0301", "a\u0308\u0327", "\U0001F44D", "\U0001F469\u200d\U0001F469\u200d\U0001F467",
        "\U0001F1E9\U0001F1EA", "\u2708\ufe0f", "http://example.com/a?b=c&d=e", "user@example.com", "#tag", "\0", "\u0007", "\u001c", "\u007f", "\u00ad", "\ufeff",
        "\u200b", "\u180e", "\u2060", "<s>", "</s>", "<pad>", "<unk>", "< s>", "<S>",
    ];

    private static readonly string[] Blanks =
        ["", " ", " ", " ", "  ", "     ", "\t", "\n", "\r\n", "\n\n\n", "\u00a0", "\u2003\u2003", "\u3000", "\u2028", "\u0085", " \n "];

    /// <summary>What the two tokenizers are known to see differently.</summary>
    private static readonly string[] Disputed = ["\ud800", "\udc00", "\udc00\ud800", "\U0001D518\U0001D52B", "\U00020000", "\U0001D7D9", " <mask>", "<mask>", "\u00a0<mask>"];

    /// <param name="disputed">Whether every text has something of what the tokenizers are known to see differently.</param>
    public static IEnumerable<string> Make(int count, int seed, bool disputed)
    {
        var dice = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var text = new StringBuilder();
            var parts = dice.Next(1, 30);
            var odd = disputed ? dice.Next(parts) : -1;
            for (var part = 0; part < parts; part++)
            {
                text.Append(Blanks[dice.Next(Blanks.Length)]);
                if (part == odd) text.Append(Disputed[dice.Next(Disputed.Length)]);
                else if (dice.Next(12) == 0) text.Append(Random(dice));
                else if (dice.Next(60) == 0) Repeat(text, Pieces[dice.Next(Pieces.Length)], dice.Next(50, 600));
                else text.Append(Pieces[dice.Next(Pieces.Length)]);
            }
            yield return text.ToString();
        }
    }

    private static void Repeat(StringBuilder text, string piece, int times)
    {
        for (var i = 0; i < times; i++) text.Append(piece);
    }

    /// <summary>Some characters of the Basic Multilingual Plane, whatever they are.</summary>
    private static string Random(Random dice)
    {
        var text = new StringBuilder();
        for (var i = dice.Next(1, 6); i > 0; i--)
        {
            var unit = (char)dice.Next(0xfffe);
            if (!char.IsSurrogate(unit) && char.GetUnicodeCategory(unit) != UnicodeCategory.OtherNotAssigned) text.Append(unit);
        }
        return text.ToString();
    }
}
