using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace RsrNet.Cli;

/// <summary>JSON as commands write and read it: camelCase, one line, without nulls, letters of all scripts as they are.</summary>
internal static class JsonText
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static string Of<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static string? Text(this JsonNode? node, string name) => (node as JsonObject)?[name]?.GetValue<string>();

    public static double? Number(this JsonNode? node, string name) => (node as JsonObject)?[name]?.GetValue<double>();

    public static long? Integer(this JsonNode? node, string name) => (node as JsonObject)?[name]?.GetValue<long>();

    public static IEnumerable<JsonNode> Items(this JsonNode? node, string name) =>
        ((node as JsonObject)?[name] as JsonArray)?.OfType<JsonNode>() ?? [];

    /// <summary>A number for people: three significant digits, or a dash where there is none.</summary>
    public static string Brief(this double? number) => number switch
    {
        null => "-",
        0 => "0",
        { } value when Math.Abs(value) < 1e-3 => value.ToString("0.0e+0", CultureInfo.InvariantCulture),
        { } value when Math.Abs(value) < 1 => value.ToString("0.0000", CultureInfo.InvariantCulture),
        { } value => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
