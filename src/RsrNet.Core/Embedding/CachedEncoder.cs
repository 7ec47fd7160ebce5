using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Remembers the vectors of the texts it saw last, by a SHA-256 of their content: an article that comes again and the sentences of one
/// whose summary is asked for again cost no computation. Owns the encoder behind it.
/// </summary>
/// <param name="encoder">A pure encoder: one whose vectors do not depend on the batch.</param>
/// <param name="capacity">Texts that are remembered; at least 1. The one that was not asked for longest goes first.</param>
public sealed class CachedEncoder(ITextEncoder encoder, int capacity) : ITextEncoder, IDisposable
{
    private readonly Dictionary<Key, LinkedListNode<Entry>> entries = new(capacity);

    /// <summary>Latest first.</summary>
    private readonly LinkedList<Entry> order = new();
    private readonly Lock gate = new();

    public string Id => encoder.Id;

    public int Dimensions => encoder.Dimensions;

    public bool UsesAllCores => encoder.UsesAllCores;

    public int? CountTokens(string text) => encoder.CountTokens(text);

    public void Encode(ReadOnlySpan<string> texts, Span<float> embeddings)
    {
        var d = Dimensions;
        if (embeddings.Length != texts.Length * d)
            throw new ArgumentException($"{texts.Length} texts need {texts.Length * d} floats, the destination has {embeddings.Length}", nameof(embeddings));
        var keys = new Key[texts.Length];
        for (var i = 0; i < keys.Length; i++) keys[i] = Key.Of(texts[i]);

        // Each unknown text once, in order; the rows it is wanted in.
        var missing = new Dictionary<Key, int>();
        var unknown = new List<string>();
        lock (gate)
        {
            for (var i = 0; i < keys.Length; i++)
            {
                if (Find(keys[i]) is { } vector) vector.CopyTo(embeddings[(i * d)..]);
                else if (missing.TryAdd(keys[i], unknown.Count)) unknown.Add(texts[i]);
            }
        }
        if (unknown.Count == 0) return;
        var vectors = new float[unknown.Count * d];
        encoder.Encode(CollectionsMarshal.AsSpan(unknown), vectors);
        lock (gate)
        {
            foreach (var (key, row) in missing) Keep(key, vectors.AsSpan(row * d, d));
        }
        for (var i = 0; i < keys.Length; i++)
        {
            if (missing.TryGetValue(keys[i], out var row)) vectors.AsSpan(row * d, d).CopyTo(embeddings[(i * d)..]);
        }
    }

    public void Dispose() => (encoder as IDisposable)?.Dispose();

    private float[]? Find(Key key)
    {
        if (!entries.TryGetValue(key, out var node)) return null;
        order.Remove(node);
        order.AddFirst(node);
        return node.Value.Vector;
    }

    private void Keep(Key key, ReadOnlySpan<float> vector)
    {
        if (entries.ContainsKey(key)) return;
        if (entries.Count >= capacity)
        {
            entries.Remove(order.Last!.Value.Key);
            order.RemoveLast();
        }
        entries[key] = order.AddFirst(new Entry(key, vector.ToArray()));
    }

    private sealed record Entry(Key Key, float[] Vector);

    /// <summary>The first 16 bytes of a text's SHA-256: nobody can make two texts with the same.</summary>
    private readonly record struct Key(UInt128 Hash)
    {
        public static Key Of(string text)
        {
            Span<byte> hash = stackalloc byte[32];
            SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), hash);
            return new Key(MemoryMarshal.Read<UInt128>(hash));
        }
    }
}
