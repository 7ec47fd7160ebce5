using System.Net;
using System.Net.Sockets;
using System.Text;
using RsrNet.Core.Documents;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Tests.Http;

public sealed class RsrNetServerTests : IAsyncLifetime
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.Start();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("GET", "/nothing")]
    [InlineData("GET", "/v1")]
    [InlineData("POST", "/v2/articles")]
    public async Task Path_ThatIsUnknown_IsAProblem(string method, string path) =>
        Assert.Contains(path, (string)(await _server.Send(new HttpMethod(method), path)).Problem(404)["detail"]!, StringComparison.Ordinal);

    [Theory]
    [InlineData("GET", "/v1/articles", "POST")]
    [InlineData("PATCH", "/v1/documents/a", "GET")]
    [InlineData("POST", "/health/live", "GET")]
    public async Task Method_ThatIsNotPossible_IsAProblemThatNamesThoseThatAre(string method, string path, string allowed)
    {
        var answer = await _server.Send(new HttpMethod(method), path);
        Assert.Contains(allowed, (string)answer.Problem(405)["detail"]!, StringComparison.Ordinal);
        Assert.Contains(allowed, answer.ContentHeaders.Allow);
    }

    [Fact]
    public async Task Port_InUse_IsNamedWithWhatToDo()
    {
        await using var second = RsrNetServer.Build(
            new ServerOptions { Urls = $"http://127.0.0.1:{_server.Address.Port}" }, new(), _server.Learner);

        var problem = await Assert.ThrowsAsync<AddressUnavailableException>(() => second.Start(Cancellation));

        Assert.Contains($"http://127.0.0.1:{_server.Address.Port} is in use", problem.Message, StringComparison.Ordinal);
        Assert.Contains("--urls", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Address_ThatIsNotOfThisMachine_IsNamedWithWhatToDo()
    {
        // 192.0.2.0/24 is for documentation (RFC 5737).
        await using var server = RsrNetServer.Build(new ServerOptions { Urls = "http://192.0.2.1:5080" }, new(), _server.Learner);

        var problem = await Assert.ThrowsAsync<AddressUnavailableException>(() => server.Start(Cancellation));

        Assert.Contains("192.0.2.1", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5080")]
    [InlineData("https://127.0.0.1:5080")]
    [InlineData("http://127.0.0.1:5080/path")]
    public void Urls_ThatCannotBe_AreRefused(string urls)
    {
        var problem = Assert.Throws<ArgumentException>(() => RsrNetServer.Build(new ServerOptions { Urls = urls }, new(), _server.Learner));
        Assert.Contains("Server.Urls", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ListensOnlyWhereItIsTold()
    {
        // An environment variable of ASP.NET Core must not open another port.
        Environment.SetEnvironmentVariable("ASPNETCORE_URLS", "http://127.0.0.1:0");
        try
        {
            await using var server = RsrNetServer.Build(
                new ServerOptions { Urls = "http://127.0.0.1:0;http://[::1]:0" }, new(), _server.Learner);
            try
            {
                await server.Start(Cancellation);
            }
            catch (AddressUnavailableException)
            {
                Assert.Skip("this machine has no IPv6");
            }
            Assert.Equal(["127.0.0.1", "[::1]"], server.Addresses.Select(address => address.Host));
            Assert.DoesNotContain(server.Addresses, address => address.Port == 0);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASPNETCORE_URLS", null);
        }
    }

    [Fact]
    public void DataFolder_OfARunningServer_CannotBeOpenedTwice()
    {
        var problem = Assert.Throws<StoreUnavailableException>(() => SqliteDocumentStore.Open(_server.Store.Folder));
        Assert.Contains(_server.Store.Folder, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_ThatIsNoHttp_DoesNotHarm()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(_server.Address.Host, _server.Address.Port, Cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("\0\0 nonsense\r\n\r\n"), Cancellation);
        using var reader = new StreamReader(client.GetStream());

        Assert.StartsWith("HTTP/1.1 400", await reader.ReadLineAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _server.Get("/health/live")).Status);
    }

    [Fact]
    public async Task Learner_ThatIsClosed_IsUnavailable()
    {
        await _server.CloseLearner();
        (await _server.PostJson("/v1/documents/a/refine", "{}")).Problem(503);
    }
}
