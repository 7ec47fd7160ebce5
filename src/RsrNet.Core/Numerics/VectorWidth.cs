using System.Runtime.Intrinsics;

namespace RsrNet.Core.Numerics;

/// <summary>How many floats the fast code works on at once; the value is that number.</summary>
public enum VectorWidth
{
    Scalar = 1,
    Vector128 = 4,
    Vector256 = 8,
    Vector512 = 16,
}

/// <summary>The widths this machine has.</summary>
public static class VectorWidths
{
    /// <summary>The widest one this machine computes with in hardware.</summary>
    public static VectorWidth Best { get; } =
        Vector512.IsHardwareAccelerated ? VectorWidth.Vector512
        : Vector256.IsHardwareAccelerated ? VectorWidth.Vector256
        : Vector128.IsHardwareAccelerated ? VectorWidth.Vector128
        : VectorWidth.Scalar;

    public static bool IsSupported(VectorWidth width) => Enum.IsDefined(width) && width <= Best;

    /// <exception cref="ArgumentException">This machine has no such vectors.</exception>
    internal static VectorWidth Check(VectorWidth width)
    {
        if (IsSupported(width)) return width;
        throw new ArgumentException($"this machine has no {width}; its widest is {Best}", nameof(width));
    }
}
