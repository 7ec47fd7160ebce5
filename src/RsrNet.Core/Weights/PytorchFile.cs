using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace RsrNet.Core.Weights;

/// <summary>
/// Reads named tensors from a file of <c>torch.save(state_dict)</c>, such as pytorch_model.bin: the zip of PyTorch 1.6 and later, and the
/// sequence of pickles from before. Nothing in the file is run (<see cref="PickleReader"/>).
/// </summary>
public sealed class PytorchFile : ITensorFile
{
    private const int ChunkLength = 1 << 16;

    /// <summary>0x1950a86a20f9469cfc6c, little-endian: how files before PyTorch 1.6 begin.</summary>
    private const string Magic = "6cfc9c46f9206aa85019";

    private readonly string path;
    private readonly Stream stream;
    private readonly Dictionary<string, PickleReader.Tensor> tensors = new(StringComparer.Ordinal);

    /// <summary>The zip's entries by the storage's key.</summary>
    private readonly Dictionary<string, ZipArchiveEntry> entries = new(StringComparer.Ordinal);
    private readonly ZipArchive? zip;

    /// <summary>Where the numbers of a storage begin, in a file without a zip.</summary>
    private readonly Dictionary<string, long> places = new(StringComparer.Ordinal);

    private PytorchFile(string path, Stream stream)
    {
        this.path = path;
        this.stream = stream;
        object? root;
        if (IsZip(stream))
        {
            zip = new ZipArchive(stream, ZipArchiveMode.Read);
            root = ReadZip(zip);
        }
        else
        {
            root = ReadPickles();
        }
        if (root is not PickleReader.Map map) throw new InvalidDataException("it holds no dictionary of tensors");
        foreach (var (key, value) in map)
        {
            if (key is string name && value is PickleReader.Tensor tensor) tensors[name] = tensor;
        }
    }

