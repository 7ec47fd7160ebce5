using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace RsrNet.Core.Articles;

/// <summary>
/// Reads one article from JSON: <c>{id?, title?, text, highlights?: [..], labels?: {name: value}, publishedAt?}</c>. Strict: an unknown or
/// repeated field is a problem like any other, and every problem is found, not only the first. An optional field may be null.
/// </summary>
public static class ArticleJson
{
    private const string Fields = "id, title, text, highlights, labels, publishedAt";

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <param name="json">UTF-8; a byte order mark is passed over.</param>
    public static ArticleReading Read(ReadOnlySpan<byte> json, ArticleLimits limits)
    {
        if (json.Length > limits.BodyBytes)
        {
            return Rejected($"has {json.Length:N0} bytes; at most {limits.BodyBytes:N0} are allowed");
        }
        var mark = json.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        var body = json[mark..];
        var first = body.IndexOfAnyExcept(" \t\r\n"u8);
        if (first < 0) return Rejected("is empty; send a JSON object with a text");
        if (body[first] == '[') return Rejected("is a JSON array; send one object, or many of them as NDJSON, one on each line");
        if (body[first] != '{') return Rejected("""is no JSON object; send {"text": "..."}""");
        var reading = new Reading(body, mark);
        try
        {
            reading.ReadObject();
        }
        catch (JsonException exception)
        {
            return ArticleReading.Rejected([.. reading.Problems, reading.Broken(exception)]);
        }
        return reading.Draft().Check(limits, reading.Problems);
    }

    public static ArticleReading Read(ReadOnlySequence<byte> json, ArticleLimits limits)
    {
        if (json.IsSingleSegment) return Read(json.FirstSpan, limits);
        if (json.Length > limits.BodyBytes) return Rejected($"has {json.Length:N0} bytes; at most {limits.BodyBytes:N0} are allowed");
        return Read(json.ToArray(), limits);
    }

    private static ArticleReading Rejected(string message) => ArticleReading.Rejected(new ArticleProblem("", "the article " + message));

    [Flags]
    private enum Field
    {
        None = 0,
        Id = 1,
        Title = 2,
        Text = 4,
        Highlights = 8,
        Labels = 16,
        PublishedAt = 32,
    }

