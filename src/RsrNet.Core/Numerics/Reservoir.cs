namespace RsrNet.Core.Numerics;

/// <summary>A uniform sample of a stream in bounded memory (Vitter 1985, algorithm R): each item so far is in it with the same probability.</summary>
/// <param name="capacity">Items kept; at least 1.</param>
/// <param name="seed">Any number; the same stream and seed give the same sample.</param>
public sealed class Reservoir<T>(int capacity, int seed)
    where T : class
{
    private readonly List<T> items = [];
    private SplitMix64 random = new(unchecked((ulong)seed));
    private long seen;

    public int Count => items.Count;

    public int Capacity => capacity;

    /// <summary>In no order that means anything.</summary>
    public IReadOnlyList<T> Items => items;

    public void Add(T item)
    {
        seen++;
        if (items.Count < capacity) items.Add(item);
        else if (Below(seen) is var place && place < capacity) items[(int)place] = item;
    }

    /// <summary>Takes out every item of which this holds, such as a deleted document.</summary>
    public void Remove(Predicate<T> match) => items.RemoveAll(match);

    /// <summary>Forgets the older share of the sample: what comes next takes the places.</summary>
    /// <param name="keep">Items that stay, chosen at random; at least 0.</param>
    public void Shrink(int keep)
    {
        while (items.Count > keep) items.RemoveAt((int)Below(items.Count));
        seen = items.Count;
    }

    /// <summary>Items at random, each at most once.</summary>
    /// <param name="count">At most so many.</param>
    public List<T> Draw(int count)
    {
        var drawn = new List<T>(Math.Min(count, items.Count));
        // The first places of a partial shuffle; the reservoir's order means nothing, so it may be shuffled in place.
        for (var i = 0; i < items.Count && drawn.Count < count; i++)
        {
            var other = i + (int)Below(items.Count - i);
            (items[i], items[other]) = (items[other], items[i]);
            drawn.Add(items[i]);
        }
        return drawn;
    }

    private long Below(long bound) => (long)(random.NextDouble() * bound);
}
