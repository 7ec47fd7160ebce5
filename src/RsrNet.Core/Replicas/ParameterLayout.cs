using System.Collections.Immutable;

namespace RsrNet.Core.Replicas;

/// <summary>One tensor inside a flat buffer.</summary>
/// <param name="Name">PyTorch's name, such as <c>fc1.weight</c>.</param>
/// <param name="Rows">First dimension.</param>
/// <param name="Columns">Second dimension; 0 for a vector.</param>
/// <param name="Offset">Index of the first element in the buffer.</param>
public readonly record struct ParameterSlot(string Name, int Rows, int Columns, int Offset)
{
    public int Length => Columns == 0 ? Rows : Rows * Columns;

    public ImmutableArray<long> Shape => Columns == 0 ? [Rows] : [Rows, Columns];

    public Span<float> Of(float[] buffer) => buffer.AsSpan(Offset, Length);
}

/// <summary>Names, shapes and places of all tensors of a network.</summary>
public sealed class ParameterLayout
{
    private ParameterLayout(ImmutableArray<ParameterSlot> parameters, ImmutableArray<ParameterSlot> statistics, string? without = null)
    {
        Parameters = parameters;
        Statistics = statistics;
        ParameterCount = parameters.Sum(slot => slot.Length);
        LearnedCount = without is null ? ParameterCount : parameters.First(slot => slot.Name == without).Offset;
        StatisticCount = statistics.Sum(slot => slot.Length);
    }

    /// <summary>Trainable tensors in the order of PyTorch's <c>parameters()</c>.</summary>
    public ImmutableArray<ParameterSlot> Parameters { get; }

    /// <summary>Running statistics of the BatchNorm layers; in the residual mode, what the regressions beside the network have found.</summary>
    public ImmutableArray<ParameterSlot> Statistics { get; }

    public int ParameterCount { get; }

    /// <summary>The first parameters, those that take part in the loss: all but fc_aux, a fifth of the notebook's network, whose gradient is zero.</summary>
    public int LearnedCount { get; }

    public int StatisticCount { get; }

    public static ParameterLayout Of(RecursionShape shape) => shape.Mode == LearningMode.Notebook ? Notebook(shape) : Residual(shape);

    private static ParameterLayout Notebook(RecursionShape shape)
    {
        var (d, h, l) = shape;
        return new ParameterLayout(
            Place(
                ("fc1.weight", h, shape.Input), ("fc1.bias", h, 0),
                ("bn1.weight", h, 0), ("bn1.bias", h, 0),
                ("fc2.weight", h, h), ("fc2.bias", h, 0),
                ("bn2.weight", h, 0), ("bn2.bias", h, 0),
                ("fc_latent.weight", l, h), ("fc_latent.bias", l, 0),
                ("fc_out.weight", d, h), ("fc_out.bias", d, 0),
                ("fc_aux.weight", d, h), ("fc_aux.bias", d, 0)),
            Place(
                ("bn1.running_mean", h, 0), ("bn1.running_var", h, 0),
                ("bn2.running_mean", h, 0), ("bn2.running_var", h, 0)),
            without: "fc_aux.weight");
    }

    private static ParameterLayout Residual(RecursionShape shape)
    {
        var (d, h, l) = shape;
        return new ParameterLayout(
            Place(
                ("fc1.weight", h, shape.Input), ("fc1.bias", h, 0),
                ("fc_weight.weight", 1, h), ("fc_weight.bias", 1, 0),
                ("fc_latent.weight", l, h), ("fc_latent.bias", l, 0)),
            Place(
                ("mean.x", d, 0), ("mean.t", d, 0), ("mean.sentence", d, 0),
                ("pool.weight", PoolFeatures.Count, 0), ("pool.scale", 1, 0), ("pool.anchor", 1, 0),
                ("confidence.weight", ConfidenceFeatures.Count, 0), ("confidence.offset", 1, 0), ("confidence.slope", 1, 0),
                ("words.weight", WordFeatures.Times, WordFeatures.Count), ("words.reference", 1, 0), ("pairs.weight", PairFeatures.Count, 0), ("readout.open", 1, 0)));
    }

    /// <exception cref="ArgumentException">A gradient has neither a place for each parameter nor one for each that takes part in the loss.</exception>
    public void EnsureFits(ReadOnlySpan<float> gradient)
    {
        if (gradient.Length != ParameterCount && gradient.Length != LearnedCount)
            throw new ArgumentException($"the gradient has {gradient.Length} elements, the network {ParameterCount}", nameof(gradient));
    }

    public int IndexOfParameter(string name) => IndexOf(Parameters, name);

    public int IndexOfStatistic(string name) => IndexOf(Statistics, name);

    private static int IndexOf(ImmutableArray<ParameterSlot> slots, string name)
    {
        for (var i = 0; i < slots.Length; i++)
        {
            if (slots[i].Name == name) return i;
        }
        throw new ArgumentException($"the network has no tensor '{name}'", nameof(name));
    }

    private static ImmutableArray<ParameterSlot> Place(params ReadOnlySpan<(string Name, int Rows, int Columns)> tensors)
    {
        var slots = ImmutableArray.CreateBuilder<ParameterSlot>(tensors.Length);
        var offset = 0;
        foreach (var (name, rows, columns) in tensors)
        {
            var slot = new ParameterSlot(name, rows, columns, offset);
            slots.Add(slot);
            offset += slot.Length;
        }
        return slots.MoveToImmutable();
    }
}
