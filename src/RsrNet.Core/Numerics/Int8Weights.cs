using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RsrNet.Core.Numerics;

/// <summary>
/// The weights of a linear map as whole numbers of 8 bits, a step for each output, packed for products with <see cref="Int8Rows"/>. Sums are
/// of whole numbers and exact, so a row's result depends neither on the rows around it nor on the path that computed it.
/// </summary>
internal sealed unsafe class Int8Weights : IDisposable
{
    /// <summary>Neighbours along k that one instruction multiplies and adds up.</summary>
    public const int Group = 4;

    /// <summary>Outputs of a panel, which lies in memory [k / 4, 16, 4].</summary>
    public const int PanelWidth = 16;

    /// <summary>Rows of a tile: with two vectors of a panel, twelve sums, two weights and one input, the sixteen registers are full.</summary>
    private const int TileRows = 6;

    private readonly AlignedBuffer _numbers;
    private readonly AlignedBuffer _steps;
    private readonly AlignedBuffer _sums;

    /// <summary>Takes the weights of a linear map: number = round(weight / step), step = largest of the output's weights / 127.</summary>
    /// <param name="weights">[outputs, inputs], row-major.</param>
    public Int8Weights(ReadOnlySpan<float> weights, int inputs, int outputs)
    {
        Inputs = inputs;
        Outputs = outputs;
        var panels = (outputs + PanelWidth - 1) / PanelWidth;
        _numbers = new AlignedBuffer((long)panels * PanelWidth * Whole(inputs) / sizeof(float));
        _steps = new AlignedBuffer(panels * PanelWidth);
        _sums = new AlignedBuffer(panels * PanelWidth);
        for (var output = 0; output < outputs; output++)
        {
            var row = weights.Slice(output * inputs, inputs);
            var most = 0f;
            foreach (var weight in row) most = MathF.Max(most, MathF.Abs(weight));
            var step = most > 0 ? most / 127 : 1;
            var sum = 0;
            for (var k = 0; k < inputs; k++)
            {
                var number = (sbyte)Math.Clamp(MathF.Round(row[k] / step), -127, 127);
                *At(output, k) = number;
                sum += number;
            }
            Steps[output] = step;
            Sums[output] = sum;
        }
    }

    public int Inputs { get; }

    public int Outputs { get; }

    /// <summary>Whether this processor has the instruction that makes this fast.</summary>
    public static bool IsFast => AvxVnni.IsSupported;

    private sbyte* Numbers => (sbyte*)_numbers.Pointer;

    private float* Steps => _steps.Pointer;

    /// <summary>The sum of each output's numbers: what a row's zero adds to its products.</summary>
    private int* Sums => (int*)_sums.Pointer;

    /// <summary>A length in whole groups.</summary>
    public static int Whole(int k) => (k + Group - 1) / Group * Group;

    /// <summary>result[row, o] = sum over k of left[row, k] * weight[fromOutput + o, k] + start[row, o].</summary>
    /// <param name="left">[rows, <see cref="Inputs"/>].</param>
    /// <param name="result">The first row; a row has <paramref name="resultRow"/> floats, of which <paramref name="outputs"/> are written.</param>
    /// <param name="start">Start values; may be the result.</param>
    /// <param name="startRow">From one row of the start values to the next; 0 for a bias that all rows share.</param>
    /// <param name="fromOutput">A multiple of <see cref="PanelWidth"/>.</param>
    /// <param name="plain">Whether to take the plain loops, the truth, though the machine has better.</param>
    public void Multiply(
        Int8Rows left, int rows, float* result, int resultRow, float* start, int startRow, int outputs, int fromOutput = 0, bool plain = false)
    {
        for (var o = 0; o < outputs; o += PanelWidth)
        {
            var place = new Place(left, fromOutput + o, result + o, resultRow, start + o, startRow);
            var row = 0;
            if (IsFast && !plain && outputs - o >= PanelWidth)
            {
                for (; row + TileRows <= rows; row += TileRows) Rows6(place, row);
                for (; row < rows; row++) Row1(place, row);
            }
            for (; row < rows; row++) RowPlain(place, row, Math.Min(PanelWidth, outputs - o));
        }
    }

    public void Dispose()
    {
        _numbers.Dispose();
        _steps.Dispose();
        _sums.Dispose();
    }

