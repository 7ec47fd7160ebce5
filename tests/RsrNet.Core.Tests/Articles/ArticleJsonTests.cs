using System.Buffers;
using System.Text;
using RsrNet.Core.Articles;

namespace RsrNet.Core.Tests.Articles;

public class ArticleJsonTests
{
    private static readonly ArticleLimits Limits = new();

    [Fact]
    public void EveryField_IsRead()
    {
        var article = Accepted("""
            {"id": "a-1", "title": " A title ", "text": "Some text.", "highlights": ["Text.", "Some"],
             "labels": {"topic": "world", "lang": "en"}, "publishedAt": "2026-08-01T09:30:00.5+02:00"}
            """);
        Assert.Equal(("a-1", "A title", "Some text."), (article.Id, article.Title, article.Text));
        Assert.Equal(["Text.", "Some"], article.Highlights);
        Assert.Equal(["lang=en", "topic=world"], article.Labels.Select(label => $"{label.Key}={label.Value}"));
        Assert.Equal(new DateTimeOffset(2026, 8, 1, 7, 30, 0, 500, TimeSpan.Zero), article.PublishedAt);
    }

    [Fact]
    public void TextAlone_GetsTheIdOfItsContent()
    {
        var article = Accepted("""{"text":"Some text."}""");
        Assert.Equal(article.IdOfContent(), article.Id);
        Assert.Equal(32, article.Id.Length);
        Assert.Equal(article.Id, Accepted("""{"text": "Some\u0020text.", "title": null, "highlights": null, "labels": null, "publishedAt": null, "id": null}""").Id);
        Assert.False(article.HasHighlights);
    }

    [Fact]
    public void EscapedNamesAndCharacters_AreDecoded()
    {
        var article = Accepted("""{"te\u0078t": "caf\u00e9 \ud83d\ude00 \"x\""}""");
        Assert.Equal("café 😀 \"x\"", article.Text);
    }

    [Fact]
    public void ByteOrderMark_IsPassedOver()
    {
        Assert.Equal("Text one.", Accepted("\uFEFF{\"text\": \"\uFEFFText one.\"}").Text);
    }

    [Fact]
    public void CarriageReturns_BecomeLineFeeds()
    {
        Assert.Equal("a\nb\nc", Accepted("""{"text": "a\r\nb\rc"}""").Text);
    }

