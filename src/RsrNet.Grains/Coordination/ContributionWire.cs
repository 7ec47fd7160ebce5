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
    [Id(6)] public LessonWire[] Lessons;
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
        Lessons = [.. surrogate.Lessons.Select(lesson => lesson.ToLesson())],
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
        Lessons = [.. value.Lessons.Select(LessonWire.Of)],
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

/// <summary>About 15 KB with vectors of 768: three of them, and 600 sums.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.lesson")]
internal struct LessonWire
{
    [Id(0)] public FloatBlock X;
    [Id(1)] public FloatBlock T;
    [Id(2)] public FloatBlock Sentence;
    [Id(3)] public double[] PoolGram;
    [Id(4)] public double[] PoolMoment;
    [Id(5)] public double Scale;
    [Id(6)] public double[] Confidence;
    [Id(7)] public double ForetoldCosine;
    [Id(8)] public double Probability;
    [Id(9)] public double Cosine;
    [Id(10)] public double Error;
    [Id(11)] public double[] PairGram;
    [Id(12)] public double[] PairMoment;
    [Id(13)] public double Learned;
    [Id(14)] public double Lead;
    [Id(15)] public double[] WordGram;
    [Id(16)] public double[] WordMoment;
    [Id(17)] public double HighlightWords;

    public static LessonWire Of(Lesson lesson) => new()
    {
        X = lesson.X, T = lesson.T, Sentence = lesson.Sentence, PoolGram = lesson.PoolGram, PoolMoment = lesson.PoolMoment, Scale = lesson.Scale,
        Confidence = lesson.Confidence, ForetoldCosine = lesson.ForetoldCosine, Probability = lesson.Probability, Cosine = lesson.Cosine, Error = lesson.Error,
        PairGram = lesson.PairGram, PairMoment = lesson.PairMoment, Learned = lesson.Learned, Lead = lesson.Lead,
        WordGram = lesson.WordGram, WordMoment = lesson.WordMoment, HighlightWords = lesson.HighlightWords,
    };

    public readonly Lesson ToLesson() => new()
    {
        X = X.Values!, T = T.Values!, Sentence = Sentence.Values!, PoolGram = PoolGram, PoolMoment = PoolMoment, Scale = Scale,
        Confidence = Confidence, ForetoldCosine = ForetoldCosine, Probability = Probability, Cosine = Cosine, Error = Error,
        PairGram = PairGram, PairMoment = PairMoment, Learned = Learned, Lead = Lead,
        WordGram = WordGram, WordMoment = WordMoment, HighlightWords = HighlightWords,
    };
}

[GenerateSerializer, Immutable, Alias("rsrnet.summary-judgement")]
internal struct SummaryJudgementWire
{
    [Id(0)] public double Learned;
    [Id(1)] public double Lead;
    [Id(2)] public bool IsOpen;
}

[RegisterConverter]
internal sealed class SummaryJudgementConverter : IConverter<SummaryJudgement, SummaryJudgementWire>
{
    public SummaryJudgement ConvertFromSurrogate(in SummaryJudgementWire surrogate) => new(surrogate.Learned, surrogate.Lead, surrogate.IsOpen);

    public SummaryJudgementWire ConvertToSurrogate(in SummaryJudgement value) => new() { Learned = value.Learned, Lead = value.Lead, IsOpen = value.IsOpen };
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
