using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Grains.Coordination.Models;

/// <summary>What is small, and asked for now and then, travels as JSON, which a silo of another release reads as far as it knows it.</summary>
[GenerateSerializer, Immutable, Alias("rsrnet.model-json")]
internal struct ModelJson
{
    // A loss that ran away is infinite, and says so.
    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, IgnoreReadOnlyProperties = true, Converters = { new JsonStringEnumConverter() },
    };

    [Id(0)] public byte[] Json;

    public static ModelJson Of<T>(T value) => new() { Json = JsonSerializer.SerializeToUtf8Bytes(value, Options) };

    public readonly T To<T>() => JsonSerializer.Deserialize<T>(Json, Options) ?? throw new JsonException($"a {typeof(T).Name} is null");
}

[RegisterConverter]
internal sealed class ModelStatusConverter : IConverter<ModelStatus, ModelJson>
{
    public ModelStatus ConvertFromSurrogate(in ModelJson surrogate) => surrogate.To<ModelStatus>();

    public ModelJson ConvertToSurrogate(in ModelStatus value) => ModelJson.Of(value);
}

[RegisterConverter]
internal sealed class ModelDescriptionConverter : IConverter<ModelDescription, ModelJson>
{
    public ModelDescription ConvertFromSurrogate(in ModelJson surrogate) => surrogate.To<ModelDescription>();

    public ModelJson ConvertToSurrogate(in ModelDescription value) => ModelJson.Of(value);
}

[RegisterConverter]
internal sealed class ClassificationConverter : IConverter<Classification, ModelJson>
{
    public Classification ConvertFromSurrogate(in ModelJson surrogate) => surrogate.To<Classification>();

    public ModelJson ConvertToSurrogate(in Classification value) => ModelJson.Of(value);
}

[RegisterConverter]
internal sealed class GenerationOptionsConverter : IConverter<GenerationOptions, ModelJson>
{
    public GenerationOptions ConvertFromSurrogate(in ModelJson surrogate) => surrogate.To<GenerationOptions>();

    public ModelJson ConvertToSurrogate(in GenerationOptions value) => ModelJson.Of(value);
}

[GenerateSerializer, Immutable, Alias("rsrnet.model-file")]
internal struct ModelFileWire
{
    [Id(0)] public long Version;
    [Id(1)] public byte[] File;
}

[RegisterConverter]
internal sealed class ModelFileConverter : IConverter<ModelFile, ModelFileWire>
{
    public ModelFile ConvertFromSurrogate(in ModelFileWire surrogate) => new(surrogate.Version, surrogate.File);

    public ModelFileWire ConvertToSurrogate(in ModelFile value) => new() { Version = value.Version, File = value.File };
}

[GenerateSerializer, Alias("rsrnet.model-kind")]
internal struct ModelKindWire
{
    [Id(0)] public string Message;
}

[RegisterConverter]
internal sealed class ModelKindConverter : IConverter<ModelKindException, ModelKindWire>
{
    public ModelKindException ConvertFromSurrogate(in ModelKindWire surrogate) => new(surrogate.Message);

    public ModelKindWire ConvertToSurrogate(in ModelKindException value) => new() { Message = value.Message };
}

[GenerateSerializer, Alias("rsrnet.engine-unavailable")]
internal struct EngineUnavailableWire
{
    [Id(0)] public string Message;
}

[RegisterConverter]
internal sealed class EngineUnavailableConverter : IConverter<EngineUnavailableException, EngineUnavailableWire>
{
    public EngineUnavailableException ConvertFromSurrogate(in EngineUnavailableWire surrogate) => new(surrogate.Message);

    public EngineUnavailableWire ConvertToSurrogate(in EngineUnavailableException value) => new() { Message = value.Message };
}

[GenerateSerializer, Alias("rsrnet.model-conflict")]
internal struct ModelConflictWire
{
    [Id(0)] public string Message;
}

[RegisterConverter]
internal sealed class ModelConflictConverter : IConverter<ModelConflictException, ModelConflictWire>
{
    public ModelConflictException ConvertFromSurrogate(in ModelConflictWire surrogate) => new(surrogate.Message);

    public ModelConflictWire ConvertToSurrogate(in ModelConflictException value) => new() { Message = value.Message };
}
