using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace RsrNet.Server.Documents;

/// <summary>A vector as databases keep it: little-endian F32, one after the other, nothing around them.</summary>
public static class VectorBlob
{
    public static byte[] Of(ReadOnlySpan<float> vector)
    {
        if (BitConverter.IsLittleEndian) return MemoryMarshal.AsBytes(vector).ToArray();
        var bytes = new byte[vector.Length * sizeof(float)];
        for (var i = 0; i < vector.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
        return bytes;
    }

    /// <summary>The same bytes, in place where the machine keeps them so.</summary>
    public static ReadOnlySpan<byte> View(ReadOnlySpan<float> vector) => BitConverter.IsLittleEndian ? MemoryMarshal.AsBytes(vector) : Of(vector);

    /// <exception cref="InvalidDataException">The length is no multiple of 4.</exception>
    public static float[] Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % sizeof(float) != 0)
            throw new InvalidDataException($"a stored vector has {bytes.Length} bytes, which is no multiple of 4");
        var vector = new float[bytes.Length / sizeof(float)];
        if (BitConverter.IsLittleEndian) bytes.CopyTo(MemoryMarshal.AsBytes(vector.AsSpan()));
        else for (var i = 0; i < vector.Length; i++) vector[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(i * sizeof(float))..]);
        return vector;
    }
}
