using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RsrNet.Core.Numerics;

/// <summary>
/// Rows of whole numbers from 0 to 255 that stand for floats: value = step * (number - zero), each row with a step and a zero of its own
/// (dynamic quantisation). The range always holds 0, which is exact.
/// </summary>
internal sealed unsafe class Int8Rows : IDisposable
{
    private readonly AlignedBuffer _numbers = new();
    private readonly AlignedBuffer _steps = new();
    private readonly AlignedBuffer _zeros = new();

    /// <summary>Bytes from one row to the next: the row's length in whole groups of <see cref="Int8Weights.Group"/>.</summary>
    public int Stride { get; private set; }

    public byte* Numbers => (byte*)_numbers.Pointer;

    public float* Steps => _steps.Pointer;

    public int* Zeros => (int*)_zeros.Pointer;

    /// <summary>Bytes in use.</summary>
    public long Bytes => sizeof(float) * (_numbers.Length + _steps.Length + _zeros.Length);

    /// <summary>Takes [rows, k] floats; what was here is lost.</summary>
    public void Quantize(float* source, int rows, int k)
    {
        Stride = Int8Weights.Whole(k);
        _numbers.Reserve((long)rows * Stride / sizeof(float));
        _steps.Reserve(rows);
        _zeros.Reserve(rows);
        for (var row = 0; row < rows; row++) QuantizeRow(source + (nint)row * k, k, Numbers + (nint)row * Stride, out Steps[row], out Zeros[row]);
    }

    public void Dispose()
    {
        _numbers.Dispose();
        _steps.Dispose();
        _zeros.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void QuantizeRow(float* source, int k, byte* target, out float step, out int zero)
    {
        Vector256<float> least = default, most = default;
        var i = 0;
        for (; i + Vector256<float>.Count <= k; i += Vector256<float>.Count)
        {
            var values = Vector256.Load(source + i);
            least = Vector256.Min(least, values);
            most = Vector256.Max(most, values);
        }
        float low = 0, high = 0;
        for (var lane = 0; lane < Vector256<float>.Count; lane++)
        {
            low = MathF.Min(low, least[lane]);
            high = MathF.Max(high, most[lane]);
        }
        for (; i < k; i++)
        {
            low = MathF.Min(low, source[i]);
            high = MathF.Max(high, source[i]);
        }
        step = high > low ? (high - low) / 255 : 1;
        var factor = 1 / step;
        zero = (int)MathF.Round(-low * factor);

        var factors = Vector256.Create(factor);
        var zeros = Vector256.Create(zero);
        for (i = 0; i + 32 <= k; i += 32)
        {
            var first = Vector256.Narrow(Number(source + i, factors, zeros), Number(source + i + 8, factors, zeros));
            var second = Vector256.Narrow(Number(source + i + 16, factors, zeros), Number(source + i + 24, factors, zeros));
            Vector256.Narrow(first, second).AsByte().Store(target + i);
        }
        for (; i < k; i++) target[i] = (byte)Math.Clamp((int)MathF.Round(source[i] * factor) + zero, 0, 255);
        for (; i < Stride; i++) target[i] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Number(float* source, Vector256<float> factor, Vector256<int> zero)
    {
        var number = Vector256.ConvertToInt32(Vector256.Round(Vector256.Load(source) * factor)) + zero;
        return Vector256.Min(Vector256.Max(number, default), Vector256.Create(255));
    }
}
