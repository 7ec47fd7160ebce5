using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RsrNet.Core.Weights;

/// <summary>
/// Collects tensors and writes them as one safetensors file. Tensors are not copied: leave them alone until they are written.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly List<(string Name, string Dtype, ImmutableArray<long> Shape, ReadOnlyMemory<float> Floats, long[] Words)> tensors = [];

    /// <summary>Strings for the file's <c>__metadata__</c>.</summary>
    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a tensor of F32.</summary>
    /// <exception cref="ArgumentException">The name is taken, or the values do not fill the shape.</exception>
    public void Add(string name, ImmutableArray<long> shape, ReadOnlyMemory<float> values)
    {
        Check(name, shape, values.Length);
        tensors.Add((name, "F32", shape, values, []));
    }

    /// <summary>Adds a tensor of I64. They come before those of F32, so that each number lies at a multiple of its size.</summary>
    /// <exception cref="ArgumentException">The name is taken, or the values do not fill the shape.</exception>
    public void Add(string name, ImmutableArray<long> shape, long[] values)
    {
        Check(name, shape, values.Length);
        tensors.Insert(Wide, (name, "I64", shape, default, values));
    }

    /// <summary>Adds a tensor of F64. They come before those of F32, too.</summary>
    /// <exception cref="ArgumentException">The name is taken, or the values do not fill the shape.</exception>
    public void Add(string name, ImmutableArray<long> shape, double[] values)
    {
        Check(name, shape, values.Length);
        tensors.Insert(Wide, (name, "F64", shape, default, Array.ConvertAll(values, BitConverter.DoubleToInt64Bits)));
    }

    /// <summary>Tensors of eight bytes a number so far.</summary>
    private int Wide => tensors.Count(tensor => tensor.Dtype != "F32");

    public void WriteTo(Stream stream)
    {
        stream.Write(Place().ToBytes());
        ForEachBlock(stream.Write);
    }

    /// <summary>
    /// Puts a SHA-256 over the other metadata, names, types, shapes and all numbers under <paramref name="key"/> of the metadata.
    /// </summary>
    internal void Seal(string key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Place().AppendTo(hash, key);
        ForEachBlock(hash.AppendData);
        Metadata[key] = Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private SafetensorsHeader Place()
    {
        var entries = ImmutableArray.CreateBuilder<SafetensorsEntry>(tensors.Count);
        long place = 0;
        foreach (var (name, dtype, shape, floats, words) in tensors)
        {
            var end = place + 4L * floats.Length + 8L * words.Length;
            entries.Add(new SafetensorsEntry(name, dtype, shape, place, end));
            place = end;
        }
        return new SafetensorsHeader(entries.MoveToImmutable(), Metadata);
    }

    private delegate void BlockAction(ReadOnlySpan<byte> block);

    private void ForEachBlock(BlockAction action)
    {
        foreach (var (_, _, _, floats, words) in tensors)
        {
            if (BitConverter.IsLittleEndian)
            {
                action(MemoryMarshal.AsBytes(floats.Span));
                action(MemoryMarshal.AsBytes(words.AsSpan()));
                continue;
            }
            var bytes = new byte[4L * floats.Length + 8L * words.Length];
            for (var i = 0; i < floats.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), floats.Span[i]);
            for (var i = 0; i < words.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * i), words[i]);
            action(bytes);
        }
    }

    private void Check(string name, ImmutableArray<long> shape, int length)
    {
        if (tensors.Exists(tensor => tensor.Name == name)) throw new ArgumentException($"tensor '{name}' is there already", nameof(name));
        var count = shape.Aggregate(1L, (product, size) => product * size);
        if (count != length)
            throw new ArgumentException(
                $"tensor '{name}': {length} numbers do not fill the shape [{string.Join(", ", shape)}]", nameof(shape));
    }
}
