namespace RsrNet.Core.Numerics.Gradients;

/// <param name="Value">Mean over the counted rows; 0 where there are none.</param>
/// <param name="Count">Rows that count.</param>
/// <param name="Hits">Of these, how many had their target on top.</param>
public readonly record struct TapeLoss(double Value, int Count, int Hits);

public sealed unsafe partial class Tape
{
    /// <summary>
    /// The mean of -log softmax(x)[target], as nn.CrossEntropyLoss. A loss is where the way back begins: the slope (softmax - target) / count is made here,
    /// while the row is at hand.
    /// </summary>
    /// <param name="logits">[N, V].</param>
    /// <param name="targets">[N] in 0..V-1, or <paramref name="ignored"/>.</param>
    /// <param name="ignored">Rows with this target do not count.</param>
    /// <param name="learn">False where no gradient is wanted.</param>
    public TapeLoss CrossEntropy(TapeMatrix logits, ReadOnlySpan<int> targets, int ignored = -100, bool learn = true)
    {
        if (targets.Length != logits.Rows) throw new ArgumentException($"{targets.Length} targets for {logits.Rows} rows", nameof(targets));
        var count = 0;
        foreach (var target in targets)
        {
            if (target == ignored) continue;
            if ((uint)target >= (uint)logits.Columns) throw new ArgumentException($"target {target} is not below {logits.Columns}", nameof(targets));
            count++;
        }
        if (count == 0) return default;
        var beta = 0f;
        var slope = learn ? logits.TakeSlope(Memory, out beta) : null;
        double loss = 0;
        var hits = 0;
        for (var row = 0; row < targets.Length; row++)
        {
            var place = (nint)row * logits.Columns;
            if (slope != null && beta == 0) new Span<float>(slope + place, logits.Columns).Clear();
            if (targets[row] == ignored) continue;
            loss += Kernels.CrossEntropy(logits.Pointer + place, targets[row], 1f / count, slope == null ? null : slope + place, logits.Columns, out var hit);
            if (hit) hits++;
        }
        return new TapeLoss(loss / count, count, hits);
    }

    /// <summary>The mean of max(x, 0) - x t + log(1 + exp(-|x|)), as nn.BCEWithLogitsLoss; the slope is (sigmoid(x) - t) / N.</summary>
    /// <param name="logits">[N, C].</param>
    /// <param name="targets">[N, C] in [0, 1].</param>
    /// <param name="learn">False where no gradient is wanted.</param>
    /// <returns>Hits: elements on their target's side of one half.</returns>
    public TapeLoss BinaryCrossEntropy(TapeMatrix logits, ReadOnlySpan<float> targets, bool learn = true)
    {
        var count = (int)logits.Length;
        if (targets.Length != count) throw new ArgumentException($"{targets.Length} targets for [{logits.Rows}, {logits.Columns}]", nameof(targets));
        var slope = learn ? logits.TakeClearedSlope(Memory) : null;
        double loss = 0;
        var hits = 0;
        for (var i = 0; i < count; i++)
        {
            var (x, target) = (logits.Pointer[i], targets[i]);
            loss += Math.Max(x, 0) - x * target + Math.Log(1 + Math.Exp(-Math.Abs(x)));
            if (x > 0 == target > 0.5f) hits++;
            if (slope != null) slope[i] += ((float)(1 / (1 + Math.Exp(-x))) - target) / count;
        }
        return new TapeLoss(loss / count, count, hits);
    }
}
