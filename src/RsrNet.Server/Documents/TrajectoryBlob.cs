using System.Buffers;
using System.Buffers.Binary;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// A trajectory as databases keep it. Byte 0 is the format, 1. Then each point: step and weight version as signed LEB128 differences to the
/// point
/// before, time as such a difference in ticks of 100 ns since year 1 (UTC), residual y, residual z and q as little-endian F32, a byte that
/// is 1 where
/// a loss follows, and the loss as F32. About 23 bytes a point.
/// </summary>
public static class TrajectoryBlob
{
    private const byte Format = 1;
    private const int LargestPoint = 3 * 10 + 3 * 4 + 1 + 4;

    public static byte[] Of(Trajectory trajectory)
    {
        if (trajectory.Points.IsEmpty) return [Format];
        var buffer = ArrayPool<byte>.Shared.Rent(1 + trajectory.Points.Length * LargestPoint);
        try
        {
            buffer[0] = Format;
            var length = 1;
            var before = default(TrajectoryPoint);
            foreach (var point in trajectory.Points)
            {
                WriteDifference(buffer, ref length, point.Step - (long)before.Step);
                WriteDifference(buffer, ref length, point.WeightVersion - before.WeightVersion);
                WriteDifference(buffer, ref length, point.At.UtcTicks - before.At.UtcTicks);
                WriteSingle(buffer, ref length, point.ResidualY);
                WriteSingle(buffer, ref length, point.ResidualZ);
                WriteSingle(buffer, ref length, point.Confidence);
                buffer[length++] = point.Loss is null ? (byte)0 : (byte)1;
                if (point.Loss is { } loss) WriteSingle(buffer, ref length, loss);
                before = point;
            }
            return buffer.AsSpan(0, length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <exception cref="InvalidDataException">The bytes are of a newer format, or damaged.</exception>
    public static Trajectory Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes[0] != Format)
        {
            throw new InvalidDataException(
                $"a stored trajectory has format {(bytes.IsEmpty ? "none" : bytes[0])}; this version reads format {Format}");
        }
        if (bytes.Length == 1) return Trajectory.Empty;
        var points = new List<TrajectoryPoint>(bytes.Length / 20);
        var rest = bytes[1..];
        long step = 0, version = 0, ticks = 0;
        while (!rest.IsEmpty)
        {
            step += ReadDifference(ref rest);
            version += ReadDifference(ref rest);
            ticks += ReadDifference(ref rest);
            var residualY = ReadSingle(ref rest);
            var residualZ = ReadSingle(ref rest);
            var confidence = ReadSingle(ref rest);
            float? loss = Take(ref rest, 1)[0] != 0 ? ReadSingle(ref rest) : null;
            if (step is < int.MinValue or > int.MaxValue || ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw Damaged();
            var at = new DateTimeOffset(ticks, TimeSpan.Zero);
            points.Add(new TrajectoryPoint((int)step, version, residualY, residualZ, confidence, loss, at));
        }
        return Trajectory.Of(points);
    }

    private static void WriteSingle(byte[] buffer, ref int length, float value)
    {
        BinaryPrimitives.WriteSingleLittleEndian(buffer.AsSpan(length), value);
        length += sizeof(float);
    }

    /// <summary>Zigzag first, so that small negative differences are short as well.</summary>
    private static void WriteDifference(byte[] buffer, ref int length, long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        while (rest >= 0x80)
        {
            buffer[length++] = (byte)(rest | 0x80);
            rest >>= 7;
        }
        buffer[length++] = (byte)rest;
    }

    private static long ReadDifference(ref ReadOnlySpan<byte> rest)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(ref rest, 1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return (long)(value >> 1) ^ -(long)(value & 1);
        }
        throw Damaged();
    }

    private static float ReadSingle(ref ReadOnlySpan<byte> rest) => BinaryPrimitives.ReadSingleLittleEndian(Take(ref rest, sizeof(float)));

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest, int count)
    {
        if (rest.Length < count) throw Damaged();
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    private static InvalidDataException Damaged() => new("a stored trajectory is damaged");
}
