namespace RsrNet.Core.Embedding;

/// <summary>
/// Remembers the ids of words. Each word has one place, and a newer word there takes it over: the memory is bounded (some 10 MB), and what
/// attackers send costs no more than having no cache. Thread-safe without locks: an entry never changes once it is in its place.
/// </summary>
internal sealed class WordIds
{
    private const int Places = 1 << 16;

    /// <summary>In characters. Longer ones are rare, and would make the memory's bound larger.</summary>
    private const int LongestWord = 32;

    private readonly Entry?[] entries = new Entry?[Places];

    /// <param name="place">Where the word belongs; -1 where it is too long to be kept.</param>
    public int[]? Find(ReadOnlySpan<char> word, out int place)
    {
        place = -1;
        if (word.Length > LongestWord) return null;
        place = string.GetHashCode(word) & (Places - 1);
        var entry = Volatile.Read(ref entries[place]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry.Ids : null;
    }

    public void Keep(ReadOnlySpan<char> word, int place, ReadOnlySpan<int> ids)
    {
        if (place >= 0) Volatile.Write(ref entries[place], new Entry(word.ToString(), ids.ToArray()));
    }

    private sealed record Entry(string Word, int[] Ids);
}