    /// <exception cref="InvalidDataException">It is no such file, or a damaged one; the message names the file and the problem.</exception>
    public static PytorchFile Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new PytorchFile(path, file);
        }
        catch (Exception exception)
        {
            file.Dispose();
            if (exception is InvalidDataException or EndOfStreamException)
                throw new InvalidDataException($"{path}: {exception.Message}", exception);
            throw;
        }
    }

    public IReadOnlyList<long>? FindShape(string name) => tensors.TryGetValue(name, out var tensor) ? tensor.Shape : null;

    public void ReadFloats(string name, Span<float> values)
    {
        InvalidDataException Bad(string problem) => new($"{path}: tensor '{name}': {problem}");
        if (!tensors.TryGetValue(name, out var tensor)) throw Bad("it is missing");
        var width = tensor.Storage.Type switch
        {
            "FloatStorage" => 4,
            "HalfStorage" or "BFloat16Storage" => 2,
            "DoubleStorage" => 8,
            _ => throw Bad($"a {tensor.Storage.Type} cannot be read as float"),
        };
        Int128 count = 1;
        for (var i = tensor.Shape.Length - 1; i >= 0; i--)
        {
            if (tensor.Shape[i] != 1 && tensor.Strides[i] != count) throw Bad("its numbers do not lie in a row; save it with .contiguous()");
            count *= tensor.Shape[i];
        }
        if (count != values.Length) throw Bad($"it has {count} numbers, not {values.Length}");
        if (tensor.Offset < 0 || tensor.Offset + count > tensor.Storage.Count) throw Bad("it reaches beyond its storage");
        try
        {
            var source = Open(tensor.Storage, tensor.Offset * width, width);
            Read(source, tensor.Storage.Type, width, values);
            if (source != stream) source.Dispose();
        }
        catch (EndOfStreamException)
        {
            throw Bad("the file is cut off");
        }
    }

    public void Dispose()
    {
        zip?.Dispose();
        stream.Dispose();
    }

    private static bool IsZip(Stream stream)
    {
        Span<byte> start = stackalloc byte[4];
        stream.Position = 0;
        var zip = stream.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("PK\x03\x04"u8);
        stream.Position = 0;
        return zip;
    }

    private object? ReadZip(ZipArchive archive)
    {
        var index = archive.Entries.FirstOrDefault(entry => entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal))
            ?? throw new InvalidDataException("the zip has no data.pkl: it was not made by torch.save");
        var root = index.FullName[..^"data.pkl".Length];
        foreach (var entry in archive.Entries)
        {
            if (entry.FullName.StartsWith(root + "data/", StringComparison.Ordinal)) entries[entry.FullName[(root.Length + 5)..]] = entry;
        }
        if (archive.GetEntry(root + "byteorder") is { } order)
        {
            using var text = new StreamReader(order.Open());
            if (text.ReadToEnd().Trim() != "little")
                throw new InvalidDataException("its numbers are big-endian; only little-endian files are read");
        }
        using var pickle = new BufferedStream(index.Open());
        return new PickleReader(pickle).Read();
    }

    /// <summary>
    /// Magic number, version, facts about the system, the dictionary, the keys of the storages; then each storage's count and numbers.
    /// </summary>
    private object? ReadPickles()
    {
        var reader = new PickleReader(stream);
        if (stream.ReadByte() != 0x80) throw new InvalidDataException("it is neither a zip nor a pickle: it was not made by torch.save");
        stream.Position = 0;
        if (reader.Read() is not Magic || reader.Read() is not 1001L)
            throw new InvalidDataException("it is a pickle, but not one of torch.save");
        if (reader.Read() is PickleReader.Map system && system.Contains(("little_endian", false)))
            throw new InvalidDataException("its numbers are big-endian; only little-endian files are read");
        var root = reader.Read();
        if (reader.Read() is not List<object?> keys) throw new InvalidDataException("it has no list of storages");

        var widths = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (_, value) in root as PickleReader.Map ?? [])
        {
            if (value is PickleReader.Tensor tensor) widths[tensor.Storage.Key] = WidthOf(tensor.Storage.Type);
        }
        Span<byte> prefix = stackalloc byte[8];
        foreach (var key in keys.OfType<string>())
        {
            stream.ReadExactly(prefix);
            var count = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            places[key] = stream.Position;
            // A storage that no named tensor uses has a width that only its type says, and its type stands nowhere else.
            if (!widths.TryGetValue(key, out var width)) throw new InvalidDataException($"the storage '{key}' belongs to no tensor");
            if (count < 0 || count > (stream.Length - stream.Position) / width) throw new InvalidDataException("the file is cut off");
            stream.Position += count * width;
        }
        return root;
    }

    private static int WidthOf(string type) => type switch
    {
        "DoubleStorage" or "LongStorage" => 8,
        "FloatStorage" or "IntStorage" => 4,
        "HalfStorage" or "BFloat16Storage" or "ShortStorage" => 2,
        "ByteStorage" or "CharStorage" or "BoolStorage" => 1,
        _ => throw new InvalidDataException($"a {type} is not known"),
    };

    private Stream Open(PickleReader.Storage storage, long skip, int width)
    {
        if (zip is null)
        {
            var place = places.TryGetValue(storage.Key, out var start) ? start : throw new EndOfStreamException();
            stream.Position = place + skip;
            return stream;
        }
        if (!entries.TryGetValue(storage.Key, out var entry) || entry.Length < storage.Count * width) throw new EndOfStreamException();
        var source = entry.Open();
        var chunk = new byte[(int)Math.Min(skip, ChunkLength)];
        for (; skip > 0; skip -= Math.Min(skip, chunk.Length)) source.ReadExactly(chunk, 0, (int)Math.Min(skip, chunk.Length));
        return source;
    }

    private static void Read(Stream source, string type, int width, Span<float> values)
    {
        if (width == 4 && BitConverter.IsLittleEndian)
        {
            source.ReadExactly(MemoryMarshal.AsBytes(values));
            return;
        }
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkLength);
        while (!values.IsEmpty)
        {
            var count = Math.Min(ChunkLength / width, values.Length);
            var bytes = chunk.AsSpan(0, count * width);
            source.ReadExactly(bytes);
            switch (type)
            {
                case "HalfStorage":
                    for (var i = 0; i < count; i++) values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
                    break;
                case "BFloat16Storage":
                    for (var i = 0; i < count; i++)
                        values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16);
                    break;
                case "DoubleStorage":
                    for (var i = 0; i < count; i++) values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(bytes[(8 * i)..]);
                    break;
                default:
                    for (var i = 0; i < count; i++) values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                    break;
            }
            values = values[count..];
        }
        ArrayPool<byte>.Shared.Return(chunk);
    }
}
