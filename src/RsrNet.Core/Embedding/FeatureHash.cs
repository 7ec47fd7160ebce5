namespace RsrNet.Core.Embedding;

/// <summary>
/// A 64-bit hash of text that is the same on every machine and in every version: FNV-1a over UTF-16 code units (instead of bytes), finished by
/// the mixer of splitmix64. Vectors are made of it, so it is never changed; another hash is another encoder.
/// </summary>
internal static class FeatureHash
{
    public const ulong Start = 14695981039346656037;

    private const ulong Prime = 1099511628211;

    public static ulong Add(ulong hash, char unit) => (hash ^ unit) * Prime;

    /// <summary>splitmix64's mixer (Steele, Lea and Flood 2014): a bijection in which every bit of the input changes half of the output.</summary>
    public static ulong Mix(ulong hash)
    {
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
        return hash ^ (hash >> 31);
    }

    public static ulong Of(ReadOnlySpan<char> text)
    {
        var hash = Start;
        foreach (var unit in text) hash = Add(hash, unit);
        return Mix(hash);
    }
}
