using System.Buffers.Binary;
using System.Text;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Weights;

public sealed class SafetensorsTests
{
    [Fact]
    public void Write_ThenRead_GivesTheSame()
    {
        var writer = new SafetensorsWriter { Metadata = { ["what"] = "ein \"Test\" \u00fc" } };
        writer.Add("odd", [3], new float[] { 1.5f, -0f, float.MaxValue });
        writer.Add("empty", [0, 4], Array.Empty<float>());
        writer.Add("count", [], [long.MinValue]);
        using var reader = new SafetensorsReader(Written(writer));
        Assert.Equal("ein \"Test\" \u00fc", reader.Header.Metadata["what"]);
        Assert.Equal([1.5f, -0f, float.MaxValue], reader.ReadFloats("odd"));
        Assert.Empty(reader.ReadFloats("empty"));
        Assert.Equal([long.MinValue], reader.ReadLongs("count"));
        Assert.Equal([0L, 4L], reader.Header.Find("empty")!.Shape);
        Assert.All(reader.Header.Entries, entry => Assert.Equal(0, entry.Begin % (entry.Dtype == "I64" ? 8 : 4)));
    }

    /// <summary>Byte for byte what the format's description says, so that other readers agree with ours.</summary>
    [Fact]
    public void Write_OneTensor_HasTheFormatsBytes()
    {
        var writer = new SafetensorsWriter();
        writer.Add("a", [1, 2], new float[] { 1, 2 });
        var json = """{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}""";
        json = json.PadRight((json.Length + 7) / 8 * 8);
        Assert.Equal([.. Length(json.Length), .. Encoding.UTF8.GetBytes(json), 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], Written(writer).ToArray());
    }

    [Fact]
    public void ReadFloats_OtherTypes_AreConverted()
    {
        var data = new byte[14];
        BinaryPrimitives.WriteHalfLittleEndian(data, (Half)1.5f);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2), 0xC020); // -2.5: the upper half of a float
        BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(6), 0.1);
        using var reader = Read(
            """
            {"half":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"brain":{"dtype":"BF16","shape":[2],"data_offsets":[2,6]},
             "double":{"dtype":"F64","shape":[],"data_offsets":[6,14]}}
            """,
            data);
        Assert.Equal([1.5f], reader.ReadFloats("half"));
        Assert.Equal([-2.5f, 0f], reader.ReadFloats("brain"));
        Assert.Equal([0.1f], reader.ReadFloats("double"));
    }

    /// <summary>More numbers than the chunk they are converted in.</summary>
    [Fact]
    public void ReadFloats_LongHalfTensor_IsReadToItsEnd()
    {
        var data = new byte[200_000];
        for (var i = 0; i < 100_000; i++) BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(2 * i), (Half)(i % 1000));
        using var reader = Read("""{"long":{"dtype":"F16","shape":[100000],"data_offsets":[0,200000]}}""", data);
        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => (float)(i % 1000)), reader.ReadFloats("long"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", "tensor 'a': the dtype 'F31' is not known")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", "tensor 'a': it has no dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "tensor 'a': F32 of shape [3] needs 12 bytes, its place has 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "tensor 'a': its shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}}""", "tensor 'a': its shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}}""", "is too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "tensor 'a': it ends at byte 0, before it begins at 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "tensor 'a': its data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "it ends at byte 16 of 8: the file is cut off")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "4 bytes after the last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "tensor 'a': 4 bytes before it belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "tensor 'b': it overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "names 'a' twice")]
    [InlineData("""{"a":7}""", "tensor 'a': its entry is not a JSON object")]
    [InlineData("""{"__metadata__":{"a":7},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "'a' is not a string")]
    [InlineData("[]", "the header is not a JSON object")]
    [InlineData("{\"a\":", "the header is not valid JSON")]
    public void Read_BadHeader_NamesTensorAndProblem(string json, string message)
    {
        var exception = Assert.Throws<InvalidDataException>(() => Read(json, new byte[8]));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 })]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}' })]
    public void Read_Garbage_IsRefused(byte[] bytes) =>
        Assert.Throws<InvalidDataException>(() => new SafetensorsReader(new MemoryStream(bytes)));

    [Fact]
    public void Read_EveryCut_IsRefused()
    {
        var writer = new SafetensorsWriter();
        writer.Add("a", [2], new float[] { 1, 2 });
        var bytes = Written(writer).ToArray();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<InvalidDataException>(() => new SafetensorsReader(new MemoryStream(bytes[..length])));
    }

    [Fact]
    public void ReadFloats_MissingOrOfAnotherType_NamesIt()
    {
        using var reader = Read("""{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", new byte[8]);
        Assert.Contains(
            "'b' is missing", Assert.Throws<InvalidDataException>(() => reader.ReadFloats("b")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "I64 cannot be read as float",
            Assert.Throws<InvalidDataException>(() => reader.ReadFloats("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_TakenNameOrWrongShape_Throws()
    {
        var writer = new SafetensorsWriter();
        writer.Add("a", [2], new float[2]);
        Assert.Throws<ArgumentException>(() => writer.Add("a", [2], new float[2]));
        Assert.Throws<ArgumentException>(() => writer.Add("b", [3], new float[2]));
    }

    private static MemoryStream Written(SafetensorsWriter writer)
    {
        var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream;
    }

    private static SafetensorsReader Read(string json, byte[] data)
    {
        var header = Encoding.UTF8.GetBytes(json);
        return new SafetensorsReader(new MemoryStream([.. Length(header.Length), .. header, .. data]));
    }

    private static byte[] Length(int length)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        return bytes;
    }
}
