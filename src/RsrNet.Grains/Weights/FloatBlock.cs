using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.WireProtocol;
using RsrNet.Core.Coordination;

namespace RsrNet.Grains.Weights;

/// <summary>
/// Numbers on the wire as they lie in memory, little-endian: a gradient of 426,000 is one block, where a general codec writes each element by itself.
/// </summary>
/// <param name="values">Null is written as such. Never changed afterwards: inside a silo the array itself is handed on.</param>
/// <param name="precision">BFloat16 writes the upper halves; the values have been rounded to them.</param>
internal readonly struct FloatBlock(float[]? values, GradientPrecision precision = GradientPrecision.Single)
{
    public float[]? Values { get; } = values;

    public GradientPrecision Precision { get; } = precision;

    public static implicit operator FloatBlock(float[]? values) => new(values);

    public static implicit operator float[]?(FloatBlock block) => block.Values;
}

/// <summary>Length-prefixed: nothing for null; otherwise a byte for the precision, then the numbers.</summary>
[RegisterSerializer]
internal sealed class FloatBlockCodec : IFieldCodec<FloatBlock>
{
    void IFieldCodec<FloatBlock>.WriteField<TBufferWriter>(
        ref Writer<TBufferWriter> writer, uint fieldIdDelta, [AllowNull] Type expectedType, FloatBlock value)
    {
        ReferenceCodec.MarkValueField(writer.Session);
        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(FloatBlock), WireType.LengthPrefixed);
        if (value.Values is not { } values)
        {
            writer.WriteVarUInt32(0);
            return;
        }
        if (value.Precision == GradientPrecision.Single)
        {
            writer.WriteVarUInt32((uint)(1 + values.Length * sizeof(float)));
            writer.WriteByte((byte)value.Precision);
            writer.Write(MemoryMarshal.AsBytes(values.AsSpan()));
            return;
        }
        var halves = ArrayPool<ushort>.Shared.Rent(values.Length);
        BFloat16.Pack(values, halves.AsSpan(0, values.Length));
        writer.WriteVarUInt32((uint)(1 + values.Length * sizeof(ushort)));
        writer.WriteByte((byte)value.Precision);
        writer.Write(MemoryMarshal.AsBytes(halves.AsSpan(0, values.Length)));
        ArrayPool<ushort>.Shared.Return(halves);
    }

    FloatBlock IFieldCodec<FloatBlock>.ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        ReferenceCodec.MarkValueField(reader.Session);
        field.EnsureWireType(WireType.LengthPrefixed);
        var length = reader.ReadVarUInt32();
        if (length == 0) return default;
        reader.EnsureAvailable(length);
        var precision = (GradientPrecision)reader.ReadByte();
        if (precision == GradientPrecision.Single)
        {
            var values = GC.AllocateUninitializedArray<float>((int)(length - 1) / sizeof(float));
            reader.ReadBytes(MemoryMarshal.AsBytes(values.AsSpan()));
            return new FloatBlock(values, precision);
        }
        var count = (int)(length - 1) / sizeof(ushort);
        var halves = ArrayPool<ushort>.Shared.Rent(count);
        reader.ReadBytes(MemoryMarshal.AsBytes(halves.AsSpan(0, count)));
        var unpacked = GC.AllocateUninitializedArray<float>(count);
        BFloat16.Unpack(halves.AsSpan(0, count), unpacked);
        ArrayPool<ushort>.Shared.Return(halves);
        return new FloatBlock(unpacked, precision);
    }
}

[RegisterCopier]
internal sealed class FloatBlockCopier : ShallowCopier<FloatBlock>;
