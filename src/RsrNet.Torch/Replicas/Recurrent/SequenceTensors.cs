using System.Runtime.InteropServices;
using RsrNet.Core.Numerics.Gradients;
using TorchSharp;
using static TorchSharp.torch;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary>Steps over which the same sequences run: their rows are a block [Steps, Rows, C] without padding.</summary>
/// <param name="First">Step.</param>
/// <param name="Rows">Sequences that run.</param>
/// <param name="Staying">Of them, those that run on in the next segment: the first ones.</param>
internal readonly record struct Segment(int First, int Steps, int Rows, int Staying);

/// <summary>
/// <see cref="PackedSteps"/> as libtorch can take them: segment by segment. Its own packed sequences are no way here: on processors their gradient makes a zeroed copy of
/// everything at each step (seven times as long for texts of 20 to 60 words), and TorchSharp counts tensors of them that nobody can dispose of.
/// </summary>
internal sealed class SequenceTensors
{
    private readonly PackedSteps steps;
    private readonly Device device;

    public SequenceTensors(PackedSteps steps, Device device)
    {
        (this.steps, this.device) = (steps, device);
        var segments = new List<Segment>();
        for (var first = 0; first < steps.Steps;)
        {
            var end = first + 1;
            while (end < steps.Steps && steps.Active(end) == steps.Active(first)) end++;
            segments.Add(new Segment(first, end - first, steps.Active(first), end < steps.Steps ? steps.Active(end) : 0));
            first = end;
        }
        Segments = segments;
    }

    /// <summary>From the first step to the last.</summary>
    public IReadOnlyList<Segment> Segments { get; }

    /// <summary>B</summary>
    public int Batch => steps.Batch;

    /// <param name="rows">[N, C]</param>
    /// <returns>The rows of each segment, [Steps, Rows, C].</returns>
    public Tensor[] Split(Tensor rows)
    {
        var columns = rows.shape[1];
        // One split, whose way back is one cat; a narrow for each would go back by as many zeroed copies.
        var parts = Segments.Count == 1 ? [rows] : rows.split([.. Segments.Select(segment => (long)segment.Steps * segment.Rows)], 0);
        return [.. parts.Zip(Segments, (part, segment) => part.view(segment.Steps, segment.Rows, columns))];
    }

    /// <param name="ended">What each segment leaves of the sequences that end with it, in <see cref="Segments"/>' order.</param>
    /// <param name="dimension">That of the sequences.</param>
    /// <returns>All B sequences: those that end last are the first.</returns>
    public static Tensor Join(List<Tensor> ended, int dimension)
    {
        if (ended.Count == 1) return ended[0];
        ended.Reverse();
        return cat(ended, dimension);
    }

    /// <param name="rows">[N, C]</param>
    /// <returns>[B, C] the mean of each sequence's own rows.</returns>
    public Tensor Mean(Tensor rows)
    {
        var columns = rows.shape[1];
        var padded = rows;
        if (!steps.IsUniform)
        {
            var places = new int[steps.Rows];
            for (var t = 0; t < steps.Steps; t++)
            {
                for (var b = 0; b < steps.Active(t); b++) places[steps.Offset(t) + b] = t * Batch + b;
            }
            padded = zeros(steps.Steps * Batch, columns, device: device).index_copy(0, Indices(places, device), rows);
        }
        return padded.view(steps.Steps, Batch, columns).sum([0]) / Indices(steps.Lengths, device).to(ScalarType.Float32).view(Batch, 1);
    }

    /// <summary>Numbers of rows, as libtorch wants them.</summary>
    public static Tensor Indices(ReadOnlySpan<int> numbers, Device device)
    {
        var near = empty(numbers.Length, ScalarType.Int64);
        var target = MemoryMarshal.Cast<byte, long>(near.bytes);
        for (var i = 0; i < numbers.Length; i++) target[i] = numbers[i];
        return near.to(device);
    }
}
