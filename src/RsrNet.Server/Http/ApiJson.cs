using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Telemetry;
using RsrNet.Server.Articles;
using RsrNet.Server.Coordination.Models;
using RsrNet.Server.Documents;
using RsrNet.Server.Telemetry;
using RsrNet.Server.Weights;

namespace RsrNet.Server.Http;

/// <summary>
/// How the API writes JSON: camelCase, statuses in lower case, letters of all scripts as they are; what has no value is left out where it
/// is optional.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(StatusConverter), typeof(ModelKindConverter), typeof(VocabularyKindConverter), typeof(ModelSummaryConverter), typeof(CellConverter), typeof(FiniteSingleConverter), typeof(FiniteDoubleConverter)])]
[JsonSerializable(typeof(ArticleRequest))]
[JsonSerializable(typeof(ArticleReceipt))]
[JsonSerializable(typeof(LinesReceipt))]
[JsonSerializable(typeof(IReadOnlyList<LineProblem>))]
[JsonSerializable(typeof(DocumentBody))]
[JsonSerializable(typeof(DocumentListBody))]
[JsonSerializable(typeof(RefineBody))]
[JsonSerializable(typeof(HighlightsBody))]
[JsonSerializable(typeof(LabelsBody))]
[JsonSerializable(typeof(AmendmentReceipt))]
[JsonSerializable(typeof(SearchBody))]
[JsonSerializable(typeof(SearchHits))]
[JsonSerializable(typeof(TrajectoryPoint))]
[JsonSerializable(typeof(WeightList))]
[JsonSerializable(typeof(WeightItem))]
[JsonSerializable(typeof(WeightReceipt))]
[JsonSerializable(typeof(ShadowReport))]
[JsonSerializable(typeof(TelemetrySnapshot))]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(HistoryBody))]
[JsonSerializable(typeof(MapBody))]
[JsonSerializable(typeof(ProblemBody))]
[JsonSerializable(typeof(ModelOptions))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelBody))]
[JsonSerializable(typeof(ClassifyBody))]
[JsonSerializable(typeof(ClassifyAnswer))]
[JsonSerializable(typeof(ModelEmbedBody))]
[JsonSerializable(typeof(ModelEmbedAnswer))]
[JsonSerializable(typeof(GenerateBody))]
[JsonSerializable(typeof(GenerateAnswer))]
[JsonSerializable(typeof(GeneratePiece))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>The one to use: the generated context with an encoder that attributes cannot name.</summary>
    public static ApiJson Relaxed => LetterByLetter.Context;

    /// <summary>Lets the API's description see types as the answers have them.</summary>
    public static void Apply(JsonSerializerOptions options)
    {
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.TypeInfoResolverChain.Insert(0, Relaxed);
        foreach (var converter in Relaxed.Options.Converters) options.Converters.Add(converter);
    }

    // A class of its own: static fields of the generated part need not be there yet while this part's are made.
    private static class LetterByLetter
    {
        public static readonly ApiJson Context = new(
            new JsonSerializerOptions(Default!.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}

internal sealed class StatusConverter() : JsonStringEnumConverter<DocumentStatus>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class ModelKindConverter() : JsonStringEnumConverter<ModelKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class VocabularyKindConverter() : JsonStringEnumConverter<VocabularyKind>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class ModelSummaryConverter() : JsonStringEnumConverter<ModelSummary>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class CellConverter() : JsonStringEnumConverter<RecurrentCell>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

/// <summary>JSON has no NaN and no infinity; such a number becomes null.</summary>
internal sealed class FiniteSingleConverter : JsonConverter<float>
{
    public override float Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetSingle();

    public override void Write(Utf8JsonWriter writer, float value, JsonSerializerOptions options)
    {
        if (float.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteNullValue();
    }
}

/// <inheritdoc cref="FiniteSingleConverter"/>
internal sealed class FiniteDoubleConverter : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteNullValue();
    }
}
