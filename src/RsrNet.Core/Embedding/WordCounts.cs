using System.Globalization;
using System.Text;

namespace RsrNet.Core.Embedding;

/// <summary>
/// The distinct words of one text with their counts, in order of first occurrence; reused from text to text so that counting allocates nothing.
/// A word is a run of letters, digits and combining marks of any script, folded by the simple case mapping of Unicode. An apostrophe inside a word
/// is dropped ("don't" is "dont"), and a possessive s with it ("Obama's" is "obama"). Scripts that are written without blanks (Han, kana) give one word a
/// character. A word longer than 64 UTF-16 units is cut into pieces of 64.
/// </summary>
internal sealed class WordCounts
{
    private const int LongestWord = 64;

    // For ASCII: the folded character, or 0 where it is not part of a word.
    private static ReadOnlySpan<byte> Folded =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        (byte)'0', (byte)'1', (byte)'2', (byte)'3', (byte)'4', (byte)'5', (byte)'6', (byte)'7', (byte)'8', (byte)'9', 0, 0, 0, 0, 0, 0,
        0, (byte)'a', (byte)'b', (byte)'c', (byte)'d', (byte)'e', (byte)'f', (byte)'g', (byte)'h', (byte)'i', (byte)'j', (byte)'k', (byte)'l', (byte)'m',
        (byte)'n', (byte)'o', (byte)'p', (byte)'q', (byte)'r', (byte)'s', (byte)'t', (byte)'u', (byte)'v', (byte)'w', (byte)'x', (byte)'y', (byte)'z', 0, 0, 0, 0, 0,
        0, (byte)'a', (byte)'b', (byte)'c', (byte)'d', (byte)'e', (byte)'f', (byte)'g', (byte)'h', (byte)'i', (byte)'j', (byte)'k', (byte)'l', (byte)'m',
        (byte)'n', (byte)'o', (byte)'p', (byte)'q', (byte)'r', (byte)'s', (byte)'t', (byte)'u', (byte)'v', (byte)'w', (byte)'x', (byte)'y', (byte)'z', 0, 0, 0, 0, 0,
    ];

    private readonly HashNumbers _numbers = new();
    private int[] _counts = new int[1024];

    /// <summary>Distinct words of the text counted last.</summary>
    public int Distinct => _numbers.Count;

    /// <summary><see cref="FeatureHash.Of"/> of each folded word.</summary>
    public ReadOnlySpan<ulong> Hashes => _numbers.Hashes;

    /// <summary>How often the text has each.</summary>
    public ReadOnlySpan<int> Counts => _counts.AsSpan(0, Distinct);

    public void Count(ReadOnlySpan<char> text)
    {
        _counts.AsSpan(0, Distinct).Clear();
        _numbers.Clear();
        var hash = FeatureHash.Start;
        var length = 0;
        Span<char> utf16 = stackalloc char[2];
        for (var i = 0; i < text.Length; i++)
        {
            var unit = text[i];
            if (unit < 128)
            {
                var folded = Folded[unit];
                if (folded != 0)
                {
                    hash = Append((char)folded, hash, ref length);
                    continue;
                }
                if (unit == '\'' && length > 0 && Apostrophe(text, ref i)) continue;
                End(ref hash, ref length);
                continue;
            }
            if (unit == '\u2019' && length > 0)
            {
                if (!Apostrophe(text, ref i)) End(ref hash, ref length);
                continue;
            }
            Rune.DecodeFromUtf16(text[i..], out var rune, out var units);
            i += units - 1;
            // A mark alone is no word: the variation selectors after an emoji are marks.
            if (!IsWord(rune) || (length == 0 && IsMark(rune)))
            {
                End(ref hash, ref length);
                continue;
            }
            var alone = IsWrittenWithoutBlanks(rune.Value);
            if (alone) End(ref hash, ref length);
            // U+0130 has no simple mapping to one letter; libraries differ on it, so it stays.
            var lower = rune.Value == 0x130 ? rune : Rune.ToLowerInvariant(rune);
            foreach (var part in utf16[..lower.EncodeToUtf16(utf16)]) hash = Append(part, hash, ref length);
            if (alone) End(ref hash, ref length);
        }
        End(ref hash, ref length);

        ulong Append(char unit, ulong hash, ref int length)
        {
            if (length == LongestWord) End(ref hash, ref length);
            length++;
            return FeatureHash.Add(hash, unit);
        }
    }

    // At an apostrophe inside a word: moves past a possessive s; whether the word goes on.
    private static bool Apostrophe(ReadOnlySpan<char> text, ref int index)
    {
        if (index + 1 >= text.Length || !IsWordAt(text, index + 1)) return false;
        if (text[index + 1] is not ('s' or 'S') || IsWordAt(text, index + 2)) return true;
        index++;
        return false;
    }

    private static bool IsWordAt(ReadOnlySpan<char> text, int index) =>
        index < text.Length && (text[index] < 128 ? Folded[text[index]] != 0 : Rune.DecodeFromUtf16(text[index..], out var rune, out _) == 0 && IsWord(rune));

    private static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.OtherNumber;

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune) is >= UnicodeCategory.NonSpacingMark and <= UnicodeCategory.EnclosingMark;

    private static bool IsWrittenWithoutBlanks(int value) => value is >= 0x3040 and <= 0x30FF or >= 0x3400 and <= 0x9FFF or >= 0xF900 and <= 0xFAFF or >= 0x20000;

    private void End(ref ulong hash, ref int length)
    {
        if (length == 0) return;
        var number = _numbers.Of(FeatureHash.Mix(hash));
        if (number == _counts.Length) Array.Resize(ref _counts, 2 * _counts.Length);
        _counts[number]++;
        hash = FeatureHash.Start;
        length = 0;
    }
}
