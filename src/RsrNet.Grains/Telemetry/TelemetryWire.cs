using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Telemetry;

namespace RsrNet.Grains.Telemetry;

/// <summary>
/// A snapshot travels as JSON: it is small, asked for about once a second, and gains a number with every release, which silos of the release before then pass
/// over.
/// </summary>
[GenerateSerializer, Immutable, Alias("rsrnet.telemetry-snapshot")]
internal struct TelemetrySnapshotWire
{
    [Id(0)] public byte[] Json;
}

[RegisterConverter]
internal sealed class TelemetrySnapshotConverter : IConverter<TelemetrySnapshot, TelemetrySnapshotWire>
{
    // A loss that ran away is infinite, and says so.
    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, IgnoreReadOnlyProperties = true,
    };

    public TelemetrySnapshot ConvertFromSurrogate(in TelemetrySnapshotWire surrogate) =>
        JsonSerializer.Deserialize<TelemetrySnapshot>(surrogate.Json, Options) ?? throw new JsonException("a telemetry snapshot is null");

    public TelemetrySnapshotWire ConvertToSurrogate(in TelemetrySnapshot value) => new() { Json = JsonSerializer.SerializeToUtf8Bytes(value, Options) };
}
