using RsrNet.Core.Embedding;

namespace RsrNet.Core.Articles;

/// <summary>Random choices of one story: splitmix64 from (seed, index), so that story 1,000 needs none of those before it and is the same everywhere.</summary>
internal sealed class NewswireDice(int seed, long index)
{
    private ulong _state = FeatureHash.Mix(((ulong)(uint)seed << 32) ^ 0x6E65777377697265) + (ulong)index * 0xD1342543DE82EF95;

    /// <returns>A number in [0, count).</returns>
    public int Below(int count)
    {
        _state += 0x9E3779B97F4A7C15;
        return (int)((FeatureHash.Mix(_state) >> 32) * (ulong)count >> 32);
    }

    public bool Happens(int percent) => Below(100) < percent;

    public T Of<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    /// <summary>Some of the choices in random order.</summary>
    public List<T> Some<T>(IReadOnlyList<T> choices, int count)
    {
        var all = choices.ToArray();
        for (var i = all.Length - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (all[i], all[j]) = (all[j], all[i]);
        }
        return [.. all.Take(count)];
    }
}
