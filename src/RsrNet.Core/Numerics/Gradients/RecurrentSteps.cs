namespace RsrNet.Core.Numerics.Gradients;

/// <summary>What the recurrent layers have in common.</summary>
internal static unsafe class RecurrentSteps
{
    /// <summary>The states before step t: of step t-1, whose first rows are the sequences that still run. Null where they are zero.</summary>
    public static float* Before(TapeMatrix states, TapeMatrix? start, PackedSteps steps, int t) =>
        t > 0 ? states.Pointer + (nint)steps.Offset(t - 1) * states.Columns : start == null ? null : start.Pointer;

    /// <summary>dW += the sum over t of slope_t^T h_{t-1}, as one product where the rows of both lie alike.</summary>
    /// <param name="slope">[N, G]</param>
    /// <param name="weight">[G, H]</param>
    public static void Learn(Tape tape, float* slope, Parameter weight, TapeMatrix states, TapeMatrix? start, PackedSteps steps)
    {
        var (gates, hidden) = (weight.Rows, weight.Columns);
        if (start is not null) Add(slope, start.Pointer, steps.Batch);
        var first = steps.Steps > 1 ? steps.Offset(1) : steps.Rows;
        var rest = steps.Rows - first;
        if (rest == 0) return;
        var before = states.Pointer;
        if (!steps.IsUniform)
        {
            before = tape.Memory.Take((long)rest * hidden);
            for (var t = 1; t < steps.Steps; t++)
            {
                var rows = new ReadOnlySpan<float>(states.Pointer + (nint)steps.Offset(t - 1) * hidden, steps.Active(t) * hidden);
                rows.CopyTo(new Span<float>(before + (nint)(steps.Offset(t) - first) * hidden, rows.Length));
            }
        }
        Add(slope + (nint)first * gates, before, rest);

        void Add(float* slopes, float* values, int rows) => tape.Product.Multiply(
            LinearLayer.Operand(slopes, rows, gates).Transpose(), LinearLayer.Operand(values, rows, hidden), weight.Gradient, beta: 1);
    }

    public static void Check(TapeMatrix projected, PackedSteps steps, Parameter weight, int gates, TapeMatrix? start)
    {
        if (weight.Rows != gates * weight.Columns)
            throw new ArgumentException($"'{weight.Name}' is [{weight.Rows}, {weight.Columns}]; a layer of {gates} gates needs [{gates} H, H]", nameof(weight));
        if (projected.Rows != steps.Rows || projected.Columns != weight.Rows)
        {
            throw new ArgumentException(
                $"[{projected.Rows}, {projected.Columns}] is not the [{steps.Rows}, {weight.Rows}] of these steps and '{weight.Name}'", nameof(projected));
        }
        if (start is not null && (start.Rows != steps.Batch || start.Columns != weight.Columns))
            throw new ArgumentException($"a start of [{start.Rows}, {start.Columns}] is not [{steps.Batch}, {weight.Columns}]", nameof(start));
        if (projected.IsUsedUp) throw new InvalidOperationException("the projection has been used up by another layer");
    }
}
