using System.Net.Http.Json;
using System.Text.Json.Nodes;
using RsrNet.Cli;

namespace RsrNet.Server.Tests.Cli;

/// <summary>A running serve command.</summary>
internal sealed class Serving : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken);
    private readonly StringWriter results = new(), notices = new();
    private readonly HttpClient http = new();
    private readonly Task<int> run;

    private Serving(CommandRun command, string[] arguments)
    {
        var terminal = command.Terminal(TextWriter.Synchronized(results), TextWriter.Synchronized(notices));
        run = Task.Run(() => RsrNetCommand.Run(
            ["serve", "--urls", "http://127.0.0.1:0", .. arguments], terminal, stop.Token));
    }

    public string Url { get; private set; } = "";

    public static async Task<Serving> Start(CommandRun command, params string[] arguments)
    {
        var serving = new Serving(command, arguments);
        const string Ready = "RSR-Net is ready: ";
        while (!serving.results.ToString().Contains(Ready, StringComparison.Ordinal))
        {
            Assert.False(serving.run.IsCompleted, serving.notices.ToString());
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        serving.Url = serving.results.ToString().Split(Ready)[1].Trim();
        return serving;
    }

    public async Task<JsonNode> WaitFor(Func<JsonNode, bool> condition)
    {
        while (true)
        {
            var numbers = await http.GetFromJsonAsync<JsonNode>(Url + "v1/telemetry", TestContext.Current.CancellationToken);
            if (condition(numbers!)) return numbers!;
            Assert.False(run.IsCompleted, notices.ToString());
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    public async Task<long> Documents() => (await WaitFor(_ => true))["documents"]!["total"]!.GetValue<long>();

    public async Task<CommandOutcome> Stop()
    {
        await stop.CancelAsync();
        return new CommandOutcome(await run, results.ToString(), notices.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        http.Dispose();
        stop.Dispose();
    }
}
