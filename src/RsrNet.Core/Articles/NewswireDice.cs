using RsrNet.Core.Numerics;

namespace RsrNet.Core.Articles;

/// <summary>Random choices of one story, made from (seed, index) alone, so that story 1,000 needs none of those before it and is the same everywhere.</summary>
internal sealed class NewswireDice(int seed, long index)
{
    private SplitMix64 _numbers = new(new SplitMix64(new SplitMix64((ulong)seed).Next() + (ulong)index).Next());

    /// <returns>A number in [0, count).</returns>
    public int Below(int count) => (int)((_numbers.Next() >> 32) * (ulong)count >> 32);

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
