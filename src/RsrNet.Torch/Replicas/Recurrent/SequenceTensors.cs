using System.Runtime.InteropServices;
using RsrNet.Core.Numerics.Gradients;
using TorchSharp;
using static TorchSharp.torch;

namespace RsrNet.Torch.Replicas.Recurrent;

/// <summary>
/// Where <see cref="PackedSteps"/>' N rows stand in a padded [T, B, ...], as libtorch's layers want it: row Offset(t) + b is place t B + b. Its tensors live in the scope
/// that it was made in.
/// </summary>
internal sealed class SequenceTensors
{
    private readonly PackedSteps steps;
    private readonly Device device;
    private readonly Tensor? places;

    public SequenceTensors(PackedSteps steps, Device device)
    {
        (this.steps, this.device) = (steps, device);
        if (steps.IsUniform) return;
        var numbers = new int[steps.Rows];
        for (var t = 0; t < steps.Steps; t++)
        {
            for (var b = 0; b < steps.Active(t); b++) numbers[steps.Offset(t) + b] = t * steps.Batch + b;
        }
        places = Indices(numbers, device);
    }

    /// <summary>T</summary>
    public int Steps => steps.Steps;

    /// <summary>B</summary>
    public int Batch => steps.Batch;

    public bool IsUniform => steps.IsUniform;

    public int Active(int step) => steps.Active(step);

    public int Offset(int step) => steps.Offset(step);

    /// <returns>[B] in the processor's memory, where libtorch wants it on every device.</returns>
    public Tensor Lengths() => Indices(steps.Lengths, CPU);

    /// <param name="rows">[N, C]</param>
    /// <returns>[T, B, C], zero behind each sequence's end.</returns>
    public Tensor Pad(Tensor rows)
    {
        var columns = rows.shape[1];
        var flat = places is null ? rows : zeros(Steps * Batch, columns, device: device).index_copy(0, places, rows);
        return flat.view(Steps, Batch, columns);
    }

    /// <param name="padded">[T, B, C]</param>
    /// <returns>[N, C]</returns>
    public Tensor Unpad(Tensor padded)
    {
        var flat = padded.reshape(Steps * Batch, padded.shape[2]);
        return places is null ? flat : flat.index_select(0, places);
    }

    /// <param name="padded">[T, B, C], zero behind each sequence's end.</param>
    /// <returns>[B, C] the mean of each sequence's own rows.</returns>
    public Tensor Mean(Tensor padded) => padded.sum([0]) / Lengths().to(ScalarType.Float32).to(device).view(Batch, 1);

    /// <param name="rows">[N, C]</param>
    /// <returns>[B, C] each sequence's last row.</returns>
    public Tensor Last(Tensor rows)
    {
        var last = new int[Batch];
        for (var b = 0; b < Batch; b++) last[b] = steps.LastRow(b);
        return rows.index_select(0, Indices(last, device));
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
