using System.Net;
using RsrNet.Server.Tests.Http;

namespace RsrNet.Server.Tests.Documents;

public sealed class AmendmentRoutesTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Highlights_OfAKnownArticle_MakeTheNextRevision()
    {
        await Put();
        var answer = await _server.PostJson("/v1/documents/a/highlights", """{"highlights": ["Apples grow on trees"]}""");
        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        Assert.Equal(("a", 2, "pending"), ((string)answer.Json["id"]!, (int)answer.Json["revision"]!, (string)answer.Json["status"]!));

        var again = await _server.PostJson("/v1/documents/a/highlights", """{"highlights": ["Apples grow on trees"]}""");
        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.True((bool)again.Json["duplicate"]!);
    }

    [Fact]
    public async Task Highlights_AfterRefinement_AreScoredByWhatWasForetold()
    {
        await Put();
        await _server.PostJson("/v1/documents/a/refine", """{"steps": 2, "timeLimitMs": 60000}""");
        var answer = await _server.PostJson("/v1/documents/a/highlights", """{"highlights": ["Apples grow on trees"]}""");
        Assert.InRange((float)answer.Json["similarity"]!, -1, 1);
    }

    [Fact]
    public async Task Labels_JoinThoseThereAre()
    {
        await Put();
        Assert.Equal(HttpStatusCode.Accepted, (await _server.PostJson("/v1/documents/a/labels", """{"labels": {"topic": "fruit"}}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await _server.PostJson("/v1/documents/a/labels", """{"labels": {"topic": "fruit"}}""")).Status);
    }

    [Theory]
    [InlineData("highlights", "{}", "highlights")]
    [InlineData("highlights", """{"highlights": []}""", "highlights")]
    [InlineData("highlights", """{"highlights": "one"}""", "highlights")]
    [InlineData("highlights", """{"highlights": [" "]}""", "highlights[0]")]
    [InlineData("highlights", """{"labels": {}}""", "labels")]
    [InlineData("labels", """{"labels": {}}""", "labels")]
    [InlineData("labels", """{"labels": {"a": 5}}""", "labels.a")]
    public async Task WrongField_IsRefusedByName(string route, string json, string field)
    {
        await Put();
        (await _server.PostJson($"/v1/documents/a/{route}", json)).Errors(field);
    }

    [Fact]
    public async Task UnknownDocument_IsNotFound() =>
        (await _server.PostJson("/v1/documents/nobody/highlights", """{"highlights": ["x"]}""")).Problem(404);

    [Fact]
    public async Task Shadow_WhereThereIsNone_IsNotFoundAndSaysHowToHaveOne()
    {
        var answer = await _server.Send(HttpMethod.Get, "/v1/weights/shadow");
        answer.Problem(404);
        Assert.Contains("Shadow.Enabled", answer.Text, StringComparison.Ordinal);
        (await _server.PostJson("/v1/weights/shadow/promote", "{}")).Problem(404);
    }

    private Task Put() => _server.PostJson("/v1/articles", """{"id": "a", "text": "Apples grow on trees in the orchard. Farmers pick them in autumn."}""");
}
