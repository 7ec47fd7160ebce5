using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Coordination.Models;

/// <summary>Token lists of different lengths, sorted and laid out as <see cref="PackedSteps"/> says.</summary>
public sealed class SequenceBatch
{
    private int[] tokens = [];
    private int[] order = [];
    private int[] lengths = [];

    public PackedSteps Steps { get; } = new();

    /// <summary>[N]</summary>
    public ReadOnlySpan<int> Tokens => tokens.AsSpan(0, Steps.Rows);

    /// <summary>[B] which list each sequence is, longest first; equal ones keep their order.</summary>
    public ReadOnlySpan<int> Order => order.AsSpan(0, Steps.Batch);

    /// <param name="sequences">None empty.</param>
    /// <param name="longest">What is behind is cut off.</param>
    public void Set(IReadOnlyList<IReadOnlyList<int>> sequences, int longest = int.MaxValue)
    {
        var batch = sequences.Count;
        if (order.Length < batch) (order, lengths) = (new int[batch], new int[batch]);
        for (var b = 0; b < batch; b++) order[b] = b;
        Array.Sort(order, 0, batch, Comparer<int>.Create((a, b) =>
        {
            var byLength = Math.Min(sequences[b].Count, longest).CompareTo(Math.Min(sequences[a].Count, longest));
            return byLength != 0 ? byLength : a.CompareTo(b);
        }));
        for (var b = 0; b < batch; b++) lengths[b] = Math.Min(sequences[order[b]].Count, longest);
        Steps.Set(lengths.AsSpan(0, batch));
        if (tokens.Length < Steps.Rows) tokens = new int[Steps.Rows];
        for (var b = 0; b < batch; b++)
        {
            var sequence = sequences[order[b]];
            for (var t = 0; t < lengths[b]; t++) tokens[Steps.Offset(t) + b] = sequence[t];
        }
    }
}
