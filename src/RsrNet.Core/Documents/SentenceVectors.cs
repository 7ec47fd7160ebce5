using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>
/// The vectors [n, d] of an article's sentences; only the elements that are not zero where most are: one in ten is not in the hashed encoder's. What can be
/// asked of them is the same either way, up to rounding.
/// </summary>
public sealed class SentenceVectors
{
    // What a thread keeps from article to article to work out products in.
    [ThreadStatic]
    private static int[]? _begins;

    [ThreadStatic]
    private static int[]? _sentences;

    [ThreadStatic]
    private static float[]? _elements;

    private readonly int[] starts; // [n + 1] where a sentence's values begin
    private float[]? products;

    /// <param name="places">Ascending indices into [n, d]; empty where <paramref name="values"/> are all of them.</param>
    /// <param name="values">Of unit length in each row, or zero.</param>
    /// <param name="products">[n, n]; worked out where they are not given.</param>
    public SentenceVectors(int count, int dimensions, int[] places, float[] values, float[]? products = null)
    {
        (Count, Dimensions, Places, Values, this.products) = (count, dimensions, places, values, products);
        starts = new int[count + 1];
        IsSparse = places.Length > 0 || values.Length == 0;
        if (values.Length != (IsSparse ? places.Length : count * dimensions))
            throw new ArgumentException($"{values.Length} values at {places.Length} places are no {count} vectors of {dimensions}", nameof(values));
        if (!IsSparse)
        {
            for (var i = 0; i <= count; i++) starts[i] = i * dimensions;
            return;
        }
        for (int k = 0, row = 0, before = -1; k < places.Length; k++)
        {
            if (places[k] <= before || places[k] >= count * dimensions) throw new ArgumentException($"place {places[k]} is out of order or out of range", nameof(places));
            before = places[k];
            while (before >= (row + 1) * dimensions) starts[++row] = k;
            starts[row + 1] = k + 1;
        }
        for (var i = 0; i < count; i++) starts[i + 1] = Math.Max(starts[i + 1], starts[i]); // what comes behind the last place is empty
    }

    /// <summary>Of all [n, d] elements; keeps the zeros only where they are few.</summary>
    public static SentenceVectors Of(float[] elements, int count, int dimensions)
    {
        var full = elements.Length - elements.AsSpan().Count(0f);
        // Where most are not zero their places would cost more than the zeros.
        if (2 * full > elements.Length) return new SentenceVectors(count, dimensions, [], elements);
        var (places, values) = (new int[full], new float[full]);
        var next = 0;
        for (var i = 0; i < elements.Length; i++)
        {
            if (elements[i] != 0) (places[next], values[next++]) = (i, elements[i]);
        }
        return new SentenceVectors(count, dimensions, places, values);
    }

    /// <summary>n</summary>
    public int Count { get; }

    /// <summary>d</summary>
    public int Dimensions { get; }

    /// <summary>Ascending indices into [n, d]; empty where <see cref="Values"/> are all of them.</summary>
    public int[] Places { get; }

    public float[] Values { get; }

    public bool IsSparse { get; }

    /// <summary>[n, n] products of the vectors.</summary>
    public float[] Products => products ??= IsSparse ? SparseProducts() : DenseProducts();

    /// <summary>[d] one vector, made anew.</summary>
    public float[] Of(int index)
    {
        var vector = new float[Dimensions];
        AddScaled(vector, index, 1);
        return vector;
    }

