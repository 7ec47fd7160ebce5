using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RsrNet.Core.Weights;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Dtype">Such as F32 or I64.</param>
/// <param name="Shape">Sizes of the dimensions; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">The byte after the last.</param>
public sealed record SafetensorsEntry(string Name, string Dtype, ImmutableArray<long> Shape, long Begin, long End)
{
    /// <summary>How many numbers it holds.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>
/// What stands before the numbers of a safetensors file: names, types, shapes and places of the tensors, and a map of strings. The format
/// is huggingface's: 8 bytes length, that many bytes of JSON, then the tensors without a gap.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>Largest header taken, in bytes; the limit of huggingface's own reader.</summary>
    public const int MaximumLength = 100_000_000;

    private const string MetadataKey = "__metadata__";

    /// <summary>Bytes of one number by type; what is not here is refused.</summary>
    private static readonly Dictionary<string, int> Widths = new()
    {
        ["BOOL"] = 1, ["U8"] = 1, ["I8"] = 1, ["F8_E5M2"] = 1, ["F8_E4M3"] = 1,
        ["U16"] = 2, ["I16"] = 2, ["F16"] = 2, ["BF16"] = 2,
        ["U32"] = 4, ["I32"] = 4, ["F32"] = 4,
        ["U64"] = 8, ["I64"] = 8, ["F64"] = 8,
    };

    private readonly Dictionary<string, SafetensorsEntry> byName;

    /// <param name="entries">In the order of their places, which are without a gap.</param>
    internal SafetensorsHeader(ImmutableArray<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Entries = entries;
        Metadata = metadata;
        byName = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public ImmutableArray<SafetensorsEntry> Entries { get; }

    /// <summary>The file's <c>__metadata__</c>; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Bytes of all tensors together.</summary>
    public long DataLength => Entries.Length == 0 ? 0 : Entries[^1].End;

    public SafetensorsEntry? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header's bytes, without the length.</param>
    /// <param name="dataLength">Bytes of the file after the header.</param>
    /// <exception cref="InvalidDataException">The message names the tensor and the problem.</exception>
    internal static SafetensorsHeader Parse(ReadOnlyMemory<byte> json, long dataLength)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidDataException("the header is not a JSON object");
            var entries = new List<SafetensorsEntry>();
            var names = new HashSet<string>(StringComparer.Ordinal);
            IReadOnlyDictionary<string, string> metadata = ImmutableSortedDictionary<string, string>.Empty;
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (!names.Add(property.Name)) throw new InvalidDataException($"the header names '{property.Name}' twice");
                if (property.Name == MetadataKey) metadata = ParseMetadata(property.Value);
                else entries.Add(ParseEntry(property.Name, property.Value));
            }
            entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
            CheckPlaces(entries, dataLength);
            return new SafetensorsHeader([.. entries], metadata);
        }
        // A name with half a surrogate pair is an InvalidOperationException.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"the header is not valid JSON: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// The header as it stands in a file: 8 bytes length, then JSON filled up with blanks so that the tensors begin at a multiple of 8.
    /// </summary>
    internal byte[] ToBytes()
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (Metadata.Count > 0)
            {
                writer.WriteStartObject(MetadataKey);
                foreach (var (key, value) in Metadata) writer.WriteString(key, value);
                writer.WriteEndObject();
            }
            foreach (var entry in Entries)
            {
                writer.WriteStartObject(entry.Name);
                writer.WriteString("dtype", entry.Dtype);
                writer.WriteStartArray("shape");
                foreach (var size in entry.Shape) writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(entry.Begin);
                writer.WriteNumberValue(entry.End);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        var bytes = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - 8);
        return bytes;
    }

    /// <summary>Adds everything the header says to a hash, but for one key of the metadata: the one that will hold the hash.</summary>
    internal void AppendTo(IncrementalHash hash, string exceptKey)
    {
        void Append(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        foreach (var (key, value) in Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (key == exceptKey) continue;
            Append(key);
            Append(value);
        }
        foreach (var entry in Entries)
        {
            Append(entry.Name);
            Append(entry.Dtype);
            Append(string.Join(',', entry.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture))));
        }
    }

    private static ImmutableSortedDictionary<string, string> ParseMetadata(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{MetadataKey} is not a map of strings");
        var metadata = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw new InvalidDataException($"{MetadataKey}: the value of '{property.Name}' is not a string");
            metadata[property.Name] = property.Value.GetString()!;
        }
        return metadata.ToImmutable();
    }

    private static SafetensorsEntry ParseEntry(string name, JsonElement element)
    {
        InvalidDataException Bad(string problem) => new($"tensor '{name}': {problem}");
        if (element.ValueKind != JsonValueKind.Object) throw Bad("its entry is not a JSON object");
        if (!element.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String) throw Bad("it has no dtype");
        if (!Widths.TryGetValue(dtype.GetString()!, out var width))
            throw Bad($"the dtype '{dtype.GetString()}' is not known ({string.Join(", ", Widths.Keys)})");
        var shape = ParseSizes(element, "shape") ?? throw Bad("its shape is not a list of whole numbers from 0");
        var offsets = ParseSizes(element, "data_offsets");
        if (offsets is not [var begin, var end]) throw Bad("its data_offsets are not two whole numbers from 0");
        if (end < begin) throw Bad($"it ends at byte {end}, before it begins at {begin}");
        Int128 bytes = width;
        foreach (var size in shape)
        {
            bytes *= size;
            if (bytes > long.MaxValue) throw Bad($"the shape [{string.Join(", ", shape)}] is too large");
        }
        if (bytes != end - begin)
            throw Bad($"{dtype.GetString()} of shape [{string.Join(", ", shape)}] needs {bytes} bytes, its place has {end - begin}");
        return new SafetensorsEntry(name, dtype.GetString()!, [.. shape], begin, end);
    }

    private static List<long>? ParseSizes(JsonElement element, string key)
    {
        if (!element.TryGetProperty(key, out var list) || list.ValueKind != JsonValueKind.Array) return null;
        var sizes = new List<long>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var size) || size < 0) return null;
            sizes.Add(size);
        }
        return sizes;
    }

    private static void CheckPlaces(List<SafetensorsEntry> entries, long dataLength)
    {
        long place = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin < place) throw new InvalidDataException($"tensor '{entry.Name}': it overlaps the tensor before it");
            if (entry.Begin > place)
                throw new InvalidDataException($"tensor '{entry.Name}': {entry.Begin - place} bytes before it belong to no tensor");
            if (entry.End > dataLength)
                throw new InvalidDataException($"tensor '{entry.Name}': it ends at byte {entry.End} of {dataLength}: the file is cut off");
            place = entry.End;
        }
        if (place != dataLength) throw new InvalidDataException($"{dataLength - place} bytes after the last tensor belong to no tensor");
    }
}