    [Fact]
    public void AllProblems_AreNamedAtOnce()
    {
        var problems = Problems("""{"id": "a/b", "Text": "x", "text": 7, "highlights": ["ok", "", 3], "labels": {"a": 1}, "publishedAt": "yesterday"}""");
        Assert.Equal(
            ["Text", "highlights[1]", "highlights[2]", "id", "labels.a", "publishedAt", "text"],
            problems.Select(problem => problem.Field).Order(StringComparer.Ordinal));
        Assert.Contains(problems, problem => problem.Field == "Text" && problem.Message.Contains("did you mean 'text'", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Field == "id" && problem.Message.Contains("slash", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"text": ""}""", "text", "is empty")]
    [InlineData("""{"text": " \n\t "}""", "text", "is empty")]
    [InlineData("""{"text": "?!... --- *"}""", "text", "no letter or digit")]
    [InlineData("""{"text": "😀❤️👩‍👩‍👧 🎉"}""", "text", "no letter or digit")]
    [InlineData("""{"id": "x"}""", "text", "is missing")]
    [InlineData("""{}""", "text", "is missing")]
    [InlineData("""{"text": null}""", "text", "is null; it must be a string")]
    [InlineData("""{"text": ["a"]}""", "text", "is an array; it must be a string")]
    [InlineData("""{"text": {"a": 1}}""", "text", "is an object; it must be a string")]
    [InlineData("""{"text": true}""", "text", "is true or false; it must be a string")]
    [InlineData("""{"text": "a b", "title": 12}""", "title", "is a number; it must be a string")]
    [InlineData("""{"text": "a b", "id": 12}""", "id", "is a number; it must be a string")]
    [InlineData("""{"text": "a b", "highlights": "a"}""", "highlights", "is a string; it must be an array of strings")]
    [InlineData("""{"text": "a b", "labels": ["a"]}""", "labels", "is an array; it must be an object of strings")]
    [InlineData("""{"text": "a b", "labels": {"topic": ["a"]}}""", "labels.topic", "is an array; it must be a string")]
    [InlineData("""{"text": "a b", "labels": {"topic": ""}}""", "labels.topic", "is empty")]
    [InlineData("""{"text": "a b", "labels": {"topic": "a", "topic": "b"}}""", "labels.topic", "more than once")]
    [InlineData("""{"text": "a b", "text": "c d"}""", "text", "more than once")]
    [InlineData("""{"text": "a b", "body": "c d"}""", "body", "did you mean 'text'")]
    [InlineData("""{"text": "a b", "colour": {"deep": [1, 2, {"x": null}]}}""", "colour", "is not a field of an article (the fields are id, title, text")]
    [InlineData("""{"text": "a b", "id": ""}""", "id", "is empty")]
    [InlineData("""{"text": "a b", "id": "a\\b"}""", "id", "has a slash; ids are part of URLs")]
    [InlineData("""{"text": "a b", "id": "a b"}""", "id", "has a blank")]
    [InlineData("""{"text": "a b", "id": "a\u0007b"}""", "id", "control character U+0007")]
    [InlineData("""{"text": "a b", "id": "a?b"}""", "id", "has the character '?'")]
    [InlineData("""{"text": "a b", "id": ".."}""", "id", "which a URL takes for a folder")]
    [InlineData("""{"text": "a b", "highlights": ["a", "b", " "]}""", "highlights[2]", "is empty")]
    [InlineData("""{"text": "a b", "highlights": ["!?"]}""", "highlights[0]", "no letter or digit")]
    [InlineData("""{"text": "a b", "highlights": ["a b c"]}""", "highlights[0]", "is longer (5 characters) than the article's text (3)")]
    [InlineData("""{"text": "a b", "highlights": [null]}""", "highlights[0]", "is null; it must be a string")]
    [InlineData("""{"text": "a\u0000b"}""", "text", "NUL character at position 1")]
    [InlineData("""{"text": "a \ud800 b"}""", "text", "half of a surrogate pair")]
    [InlineData("""{"text": "a b", "title": "\udc00"}""", "title", "half of a surrogate pair")]
    [InlineData("""{"text": "a b", "publishedAt": "2026-08-01"}""", "publishedAt", "RFC 3339")]
    [InlineData("""{"text": "a b", "publishedAt": 1234567}""", "publishedAt", "is a number; it must be a string")]
    [InlineData("""[{"text": "a b"}]""", "", "JSON array; send one object")]
    [InlineData("""  "a b" """, "", "no JSON object")]
    [InlineData("", "", "is empty")]
    [InlineData("""{"text": "a b"} {"text": "c"}""", "", "broken at byte 16")]
    [InlineData("""{"text": "a b",}""", "", "broken at byte 15")]
    [InlineData("""{text: "a b"}""", "", "broken at byte 1: 't'")]
    public void BadArticle_NamesFieldAndReason(string json, string field, string reason)
    {
        var problem = Assert.Single(Problems(json));
        Assert.Equal(field, problem.Field);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"text": "a b c d""")]
    [InlineData("""{"text": "a b", "id": """)]
    [InlineData("""{"text": "a b", "colour": [1, 2""")]
    [InlineData("""{"text": "a b" """)]
    [InlineData("""{"text": "a b", "highlights": ["a", """)]
    [InlineData("""{"text": "a \ud8""")]
    public void CutJson_SaysAtWhichByte(string json)
    {
        var problem = Problems(json)[^1];
        Assert.Contains($"breaks off at byte {Encoding.UTF8.GetByteCount(json)},", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenBehindALineFeed_CountsBytesFromTheStart()
    {
        var problem = Assert.Single(Problems("{\n\n \"text\": x}"));
        Assert.Contains("broken at byte 12: 'x'", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidUtf8_NamesTheFieldItIsIn()
    {
        byte[] json = [.. "{\"text\": \"a b\", \"highlights\": [\"a\", \"\xFF\"]}".Select(unit => (byte)unit)];
        var problem = Assert.Single(ArticleJson.Read(json, Limits).Problems);
        Assert.Equal("highlights[1]", problem.Field);
        Assert.Contains("no UTF-8", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidUtf8InAName_IsAProblem()
    {
        byte[] json = [.. "{\"text\": \"a b\", \"\xC3(\": 1}".Select(unit => (byte)unit)];
        Assert.Contains("no valid UTF-8", Assert.Single(ArticleJson.Read(json, Limits).Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NulByte_IsNamed()
    {
        var problem = Assert.Single(Problems("{\"text\": \"a\0b\"}"));
        Assert.Contains("byte 11: a NUL byte", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextOf5Megabytes_IsRefusedWithTheLimit()
    {
        var json = $$"""{"text": "{{new string('a', 5_000_000)}}"}""";
        Assert.Contains("at most 4,194,304 are allowed", Assert.Single(Problems(json)).Message, StringComparison.Ordinal);
        var roomy = ArticleJson.Read(Encoding.UTF8.GetBytes(json), Limits with { BodyBytes = 8_000_000 });
        var problem = Assert.Single(roomy.Problems);
        Assert.Equal("text", problem.Field);
        Assert.Contains("5,000,000 characters; at most 1,000,000", problem.Message, StringComparison.Ordinal);
        Assert.True(ArticleJson.Read(Encoding.UTF8.GetBytes(json), Limits with { BodyBytes = 8_000_000, TextLength = 5_000_000 }).IsAccepted);
    }

    [Fact]
    public void TooMuchOfAnything_NamesTheLimit()
    {
        var labels = string.Join(",", Enumerable.Range(0, 21).Select(i => $"\"l{i}\": \"v\""));
        var highlights = string.Join(",", Enumerable.Repeat("\"a\"", 51));
        var problems = Problems(
            $$"""{"text": "a b", "id": "{{new string('i', 1000)}}", "title": "{{new string('t', 1001)}}", "highlights": [{{highlights}}], "labels": { {{labels}} } }""");
        Assert.Equal(["id", "title", "highlights", "labels"], problems.Select(problem => problem.Field));
        Assert.Contains("1,000 characters; at most 200", problems[0].Message, StringComparison.Ordinal);
        Assert.Contains("51; at most 50", problems[2].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("A-z_0.9:x~y@z")]
    [InlineData("Österreich-東京-अनुच्छेद")]
    public void GoodId_IsKept(string id)
    {
        Assert.Equal(id, Accepted($$"""{"id": "{{id}}", "text": "a b"}""").Id);
    }

    [Fact]
    public void PiecesOfASequence_ReadLikeTheWhole()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"id": "s", "text": "caf\u00e9 und Straße"}""");
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            var first = new Piece(bytes.AsMemory(0, cut), null);
            var last = new Piece(bytes.AsMemory(cut), first);
            var reading = ArticleJson.Read(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), Limits);
            Assert.Equal("café und Straße", reading.Article?.Text);
        }
    }

    [Fact]
    public void EveryPrefixOfAnArticle_IsRejectedWithoutAnException()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"id": "s", "text": "caf\u00e9 \ud83d\ude00 ß", "highlights": ["a"], "labels": {"a": "b"}, "x": [{"y": 1.5e3}]}""");
        for (var length = 0; length < bytes.Length; length++) Assert.False(ArticleJson.Read(bytes.AsSpan(0, length), Limits).IsAccepted);
    }

    [Fact]
    public void AnyByteReplaced_NeverThrows()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"id": "s", "text": "caf\u00e9 \ud83d\ude00 ß", "highlights": ["a"], "labels": {"a": "b"}, "publishedAt": "2026-08-01T09:30:00Z"}""");
        var rejected = 0;
        for (var place = 0; place < bytes.Length; place++)
        {
            foreach (byte other in new byte[] { 0, (byte)'"', (byte)'\\', (byte)'{', (byte)']', 0x80, 0xFF })
            {
                var damaged = bytes.ToArray();
                damaged[place] = other;
                var reading = ArticleJson.Read(damaged, Limits);
                if (!reading.IsAccepted) rejected++;
                Assert.Equal(reading.IsAccepted, reading.Problems.Count == 0);
            }
        }
        Assert.InRange(rejected, bytes.Length, bytes.Length * 7);
    }

    private static Article Accepted(string json)
    {
        var reading = ArticleJson.Read(Encoding.UTF8.GetBytes(json), Limits);
        Assert.Equal("", reading.Error);
        return reading.Article!;
    }

    private static IReadOnlyList<ArticleProblem> Problems(string json) => ArticleJson.Read(Encoding.UTF8.GetBytes(json), Limits).Problems;

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null) return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
