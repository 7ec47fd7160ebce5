using System.Buffers;
using System.Globalization;
using System.Text;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Cuts text into the pieces inside which byte pairs are merged, as GPT-2 does with the pattern
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Every character is in exactly one piece.
/// <para>
/// Letters and numbers are the Unicode categories L and N, blanks the characters with the property White_Space (the same as
/// <see cref="char.IsWhiteSpace(char)"/>). Half a surrogate pair is neither.
/// </para>
/// </summary>
internal ref struct PreTokens(ReadOnlySpan<char> text)
{
    private enum Kind : byte
    {
        Other,
        Letter,
        Number,
        Blank,
    }

    private static readonly Kind[] Ascii = [.. Enumerable.Range(0, 128).Select(code => KindOf(new Rune(code)))];

    private ReadOnlySpan<char> rest = text;

    /// <summary>The piece that <see cref="MoveNext"/> came to.</summary>
    public ReadOnlySpan<char> Current { get; private set; }

    public readonly PreTokens GetEnumerator() => this;

    public bool MoveNext()
    {
        if (rest.IsEmpty) return false;
        var length = Next(rest);
        Current = rest[..length];
        rest = rest[length..];
        return true;
    }

    private static int Next(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'' && Contraction(text) is var suffix and > 0) return suffix;
        var kind = KindAt(text, 0, out var width);
        if (kind != Kind.Blank) return EndOfRun(text, width, kind);

        // One blank (U+0020 only) goes with the word, number or signs behind it.
        if (text.Length > 1 && text[0] == ' ')
        {
            kind = KindAt(text, 1, out width);
            if (kind != Kind.Blank) return EndOfRun(text, 1 + width, kind);
        }

        // \s+(?!\S): a run of blanks gives its last one to what follows, unless it has no other or nothing follows.
        var end = EndOfRun(text, 1, Kind.Blank);
        return end == text.Length || end == 1 ? end : end - 1;
    }

    private static int Contraction(ReadOnlySpan<char> text)
    {
        if (text.Length < 2) return 0;
        switch (text[1])
        {
            case 's' or 't' or 'm' or 'd':
                return 2;
            case 'r' or 'v' when text.Length > 2 && text[2] == 'e':
            case 'l' when text.Length > 2 && text[2] == 'l':
                return 3;
            default:
                return 0;
        }
    }

    private static int EndOfRun(ReadOnlySpan<char> text, int at, Kind kind)
    {
        while (at < text.Length && KindAt(text, at, out var width) == kind) at += width;
        return at;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int width)
    {
        width = 1;
        var unit = text[at];
        if (unit < 128) return Ascii[unit];
        return Rune.DecodeFromUtf16(text[at..], out var rune, out width) == OperationStatus.Done ? KindOf(rune) : Kind.Other;
    }

    private static Kind KindOf(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        <= UnicodeCategory.OtherLetter => Kind.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
        _ => Rune.IsWhiteSpace(rune) ? Kind.Blank : Kind.Other,
    };
}