    private ref struct Reading
    {
        private readonly ReadOnlySpan<byte> _json;
        private readonly int _before;
        private Utf8JsonReader _reader;
        private Field _seen;
        private string? _id, _title, _text;
        private List<string>? _highlights;
        private Dictionary<string, string>? _labels;
        private DateTimeOffset? _publishedAt;

        public Reading(ReadOnlySpan<byte> json, int before)
        {
            _json = json;
            _before = before;
            // Not the final block, because then running out of bytes can be told from a wrong one.
            _reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        }

        public List<ArticleProblem> Problems { get; } = [];

        public readonly ArticleDraft Draft()
        {
            var draft = new ArticleDraft { Id = _id, Title = _title, Text = _text, PublishedAt = _publishedAt };
            if (_highlights is not null) draft = draft with { Highlights = _highlights };
            return _labels is null ? draft : draft with { Labels = _labels };
        }

        public void ReadObject()
        {
            Next();
            while (Next() == JsonTokenType.PropertyName)
            {
                var field = Known();
                if (field == Field.None)
                {
                    Unknown();
                    SkipValue();
                    continue;
                }
                var name = NameOf(field);
                if ((_seen & field) != 0)
                {
                    if (!Problems.Exists(problem => problem.Field == name)) Problems.Add(new ArticleProblem(name, "is there more than once; send it once"));
                    SkipValue();
                    continue;
                }
                _seen |= field;
                Next();
                switch (field)
                {
                    case Field.Id: _id = Text(name, optional: true); break;
                    case Field.Title: _title = Text(name, optional: true); break;
                    case Field.Text: _text = Text(name, optional: false); break;
                    case Field.PublishedAt: ReadPublishedAt(name); break;
                    case Field.Highlights: ReadHighlights(name); break;
                    case Field.Labels: ReadLabels(name); break;
                }
            }
            // Whatever but blanks stands behind the object is an error.
            if (_reader.Read()) throw new JsonException("there is more behind the article");
        }

        /// <summary>Where the JSON breaks off or goes wrong.</summary>
        public readonly ArticleProblem Broken(JsonException exception)
        {
            if (exception is TruncatedException)
            {
                return new ArticleProblem("", $"the JSON breaks off at byte {_before + _json.Length:N0}, in the middle of the article; send it whole");
            }
            long at = _reader.BytesConsumed;
            if (exception.LineNumber is { } line && exception.BytePositionInLine is { } inLine)
            {
                at = inLine;
                for (var rest = _json; line > 0; line--)
                {
                    var end = rest.IndexOf((byte)'\n') + 1;
                    at += end;
                    rest = rest[end..];
                }
            }
            var place = (int)Math.Min(at, _json.Length - 1);
            var what = _json[place] switch
            {
                0 => "a NUL byte",
                < 0x20 => $"the control character 0x{_json[place]:X2}, which JSON strings have escaped",
                > 0x7E => Utf8.IsValid(_json) ? "a character that may not be there" : "a byte that is no UTF-8",
                var other => $"'{(char)other}', which may not be there",
            };
            return new ArticleProblem("", $"the JSON is broken at byte {_before + place:N0}: {what}; check quotes, commas and brackets");
        }

        private JsonTokenType Next() => _reader.Read() ? _reader.TokenType : throw new TruncatedException();

        private void SkipValue()
        {
            if (!_reader.Read() || !_reader.TrySkip()) throw new TruncatedException();
        }

        private readonly Field Known()
        {
            if (_reader.ValueIsEscaped) return FieldOf(Decoded());
            var name = _reader.ValueSpan;
            if (name.SequenceEqual("text"u8)) return Field.Text;
            if (name.SequenceEqual("id"u8)) return Field.Id;
            if (name.SequenceEqual("title"u8)) return Field.Title;
            if (name.SequenceEqual("highlights"u8)) return Field.Highlights;
            if (name.SequenceEqual("labels"u8)) return Field.Labels;
            return name.SequenceEqual("publishedAt"u8) ? Field.PublishedAt : Field.None;
        }

        private static Field FieldOf(string? name) => name switch
        {
            "id" => Field.Id,
            "title" => Field.Title,
            "text" => Field.Text,
            "highlights" => Field.Highlights,
            "labels" => Field.Labels,
            "publishedAt" => Field.PublishedAt,
            _ => Field.None,
        };

        private static string NameOf(Field field) => field switch
        {
            Field.Id => "id",
            Field.Title => "title",
            Field.Text => "text",
            Field.Highlights => "highlights",
            Field.Labels => "labels",
            _ => "publishedAt",
        };

        private readonly void Unknown()
        {
            if (Decoded() is not { } name)
            {
                Problems.Add(new ArticleProblem("", $"the name of a field is no valid UTF-8; the fields are {Fields}"));
                return;
            }
            var meant = Fields.Split(", ").FirstOrDefault(field => field.Equals(name.Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase))
                ?? name.ToLowerInvariant() switch
                {
                    "highlight" or "summary" or "summaries" => "highlights",
                    "article" or "body" or "content" => "text",
                    "headline" => "title",
                    "label" or "tags" => "labels",
                    "date" or "published" or "timestamp" => "publishedAt",
                    _ => null,
                };
            var hint = meant is null ? "" : $"; did you mean '{meant}'?";
            Problems.Add(new ArticleProblem(ArticleDraft.Shown(name), $"is not a field of an article{hint} (the fields are {Fields})"));
        }

        // The string at hand, or null where it is no text: bytes that are no UTF-8, or half a surrogate pair as an escape.
        private readonly string? Decoded()
        {
            if (!_reader.ValueIsEscaped) return Utf8.IsValid(_reader.ValueSpan) ? Encoding.UTF8.GetString(_reader.ValueSpan) : null;
            try
            {
                return _reader.GetString();
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }

        private string? Text(string field, bool optional)
        {
            if (_reader.TokenType == JsonTokenType.String)
            {
                var text = Decoded();
                if (text is null) Problems.Add(new ArticleProblem(field, NotText()));
                return text;
            }
            if (_reader.TokenType == JsonTokenType.Null && optional) return null;
            WrongType(field, "a string in double quotes");
            return null;
        }

        private readonly string NotText() => Utf8.IsValid(_reader.ValueSpan)
            ? "has an escape that is half of a surrogate pair; send both halves or the character itself"
            : "has bytes that are no UTF-8; send UTF-8";

        private void WrongType(string field, string wanted)
        {
            var found = _reader.TokenType switch
            {
                JsonTokenType.Number => "a number",
                JsonTokenType.True or JsonTokenType.False => "true or false",
                JsonTokenType.Null => "null",
                JsonTokenType.StartArray => "an array",
                JsonTokenType.StartObject => "an object",
                _ => "a string",
            };
            Problems.Add(new ArticleProblem(field, $"is {found}; it must be {wanted}"));
            if (!_reader.TrySkip()) throw new TruncatedException();
        }

        private void ReadPublishedAt(string field)
        {
            if (Text(field, optional: true) is not { } text) return;
            if (Timestamp.TryParse(text, out var moment)) _publishedAt = moment;
            else Problems.Add(new ArticleProblem(field, $"is '{ArticleDraft.Shown(text)}'; write it as RFC 3339, such as 2026-08-01T09:30:00Z"));
        }

        private void ReadHighlights(string field)
        {
            if (_reader.TokenType == JsonTokenType.Null) return;
            if (_reader.TokenType != JsonTokenType.StartArray)
            {
                WrongType(field, "an array of strings");
                return;
            }
            _highlights = [];
            while (Next() != JsonTokenType.EndArray) _highlights.Add(Text($"{field}[{_highlights.Count}]", optional: false) ?? "");
        }

        private void ReadLabels(string field)
        {
            if (_reader.TokenType == JsonTokenType.Null) return;
            if (_reader.TokenType != JsonTokenType.StartObject)
            {
                WrongType(field, "an object of strings");
                return;
            }
            _labels = new Dictionary<string, string>(StringComparer.Ordinal);
            while (Next() == JsonTokenType.PropertyName)
            {
                var name = Decoded();
                var place = $"{field}.{ArticleDraft.Shown(name ?? "?")}";
                if (name is null) Problems.Add(new ArticleProblem(field, "have a name that is no valid UTF-8; send UTF-8"));
                Next();
                var value = Text(place, optional: false);
                if (name is null || value is null) continue;
                if (!_labels.TryAdd(name, value)) Problems.Add(new ArticleProblem(place, "is there more than once; send it once"));
            }
        }
    }

    private sealed class TruncatedException : JsonException;
}
