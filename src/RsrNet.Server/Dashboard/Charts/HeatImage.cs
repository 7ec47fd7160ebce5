using System.Buffers.Binary;

namespace RsrNet.Server.Dashboard.Charts;

/// <summary>A vector as a bitmap of one pixel for each element, in a data address.</summary>
internal static class HeatImage
{
    private const int Header = 54;
    // Below zero, zero, above zero: told apart by people who cannot tell red from green, on light and dark ground.
    private static readonly (double R, double G, double B) Below = (33, 102, 172), Zero = (236, 236, 232), Above = (217, 95, 14);

    /// <param name="columns">Pixels of a row; what the last row lacks is as zero.</param>
    public static string Of(ReadOnlySpan<float> vector, int columns)
    {
        var rows = Math.Max(1, (vector.Length + columns - 1) / columns);
        var stride = (3 * columns + 3) / 4 * 4;
        var bytes = new byte[Header + stride * rows];
        "BM"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(10), Header);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(18), columns);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), -rows); // the first row on top
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(28), 24);

        var largest = 0f;
        foreach (var value in vector) largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < rows * columns; i++)
        {
            var value = i < vector.Length && largest > 0 ? vector[i] / largest : 0;
            // The square root lets small elements be seen beside a large one.
            var share = Math.Sqrt(Math.Abs(value));
            var end = value < 0 ? Below : Above;
            var at = Header + i / columns * stride + 3 * (i % columns);
            bytes[at] = (byte)(Zero.B + share * (end.B - Zero.B));
            bytes[at + 1] = (byte)(Zero.G + share * (end.G - Zero.G));
            bytes[at + 2] = (byte)(Zero.R + share * (end.R - Zero.R));
        }
        return "data:image/bmp;base64," + Convert.ToBase64String(bytes);
    }
}
