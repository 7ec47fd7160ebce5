using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace RsrNet.Server.Tests.Cli;

/// <summary>
/// A server on a free loopback port that answers as a test says: for refusals and failures that a real one gives only on a bad day.
/// </summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication application;

    private ScriptedServer(WebApplication application) => this.application = application;

    public string Url => application.Urls.Single();

    /// <summary>Method, path and query of every request so far.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>The bodies of the same requests.</summary>
    public List<string> Bodies { get; } = [];

    /// <param name="answer">Called for one request after the other.</param>
    public static async Task<ScriptedServer> Start(Func<HttpRequest, HttpResponse, Task> answer, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var application = builder.Build();
        var server = new ScriptedServer(application);
        var turn = new SemaphoreSlim(1);
        application.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            await turn.WaitAsync();
            try
            {
                server.Requests.Add($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
                server.Bodies.Add(body);
                context.Items[typeof(ScriptedServer)] = body;
                await answer(context.Request, context.Response);
            }
            finally
            {
                turn.Release();
            }
        });
        await application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public static string BodyOf(HttpRequest request) => (string)request.HttpContext.Items[typeof(ScriptedServer)]!;

    public static Task Json(HttpResponse response, string json, int status = 200)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        return response.WriteAsync(json);
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();
}
