using System.Net;
using System.Net.Http.Headers;
using System.Text;
using RsrNet.Server.Tests.Cli;

namespace RsrNet.Server.Tests.Http;

public sealed class KeyTests : IAsyncLifetime
{
    private const string Key = "an open sesame";

    private RunningServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start(serverOptions: new ServerOptions { Key = Key });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("/")]
    [InlineData("/v1/documents")]
    [InlineData("/metrics")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/nothing-there")]
    public async Task Request_WithoutTheKey_IsRefusedAndABrowserIsAsked(string path)
    {
        var answer = await _server.Get(path);
        answer.Problem(401);
        Assert.Equal("Basic", answer.Headers.WwwAuthenticate.Single().Scheme);
        Assert.DoesNotContain(Key, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probes_AreAnsweredWithoutIt() => Assert.Equal(HttpStatusCode.OK, (await _server.Get("/health/live")).Status);

    [Theory]
    [InlineData("Bearer", Key, HttpStatusCode.OK)]
    [InlineData("bearer", Key, HttpStatusCode.OK)]
    [InlineData("Bearer", Key + "!", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer", "", HttpStatusCode.Unauthorized)]
    [InlineData("Basic", "anybody:" + Key, HttpStatusCode.OK)]
    [InlineData("Basic", Key + ":", HttpStatusCode.Unauthorized)]
    [InlineData("Basic", Key, HttpStatusCode.Unauthorized)]
    [InlineData("Digest", Key, HttpStatusCode.Unauthorized)]
    public async Task Header_IsReadByItsScheme(string scheme, string shown, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/documents");
        var value = scheme == "Basic" ? Convert.ToBase64String(Encoding.UTF8.GetBytes(shown)) : shown;
        request.Headers.Authorization = new AuthenticationHeaderValue(scheme, value);
        using var response = await _server.Client.SendAsync(request, Cancellation);
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task Commands_TakeItFromTheEnvironment()
    {
        using var command = new CommandRun();
        var url = _server.Address.ToString();
        var refused = await command.Of("documents", "--url", url);
        Assert.Equal(1, refused.Code);
        Assert.Contains("asks for its key", refused.Notices, StringComparison.Ordinal);
        command.Set("RSRNET_KEY", Key);
        Assert.Equal(0, (await command.Of("documents", "--url", url)).Code);
    }
}
