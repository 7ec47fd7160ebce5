using Orleans.Serialization.Cloning;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Grains.Weights;

namespace RsrNet.Grains.Coordination;

[GenerateSerializer, Immutable, Alias("rsrnet.contribution")]
internal struct ContributionWire
{
    [Id(0)] public long Term;
    [Id(1)] public long BaseVersion;
    [Id(2)] public ContributionPartWire[] Parts;
    [Id(3)] public FloatBlock Values;
    [Id(4)] public FloatBlock Statistics;
    [Id(5)] public long Calls;
}

[RegisterConverter]
internal sealed class ContributionConverter : IConverter<Contribution, ContributionWire>
{
    public Contribution ConvertFromSurrogate(in ContributionWire surrogate) => new()
    {
        Term = surrogate.Term,
        BaseVersion = surrogate.BaseVersion,
        Parts = [.. surrogate.Parts.Select(part => part.ToPart())],
        Values = surrogate.Values.Values!,
        Statistics = surrogate.Statistics.Values!,
        Calls = surrogate.Calls,
        Precision = surrogate.Values.Precision,
    };

    public ContributionWire ConvertToSurrogate(in Contribution value) => new()
    {
        Term = value.Term,
        BaseVersion = value.BaseVersion,
        Parts = [.. value.Parts.Select(ContributionPartWire.Of)],
        Values = new FloatBlock(value.Values, value.Precision),
        Statistics = value.Statistics,
        Calls = value.Calls,
    };
}

/// <summary>Never changed after it was made, so that inside a silo the same object is handed on.</summary>
[RegisterCopier]
internal sealed class ContributionCopier : ShallowCopier<Contribution>;

[GenerateSerializer, Immutable, Alias("rsrnet.contribution-part")]
internal struct ContributionPartWire
{
    [Id(0)] public int Replica;
    [Id(1)] public long Sequence;
    [Id(2)] public int Rows;
    [Id(3)] public int Updates;
    [Id(4)] public float Loss;
    [Id(5)] public double Confidence;

    public static ContributionPartWire Of(ContributionPart part) => new()
    {
        Replica = part.Replica, Sequence = part.Sequence, Rows = part.Rows, Updates = part.Updates, Loss = part.Loss, Confidence = part.Confidence,
    };

    public readonly ContributionPart ToPart() => new(Replica, Sequence, Rows, Updates, Loss, Confidence);
}

[GenerateSerializer, Immutable, Alias("rsrnet.contribution-answer")]
internal struct ContributionAnswerWire
{
    [Id(0)] public Reception Reception;
    [Id(1)] public long Version;
    [Id(2)] public bool Stop;
}

[RegisterConverter]
internal sealed class ContributionAnswerConverter : IConverter<ContributionAnswer, ContributionAnswerWire>
{
    public ContributionAnswer ConvertFromSurrogate(in ContributionAnswerWire surrogate) => new(surrogate.Reception, surrogate.Version, surrogate.Stop);

    public ContributionAnswerWire ConvertToSurrogate(in ContributionAnswer value) =>
        new() { Reception = value.Reception, Version = value.Version, Stop = value.Stop };
}

[GenerateSerializer, Immutable, Alias("rsrnet.prediction")]
internal struct PredictionWire
{
    [Id(0)] public float Similarity;
    [Id(1)] public float Error;
}

[RegisterConverter]
internal sealed class PredictionConverter : IConverter<Prediction, PredictionWire>
{
    public Prediction ConvertFromSurrogate(in PredictionWire surrogate) => new(surrogate.Similarity, surrogate.Error);

    public PredictionWire ConvertToSurrogate(in Prediction value) => new() { Similarity = value.Similarity, Error = value.Error };
}
