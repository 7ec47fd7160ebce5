using System.Runtime.InteropServices;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Floats cut to their upper 16 bits: sign, the whole exponent and 7 bits of the fraction, so nothing that is a float gets too large or too small for it.
/// Rounded to nearest even, a number changes by at most 1/256 of itself.
/// </summary>
public static class BFloat16
{
    /// <summary>Rounds in place to the nearest number that 16 bits can hold. What is not finite stays so.</summary>
    public static void Round(Span<float> values)
    {
        foreach (ref var bits in MemoryMarshal.Cast<float, uint>(values)) bits = (uint)Upper(bits) << 16;
    }

    /// <summary>The upper halves.</summary>
    /// <param name="halves">As long as the values; overwritten.</param>
    public static void Pack(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        for (var i = 0; i < bits.Length; i++) halves[i] = Upper(bits[i]);
    }

    /// <param name="values">As long as the halves; overwritten.</param>
    public static void Unpack(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        for (var i = 0; i < halves.Length; i++) bits[i] = (uint)halves[i] << 16;
    }

    private static ushort Upper(uint bits)
    {
        const uint exponent = 0x7F80_0000;
        // Rounding must not carry a NaN's fraction away and leave an infinity; one set bit keeps it a NaN.
        if ((bits & exponent) == exponent) return (ushort)((bits >> 16) | ((bits & 0x7F_FFFF) != 0 ? 1u : 0));
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
