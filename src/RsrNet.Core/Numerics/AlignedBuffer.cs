using System.Runtime.InteropServices;

namespace RsrNet.Core.Numerics;

/// <summary>
/// Floats outside the managed heap that start at a cache line, so that a 64-byte load never straddles two. Fresh memory is zero. Not for sharing
/// with code that may outlive it.
/// </summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private const nuint CacheLine = 64;

    public AlignedBuffer(long length = 0) => Reserve(length);

    ~AlignedBuffer() => Free();

    /// <summary>The first float; null while empty.</summary>
    public float* Pointer { get; private set; }

    /// <summary>Floats that fit.</summary>
    public long Length { get; private set; }

    public Span<float> Span => new(Pointer, checked((int)Length));

    /// <summary>Makes room for at least so many floats. What was in it is lost where it has to grow.</summary>
    public void Reserve(long length)
    {
        if (length <= Length) return;
        Free();
        var bytes = checked((nuint)length * sizeof(float));
        Pointer = (float*)NativeMemory.AlignedAlloc((bytes + CacheLine - 1) / CacheLine * CacheLine, CacheLine);
        NativeMemory.Clear(Pointer, bytes);
        Length = length;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        Length = 0;
    }
}
