using RsrNet.Core.Embedding;

namespace RsrNet.Core.Documents;

/// <summary>The tokens of a sentence by <see cref="Rouge"/>'s conventions, as hashes: no token becomes a string.</summary>
/// <param name="sentence">Any text.</param>
internal ref struct RougeTokens(ReadOnlySpan<char> sentence)
{
    private readonly ReadOnlySpan<char> sentence = sentence;
    private int next;

    /// <summary><see cref="FeatureHash.Of"/> of the lower-case token, and the character it began with.</summary>
    public (ulong Hash, char First) Current { get; private set; }

    public readonly RougeTokens GetEnumerator() => this;

    public bool MoveNext()
    {
        while (next < sentence.Length && !IsToken(sentence[next])) next++;
        if (next == sentence.Length) return false;
        var first = sentence[next];
        var hash = FeatureHash.Start;
        for (; next < sentence.Length && IsToken(sentence[next]); next++) hash = FeatureHash.Add(hash, Lower(sentence[next]));
        Current = (FeatureHash.Mix(hash), first);
        return true;
    }

    // As ToLowerInvariant has it, the Kelvin sign is a k.
    private static char Lower(char unit) => unit is >= 'A' and <= 'Z' ? (char)(unit | 0x20) : unit == '\u212A' ? 'k' : unit;

    private static bool IsToken(char unit) => char.IsAsciiLetterOrDigit(unit) || unit == '\u212A';
}
