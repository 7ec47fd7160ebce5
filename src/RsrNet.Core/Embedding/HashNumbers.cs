using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Numbers hashes from 0 in order of first occurrence, by open addressing with linear probing; reused from text to text, so that numbering allocates nothing
/// once it is warm. Their lowest bits choose the place: they are to be mixed (<see cref="FeatureHash.Mix"/>).
/// </summary>
internal sealed class HashNumbers
{
    private ulong[] hashes = new ulong[1024];
    private int[] slots = new int[2048]; // a number plus one; 0 where there is none

    /// <summary>Distinct hashes so far.</summary>
    public int Count { get; private set; }

    /// <summary>[<see cref="Count"/>] by their numbers.</summary>
    public ReadOnlySpan<ulong> Hashes => hashes.AsSpan(0, Count);

    /// <summary>The hash's number: <see cref="Count"/> as it was before where it is new.</summary>
    public int Of(ulong hash)
    {
        var slot = SlotOf(hash);
        var after = slots[slot];
        if (after != 0) return after - 1;
        if (Count == hashes.Length)
        {
            Grow();
            slot = SlotOf(hash);
        }
        hashes[Count] = hash;
        slots[slot] = ++Count;
        return Count - 1;
    }

    /// <summary>The hash's number; -1 where it has none.</summary>
    public int Find(ulong hash) => slots[SlotOf(hash)] - 1;

    public void Clear()
    {
        // A sentence leaves most of the table as it is.
        if (Count > slots.Length / 16) Array.Clear(slots);
        else
        {
            for (var number = 0; number < Count; number++)
            {
                var slot = (int)hashes[number] & (slots.Length - 1);
                while (slots[slot] != number + 1) slot = (slot + 1) & (slots.Length - 1);
                slots[slot] = 0;
            }
        }
        Count = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int SlotOf(ulong hash)
    {
        ref var slots = ref MemoryMarshal.GetArrayDataReference(this.slots);
        ref var hashes = ref MemoryMarshal.GetArrayDataReference(this.hashes);
        var mask = this.slots.Length - 1; // no place is beyond it, and no number beyond the hashes
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            var after = Unsafe.Add(ref slots, slot);
            if (after == 0 || Unsafe.Add(ref hashes, after - 1) == hash) return slot;
        }
    }

    private void Grow()
    {
        Array.Resize(ref hashes, 2 * hashes.Length);
        slots = new int[2 * hashes.Length];
        for (var number = 0; number < Count; number++) slots[SlotOf(hashes[number])] = number + 1;
    }
}
