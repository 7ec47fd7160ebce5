using System.Text.Json;

namespace RsrNet.Server.Http;

/// <summary>
/// The fields of a small JSON request, read strictly: what is unknown, repeated, of the wrong type or out of range is a problem under its
/// name.
/// </summary>
internal sealed class RequestFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);

    private RequestFields()
    {
    }

    public FieldProblems Problems { get; } = new();

    /// <param name="body">Empty for an object without fields.</param>
    /// <param name="known">The names a field may have.</param>
    public static RequestFields Read(ReadOnlyMemory<byte> body, params string[] known)
    {
        var fields = new RequestFields();
        if (body.Span.StartsWith("\uFEFF"u8)) body = body[3..];
        if (body.IsEmpty) return fields;
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                fields.Problems.Add("", "the body must be a JSON object");
                return fields;
            }
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (!known.Contains(property.Name)) fields.Problems.Add(property.Name, $"is unknown; known are {string.Join(", ", known)}");
                else if (!fields._fields.TryAdd(property.Name, property.Value.Clone()))
                    fields.Problems.Add(property.Name, "is there more than once; send it once");
            }
        }
        catch (JsonException problem)
        {
            fields.Problems.Add("", $"the body is no JSON: {problem.Message}");
        }
        // A name or string of bytes that are no UTF-8.
        catch (InvalidOperationException)
        {
            fields.Problems.Add("", "the body has bytes that are no UTF-8; send UTF-8");
        }
        return fields;
    }

    public int? Integer(string name, int least, int most)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind == JsonValueKind.Number && field.TryGetInt32(out var value) && value >= least && value <= most) return value;
        Problems.Add(name, $"must be a whole number, {least} to {most}");
        return null;
    }

    /// <summary>A number above 0 and below <paramref name="below"/>.</summary>
    public double? Positive(string name, double below)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind == JsonValueKind.Number && field.TryGetDouble(out var value) && value > 0 && value < below) return value;
        Problems.Add(name, FormattableString.Invariant($"must be a number above 0 and below {below}"));
        return null;
    }

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public double? Number(string name, double least, double most)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind == JsonValueKind.Number && field.TryGetDouble(out var value) && value >= least && value <= most) return value;
        Problems.Add(name, FormattableString.Invariant($"must be a number, {least} to {most}"));
        return null;
    }

    public bool? Switch(string name)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind is JsonValueKind.True or JsonValueKind.False) return field.GetBoolean();
        Problems.Add(name, "must be true or false");
        return null;
    }

    /// <summary>A list of texts, at least one.</summary>
    public IReadOnlyList<string>? Texts(string name, int most, int longest)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind != JsonValueKind.Array || field.GetArrayLength() is 0 || field.GetArrayLength() > most
            || field.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            Problems.Add(name, FormattableString.Invariant($"must be a list of 1 to {most:N0} strings"));
            return null;
        }
        var texts = new List<string>();
        foreach (var item in field.EnumerateArray())
        {
            string text;
            try
            {
                text = item.GetString()!;
            }
            catch (InvalidOperationException)
            {
                Problems.Add(name, "has a string that is no valid UTF-8 or has half of a surrogate pair");
                return null;
            }
            if (text.Length > longest) Problems.Add(name, FormattableString.Invariant($"has a string of {text.Length:N0} characters; at most {longest:N0} are allowed"));
            texts.Add(text);
        }
        return texts;
    }

    public string? Text(string name, int longest)
    {
        if (Find(name) is not { } field) return null;
        if (field.ValueKind != JsonValueKind.String)
        {
            Problems.Add(name, "must be a string");
            return null;
        }
        string text;
        try
        {
            text = field.GetString()!;
        }
        catch (InvalidOperationException)
        {
            Problems.Add(name, "is no valid UTF-8 or has half of a surrogate pair");
            return null;
        }
        if (string.IsNullOrWhiteSpace(text)) Problems.Add(name, "is empty");
        else if (text.Length > longest)
            Problems.Add(name, FormattableString.Invariant($"has {text.Length:N0} characters; at most {longest:N0} are allowed"));
        else return text;
        return null;
    }

    /// <summary>Whether the field is there with any value but null, a wrong one included.</summary>
    public bool Has(string name) => Find(name) is not null;

    private JsonElement? Find(string name) =>
        _fields.TryGetValue(name, out var field) && field.ValueKind != JsonValueKind.Null ? field : null;
}
