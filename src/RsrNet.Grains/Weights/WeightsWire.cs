using System.Text.Json;
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

    /// <summary>The parameters of the average; null where there is none. Its statistics are those of the weights.</summary>
    [Id(4)] public FloatBlock Served;
    [Id(5)] public double LearningRate;
    [Id(6)] public ResidualOptions? Residual;
}

[RegisterConverter]
internal sealed class PublishedWeightsConverter : IConverter<PublishedWeights, PublishedWeightsWire>
{
    public PublishedWeights ConvertFromSurrogate(in PublishedWeightsWire surrogate)
    {
        var weights = surrogate.Weights.ToWeights();
        var served = weights;
        if (surrogate.Served.Values is { } parameters)
        {
            served = weights.Clone();
            parameters.CopyTo(served.Parameters, 0);
        }
        return new PublishedWeights(surrogate.Term, surrogate.Version, weights, surrogate.Optimizer?.ToState())
        {
            Served = served, LearningRate = surrogate.LearningRate, Residual = surrogate.Residual,
        };
    }

    public PublishedWeightsWire ConvertToSurrogate(in PublishedWeights value) => new()
    {
        Term = value.Term, Version = value.Version, Weights = RecursionWeightsWire.Of(value.Weights), Optimizer = AdamStateWire.Of(value.Optimizer),
        Served = value.Served == value.Weights ? null : value.Served.Parameters, LearningRate = value.LearningRate, Residual = value.Residual,
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
    [Id(7)] public ResidualStateWire? Residual;
    [Id(8)] public bool Pinned;
}

[GenerateSerializer, Immutable, Alias("rsrnet.residual-state")]
internal struct ResidualStateWire
{
    [Id(0)] public RecursionWeightsWire Served;
    [Id(1)] public long Updates;
    [Id(2)] public Dictionary<string, double[]> Regressions;
    [Id(3)] public ResidualOptions? Promoted;

    public static ResidualStateWire Of(ResidualState state) => new()
    {
        Served = RecursionWeightsWire.Of(state.Served), Updates = state.Updates, Promoted = state.Promoted,
        Regressions = new Dictionary<string, double[]>(state.Regressions, StringComparer.Ordinal),
    };

    public readonly ResidualState ToState() => new(Served.ToWeights(), Updates, Regressions) { Promoted = Promoted };
}

/// <summary>Options travel as JSON: a few, and seldom.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.residual-options")]
internal struct ResidualOptionsWire
{
    [Id(0)] public byte[] Json;
}

[RegisterConverter]
internal sealed class ResidualOptionsConverter : IConverter<ResidualOptions, ResidualOptionsWire>
{
    public ResidualOptions ConvertFromSurrogate(in ResidualOptionsWire surrogate) =>
        JsonSerializer.Deserialize<ResidualOptions>(surrogate.Json) ?? throw new JsonException("the options are null");

    public ResidualOptionsWire ConvertToSurrogate(in ResidualOptions value) => new() { Json = JsonSerializer.SerializeToUtf8Bytes(value) };
}

/// <summary>The challenger's figures travel as JSON: a few, and only when somebody looks.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.shadow-report")]
internal struct ShadowReportWire
{
    [Id(0)] public byte[] Json;
}

[RegisterConverter]
internal sealed class ShadowReportConverter : IConverter<ShadowReport, ShadowReportWire>
{
    public ShadowReport ConvertFromSurrogate(in ShadowReportWire surrogate) =>
        JsonSerializer.Deserialize<ShadowReport>(surrogate.Json) ?? throw new JsonException("the report is null");

    public ShadowReportWire ConvertToSurrogate(in ShadowReport value) => new() { Json = JsonSerializer.SerializeToUtf8Bytes(value) };
}

[RegisterConverter]
internal sealed class CheckpointConverter : IConverter<Checkpoint, CheckpointWire>
{
    public Checkpoint ConvertFromSurrogate(in CheckpointWire surrogate) => new(
        surrogate.Version, surrogate.EncoderId, surrogate.Mode, surrogate.Weights.ToWeights(), surrogate.Optimizer?.ToState(),
        surrogate.CreatedAt, surrogate.Loss)
    {
        Residual = surrogate.Residual?.ToState(), Pinned = surrogate.Pinned,
    };

    public CheckpointWire ConvertToSurrogate(in Checkpoint value) => new()
    {
        Version = value.Version, EncoderId = value.EncoderId, Mode = value.Mode, Weights = RecursionWeightsWire.Of(value.Weights),
        Optimizer = AdamStateWire.Of(value.Optimizer), CreatedAt = value.CreatedAt, Loss = value.Loss,
        Residual = value.Residual is { } residual ? ResidualStateWire.Of(residual) : null, Pinned = value.Pinned,
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
    [Id(7)] public bool Pinned;
}

[RegisterConverter]
internal sealed class WeightSummaryConverter : IConverter<WeightSummary, WeightSummaryWire>
{
    public WeightSummary ConvertFromSurrogate(in WeightSummaryWire surrogate) => new(
        surrogate.Version, surrogate.CreatedAt, surrogate.Loss, surrogate.EncoderId, surrogate.Mode, surrogate.Bytes, surrogate.Current) { Pinned = surrogate.Pinned };

    public WeightSummaryWire ConvertToSurrogate(in WeightSummary value) => new()
    {
        Version = value.Version, CreatedAt = value.CreatedAt, Loss = value.Loss, EncoderId = value.EncoderId, Mode = value.Mode,
        Bytes = value.Bytes, Current = value.Current, Pinned = value.Pinned,
    };
}