    /// <summary>Product of one with another vector.</summary>
    /// <param name="vector">[d]</param>
    public float Dot(int index, ReadOnlySpan<float> vector)
    {
        if (vector.Length != Dimensions) throw new ArgumentException($"a vector of {vector.Length} elements has no product with one of {Dimensions}", nameof(vector));
        var (start, end) = (starts[index], starts[index + 1]);
        if (!IsSparse) return VectorMath.Dot(Values.AsSpan(start, end - start), vector);
        ref var values = ref MemoryMarshal.GetArrayDataReference(Values);
        ref var places = ref MemoryMarshal.GetArrayDataReference(Places);
        // Never before the vector, where a collection that moves it would take the reference for another object's.
        ref var elements = ref MemoryMarshal.GetReference(vector);
        var row = index * Dimensions;
        // Two sums in flight hide half of the latency of the addition; all places were checked to lie in the row.
        float sum0 = 0, sum1 = 0;
        var k = start;
        for (; k < end - 1; k += 2)
        {
            sum0 += Unsafe.Add(ref values, k) * Unsafe.Add(ref elements, Unsafe.Add(ref places, k) - row);
            sum1 += Unsafe.Add(ref values, k + 1) * Unsafe.Add(ref elements, Unsafe.Add(ref places, k + 1) - row);
        }
        if (k < end) sum0 += Unsafe.Add(ref values, k) * Unsafe.Add(ref elements, Unsafe.Add(ref places, k) - row);
        return sum0 + sum1;
    }

    /// <summary>to += factor * one vector</summary>
    /// <param name="to">[d]</param>
    public void AddScaled(Span<float> to, int index, float factor)
    {
        if (to.Length != Dimensions) throw new ArgumentException($"a vector of {to.Length} elements has no sum with one of {Dimensions}", nameof(to));
        var (start, end) = (starts[index], starts[index + 1]);
        if (!IsSparse)
        {
            VectorMath.AddScaled(to, Values.AsSpan(start, end - start), factor);
            return;
        }
        ref var values = ref MemoryMarshal.GetArrayDataReference(Values);
        ref var places = ref MemoryMarshal.GetArrayDataReference(Places);
        ref var elements = ref MemoryMarshal.GetReference(to);
        var row = index * Dimensions;
        for (var k = start; k < end; k++) Unsafe.Add(ref elements, Unsafe.Add(ref places, k) - row) += factor * Unsafe.Add(ref values, k); // places as in Dot
    }

    private float[] DenseProducts()
    {
        var all = new float[Count * Count];
        for (var i = 0; i < Count; i++)
        {
            var own = Values.AsSpan(i * Dimensions, Dimensions);
            for (var k = 0; k <= i; k++) all[i * Count + k] = all[k * Count + i] = VectorMath.Dot(own, Values.AsSpan(k * Dimensions, Dimensions));
        }
        return all;
    }

    /// <summary>Element by element, for only sentences that share one have anything to multiply there.</summary>
    private float[] SparseProducts()
    {
        var (begins, sentences, values) = (_begins, _sentences, _elements);
        if (begins is null || begins.Length != Dimensions + 1) _begins = begins = new int[Dimensions + 1];
        else Array.Clear(begins);
        if (sentences is null || values is null || sentences.Length < Places.Length)
            (_sentences, _elements) = (sentences, values) = (new int[Places.Length], new float[Places.Length]);
        for (var i = 0; i < Count; i++)
        {
            for (var k = starts[i]; k < starts[i + 1]; k++) begins[Places[k] - i * Dimensions + 1]++;
        }
        for (var j = 0; j < Dimensions; j++) begins[j + 1] += begins[j];
        for (var i = 0; i < Count; i++)
        {
            for (var k = starts[i]; k < starts[i + 1]; k++)
            {
                var at = begins[Places[k] - i * Dimensions]++;
                (sentences[at], values[at]) = (i, Values[k]);
            }
        }
        // Each begin now stands where the next element begins.
        var all = new float[Count * Count];
        var first = 0;
        for (var j = 0; j < Dimensions; j++)
        {
            for (var a = first; a < begins[j]; a++)
            {
                ref var row = ref all[sentences[a] * Count];
                for (var b = first; b <= a; b++) Unsafe.Add(ref row, sentences[b]) += values[a] * values[b]; // sentences[b] <= sentences[a] < Count
            }
            first = begins[j];
        }
        for (var i = 0; i < Count; i++)
        {
            for (var k = 0; k < i; k++) all[k * Count + i] = all[i * Count + k];
        }
        return all;
    }
}