    private sbyte* At(int output, int k)
    {
        var (panel, lane) = Math.DivRem(output, PanelWidth);
        return Numbers + (nint)panel * PanelWidth * Whole(Inputs) + k / Group * PanelWidth * Group + lane * Group + k % Group;
    }

    private void RowPlain(in Place place, int row, int outputs)
    {
        var numbers = place.Left.Numbers + (nint)row * place.Left.Stride;
        var step = place.Left.Steps[row];
        var zero = place.Left.Zeros[row];
        for (var o = 0; o < outputs; o++)
        {
            var output = place.Output + o;
            var sum = 0;
            for (var k = 0; k < Inputs; k++) sum += numbers[k] * *At(output, k);
            place.Result[(nint)row * place.ResultRow + o] =
                (sum - zero * Sums[output]) * (Steps[output] * step) + place.Start[(nint)row * place.StartRow + o];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Rows6(in Place place, int row)
    {
        Vector256<int> c00 = default, c01 = default;
        Vector256<int> c10 = default, c11 = default;
        Vector256<int> c20 = default, c21 = default;
        Vector256<int> c30 = default, c31 = default;
        Vector256<int> c40 = default, c41 = default;
        Vector256<int> c50 = default, c51 = default;
        nint stride = place.Left.Stride;
        byte* left0 = place.Left.Numbers + row * stride, left3 = left0 + 3 * stride;
        var weights = At(place.Output, 0);
        for (nint k = 0; k < stride; k += Group)
        {
            Vector256<sbyte> w0 = Vector256.LoadAligned(weights), w1 = Vector256.LoadAligned(weights + 32);
            Step(left0, w0, w1, ref c00, ref c01);
            Step(left0 + stride, w0, w1, ref c10, ref c11);
            Step(left0 + 2 * stride, w0, w1, ref c20, ref c21);
            Step(left3, w0, w1, ref c30, ref c31);
            Step(left3 + stride, w0, w1, ref c40, ref c41);
            Step(left3 + 2 * stride, w0, w1, ref c50, ref c51);
            left0 += Group;
            left3 += Group;
            weights += Group * PanelWidth;
        }
        Finish(place, row, c00, c01);
        Finish(place, row + 1, c10, c11);
        Finish(place, row + 2, c20, c21);
        Finish(place, row + 3, c30, c31);
        Finish(place, row + 4, c40, c41);
        Finish(place, row + 5, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row1(in Place place, int row)
    {
        Vector256<int> c0 = default, c1 = default;
        nint stride = place.Left.Stride;
        var left = place.Left.Numbers + row * stride;
        var weights = At(place.Output, 0);
        for (nint k = 0; k < stride; k += Group)
        {
            Step(left, Vector256.LoadAligned(weights), Vector256.LoadAligned(weights + 32), ref c0, ref c1);
            left += Group;
            weights += Group * PanelWidth;
        }
        Finish(place, row, c0, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(byte* left, Vector256<sbyte> w0, Vector256<sbyte> w1, ref Vector256<int> c0, ref Vector256<int> c1)
    {
        var four = Vector256.Create(*(int*)left).AsByte();
        c0 = AvxVnni.MultiplyWideningAndAdd(c0, four, w0);
        c1 = AvxVnni.MultiplyWideningAndAdd(c1, four, w1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish(in Place place, int row, Vector256<int> c0, Vector256<int> c1)
    {
        var step = Vector256.Create(place.Left.Steps[row]);
        var zero = Vector256.Create(place.Left.Zeros[row]);
        float* result = place.Result + (nint)row * place.ResultRow, start = place.Start + (nint)row * place.StartRow;
        int* sums = Sums + place.Output;
        float* steps = Steps + place.Output;
        (Value(c0, sums, steps) + Vector256.Load(start)).Store(result);
        (Value(c1, sums + 8, steps + 8) + Vector256.Load(start + 8)).Store(result + 8);

        Vector256<float> Value(Vector256<int> c, int* sums, float* steps) =>
            Vector256.ConvertToSingle(c - zero * Vector256.Load(sums)) * (Vector256.Load(steps) * step);
    }

    /// <summary>A panel of a product.</summary>
    private readonly struct Place(Int8Rows left, int output, float* result, int resultRow, float* start, int startRow)
    {
        public Int8Rows Left { get; } = left;

        public int Output { get; } = output;

        public float* Result { get; } = result;

        public int ResultRow { get; } = resultRow;

        public float* Start { get; } = start;

        public int StartRow { get; } = startRow;
    }
}
