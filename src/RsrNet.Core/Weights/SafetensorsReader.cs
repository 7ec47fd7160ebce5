using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RsrNet.Core.Weights;

/// <summary>Reads a safetensors file: the header at once, each tensor where it is asked for. Used by one thread at a time.</summary>
public sealed class SafetensorsReader : ITensorFile
{
    private const int ChunkLength = 1 << 16;

    private readonly Stream stream;
    private readonly long dataStart;

    /// <param name="stream">Seekable; read from its start to its end, closed on disposal.</param>
    /// <exception cref="InvalidDataException">It is no safetensors file, or a damaged one; the message names the tensor and the
    /// problem.</exception>
    public SafetensorsReader(Stream stream)
    {
        this.stream = stream;
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8) throw new InvalidDataException($"{stream.Length} bytes are too few for a safetensors file");
        stream.Position = 0;
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - 8) || length > SafetensorsHeader.MaximumLength)
        {
            throw new InvalidDataException(
                $"the header should be {length} bytes long: this is no safetensors file, or it is cut off (file: {stream.Length} bytes)");
        }
        var json = new byte[(int)length];
        stream.ReadExactly(json);
        dataStart = 8 + json.Length;
        Header = SafetensorsHeader.Parse(json, stream.Length - dataStart);
    }

    public SafetensorsHeader Header { get; }

    /// <exception cref="InvalidDataException">It is no safetensors file, or a damaged one; the message names the file, the tensor and the
    /// problem.</exception>
    public static SafetensorsReader Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new SafetensorsReader(file);
        }
        catch (InvalidDataException exception)
        {
            file.Dispose();
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public IReadOnlyList<long>? FindShape(string name) => Header.Find(name)?.Shape;

    /// <summary>A tensor of F32, F16, BF16 or F64 as float.</summary>
    /// <exception cref="InvalidDataException">There is none of that name, or its type is another.</exception>
    public float[] ReadFloats(string name)
    {
        var values = new float[Length(Require(name))];
        ReadFloats(name, values);
        return values;
    }

    /// <param name="values">As long as the tensor; overwritten.</param>
    /// <exception cref="InvalidDataException">There is none of that name, or its type or length is another.</exception>
    public void ReadFloats(string name, Span<float> values)
    {
        var entry = Require(name);
        if (Length(entry) != values.Length)
            throw new InvalidDataException($"tensor '{name}': it has {entry.Count} numbers, not {values.Length}");
        var width = entry.Dtype switch
        {
            "F32" => 4,
            "F16" or "BF16" => 2,
            "F64" => 8,
            _ => throw new InvalidDataException($"tensor '{name}': {entry.Dtype} cannot be read as float (F32, F16, BF16 or F64 can)"),
        };
        stream.Position = dataStart + entry.Begin;
        if (width == 4 && BitConverter.IsLittleEndian)
        {
            stream.ReadExactly(MemoryMarshal.AsBytes(values));
            return;
        }
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkLength);
        for (var done = 0; done < values.Length;)
        {
            var count = Math.Min(ChunkLength / width, values.Length - done);
            stream.ReadExactly(chunk, 0, count * width);
            for (var i = 0; i < count; i++) values[done + i] = Convert(entry.Dtype, chunk.AsSpan(i * width, width));
            done += count;
        }
        ArrayPool<byte>.Shared.Return(chunk);
    }

    /// <summary>A tensor of I64.</summary>
    /// <exception cref="InvalidDataException">There is none of that name, or its type is another.</exception>
    public long[] ReadLongs(string name)
    {
        var entry = Require(name);
        if (entry.Dtype != "I64") throw new InvalidDataException($"tensor '{name}': it is {entry.Dtype}, not I64");
        return ReadWords(entry);
    }

    private long[] ReadWords(SafetensorsEntry entry)
    {
        var values = new long[Length(entry)];
        stream.Position = dataStart + entry.Begin;
        Span<byte> bytes = stackalloc byte[8];
        foreach (ref var value in values.AsSpan())
        {
            stream.ReadExactly(bytes);
            value = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        }
        return values;
    }

    /// <summary>A tensor of F64.</summary>
    /// <exception cref="InvalidDataException">There is none of that name, or its type is another.</exception>
    public double[] ReadDoubles(string name)
    {
        var entry = Require(name);
        if (entry.Dtype != "F64") throw new InvalidDataException($"tensor '{name}': it is {entry.Dtype}, not F64");
        return Array.ConvertAll(ReadWords(entry), BitConverter.Int64BitsToDouble);
    }

    /// <summary>Adds the bytes of all tensors to a hash.</summary>
    internal void AppendTo(IncrementalHash hash)
    {
        stream.Position = dataStart;
        var chunk = new byte[ChunkLength];
        for (int count; (count = stream.Read(chunk)) > 0;) hash.AppendData(chunk, 0, count);
    }

    /// <summary>Compares the file with the SHA-256 that <see cref="SafetensorsWriter.Seal"/> put under this key.</summary>
    /// <exception cref="InvalidDataException">They differ.</exception>
    internal void CheckSeal(string key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Header.AppendTo(hash, key);
        AppendTo(hash);
        if (Header.Metadata.GetValueOrDefault(key) != System.Convert.ToHexStringLower(hash.GetHashAndReset()))
            throw new InvalidDataException("the content does not match its SHA-256: the file is damaged");
    }

    public void Dispose() => stream.Dispose();

    private static float Convert(string dtype, ReadOnlySpan<byte> bytes) => dtype switch
    {
        "F16" => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes),
        "BF16" => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes) << 16),
        "F64" => (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        _ => BinaryPrimitives.ReadSingleLittleEndian(bytes),
    };

    private SafetensorsEntry Require(string name) =>
        Header.Find(name) ?? throw new InvalidDataException($"tensor '{name}' is missing");

    private static int Length(SafetensorsEntry entry)
    {
        var count = entry.Count;
        return count <= Array.MaxLength
            ? (int)count
            : throw new InvalidDataException($"tensor '{entry.Name}': {count} numbers are too many for one array");
    }
}
