using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Weights;

[GenerateSerializer, Immutable, Alias("rsrnet.recursion-weights")]
internal struct RecursionWeightsWire
{
    [Id(0)] public int D;
    [Id(1)] public int H;
    [Id(2)] public int L;
    [Id(3)] public FloatBlock Parameters;
    [Id(4)] public FloatBlock Statistics;
    [Id(5)] public long BatchesTracked;
    [Id(6)] public LearningMode Mode;

    public static RecursionWeightsWire Of(RecursionWeights weights) => new()
    {
        D = weights.Shape.D, H = weights.Shape.H, L = weights.Shape.L, Mode = weights.Shape.Mode,
        Parameters = weights.Parameters, Statistics = weights.Statistics, BatchesTracked = weights.BatchesTracked,
    };

    public readonly RecursionWeights ToWeights()
    {
        var weights = new RecursionWeights(new RecursionShape(D, H, L) { Mode = Mode }) { BatchesTracked = BatchesTracked };
        Parameters.Values!.CopyTo(weights.Parameters, 0);
        Statistics.Values!.CopyTo(weights.Statistics, 0);
        return weights;
    }
}

[RegisterConverter]
internal sealed class RecursionWeightsConverter : IConverter<RecursionWeights, RecursionWeightsWire>
{
    public RecursionWeights ConvertFromSurrogate(in RecursionWeightsWire surrogate) => surrogate.ToWeights();

    public RecursionWeightsWire ConvertToSurrogate(in RecursionWeights value) => RecursionWeightsWire.Of(value);
}

[GenerateSerializer, Immutable, Alias("rsrnet.adam-state")]
internal struct AdamStateWire
{
    [Id(0)] public FloatBlock Mean;
    [Id(1)] public FloatBlock Variance;
    [Id(2)] public long Step;

    public static AdamStateWire? Of(AdamState? state) =>
        state is null ? null : new AdamStateWire { Mean = state.Mean, Variance = state.Variance, Step = state.Step };

    public readonly AdamState ToState()
    {
        var state = new AdamState(Mean.Values!.Length) { Step = Step };
        Mean.Values.CopyTo(state.Mean, 0);
        Variance.Values!.CopyTo(state.Variance, 0);
        return state;
    }
}

[GenerateSerializer, Immutable, Alias("rsrnet.published-weights")]
internal struct PublishedWeightsWire
{
    [Id(0)] public long Term;
    [Id(1)] public long Version;
    [Id(2)] public RecursionWeightsWire Weights;
    [Id(3)] public AdamStateWire? Optimizer;
}

[RegisterConverter]
internal sealed class PublishedWeightsConverter : IConverter<PublishedWeights, PublishedWeightsWire>
{
    public PublishedWeights ConvertFromSurrogate(in PublishedWeightsWire surrogate) =>
        new(surrogate.Term, surrogate.Version, surrogate.Weights.ToWeights(), surrogate.Optimizer?.ToState());

    public PublishedWeightsWire ConvertToSurrogate(in PublishedWeights value) => new()
    {
        Term = value.Term, Version = value.Version, Weights = RecursionWeightsWire.Of(value.Weights), Optimizer = AdamStateWire.Of(value.Optimizer),
    };
}

/// <summary>Never changed after it was made, so that inside a silo the same object is handed on.</summary>
[RegisterCopier]
internal sealed class PublishedWeightsCopier : Orleans.Serialization.Cloning.ShallowCopier<PublishedWeights>;

[GenerateSerializer, Immutable, Alias("rsrnet.checkpoint")]
internal struct CheckpointWire
{
    [Id(0)] public long Version;
    [Id(1)] public string? EncoderId;
    [Id(2)] public string Mode;
    [Id(3)] public RecursionWeightsWire Weights;
    [Id(4)] public AdamStateWire? Optimizer;
    [Id(5)] public DateTimeOffset CreatedAt;
    [Id(6)] public float? Loss;
}

[RegisterConverter]
internal sealed class CheckpointConverter : IConverter<Checkpoint, CheckpointWire>
{
    public Checkpoint ConvertFromSurrogate(in CheckpointWire surrogate) => new(
        surrogate.Version, surrogate.EncoderId, surrogate.Mode, surrogate.Weights.ToWeights(), surrogate.Optimizer?.ToState(),
        surrogate.CreatedAt, surrogate.Loss);

    public CheckpointWire ConvertToSurrogate(in Checkpoint value) => new()
    {
        Version = value.Version, EncoderId = value.EncoderId, Mode = value.Mode, Weights = RecursionWeightsWire.Of(value.Weights),
        Optimizer = AdamStateWire.Of(value.Optimizer), CreatedAt = value.CreatedAt, Loss = value.Loss,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.weight-summary")]
internal struct WeightSummaryWire
{
    [Id(0)] public long Version;
    [Id(1)] public DateTimeOffset CreatedAt;
    [Id(2)] public float? Loss;
    [Id(3)] public string? EncoderId;
    [Id(4)] public string Mode;
    [Id(5)] public long Bytes;
    [Id(6)] public bool Current;
}

[RegisterConverter]
internal sealed class WeightSummaryConverter : IConverter<WeightSummary, WeightSummaryWire>
{
    public WeightSummary ConvertFromSurrogate(in WeightSummaryWire surrogate) => new(
        surrogate.Version, surrogate.CreatedAt, surrogate.Loss, surrogate.EncoderId, surrogate.Mode, surrogate.Bytes, surrogate.Current);

    public WeightSummaryWire ConvertToSurrogate(in WeightSummary value) => new()
    {
        Version = value.Version, CreatedAt = value.CreatedAt, Loss = value.Loss, EncoderId = value.EncoderId, Mode = value.Mode,
        Bytes = value.Bytes, Current = value.Current,
    };
}
