using RsrNet.Core;
using RsrNet.Core.Documents;

namespace RsrNet.Grains;

/// <summary>What a caller is told in so many words arrives as what it was, across silos too.</summary>
[GenerateSerializer, Alias("rsrnet.backlog-full")]
internal struct BacklogFullWire
{
    [Id(0)] public long Backlog;
    [Id(1)] public TimeSpan RetryAfter;
}

[RegisterConverter]
internal sealed class BacklogFullConverter : IConverter<BacklogFullException, BacklogFullWire>
{
    public BacklogFullException ConvertFromSurrogate(in BacklogFullWire surrogate) => new(surrogate.Backlog, surrogate.RetryAfter);

    public BacklogFullWire ConvertToSurrogate(in BacklogFullException value) => new() { Backlog = value.Backlog, RetryAfter = value.RetryAfter };
}

[GenerateSerializer, Alias("rsrnet.store-unavailable")]
internal struct StoreUnavailableWire
{
    [Id(0)] public string Message;
}

[RegisterConverter]
internal sealed class StoreUnavailableConverter : IConverter<StoreUnavailableException, StoreUnavailableWire>
{
    public StoreUnavailableException ConvertFromSurrogate(in StoreUnavailableWire surrogate) => new(surrogate.Message);

    public StoreUnavailableWire ConvertToSurrogate(in StoreUnavailableException value) => new() { Message = value.Message };
}

[GenerateSerializer, Alias("rsrnet.weights-rejected")]
internal struct WeightsRejectedWire
{
    [Id(0)] public string Message;
}

[RegisterConverter]
internal sealed class WeightsRejectedConverter : IConverter<WeightsRejectedException, WeightsRejectedWire>
{
    public WeightsRejectedException ConvertFromSurrogate(in WeightsRejectedWire surrogate) => new(surrogate.Message);

    public WeightsRejectedWire ConvertToSurrogate(in WeightsRejectedException value) => new() { Message = value.Message };
}
