using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Models;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Server;
using RsrNet.Server.Configuration;

namespace RsrNet.Cli.Bench;

/// <summary>
/// The whole way of labelled articles through a real server of this process: NDJSON over HTTP, durable in SQLite, embedded, scored, learned from,
/// refined to the end, state readable. Each round is another server with an empty data folder.
/// </summary>
internal sealed class Pipeline
{
    /// <summary>Characters of an article's text: what CNN/DailyMail has on average.</summary>
    private const int TextLength = 4_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="Learned">Labelled articles a second until all were learned from and their state can be read.</param>
    /// <param name="Finished">The same until all were converged or exhausted.</param>
    /// <param name="Processor">Seconds of processor time of this process for an article until all were converged or exhausted: what other programs disturb less than the clock.</param>
    public readonly record struct Rates(double Learned, double Finished, double Processor);

    /// <param name="mode">How the server learns.</param>
    /// <param name="articles">Labelled articles that are sent and timed, after a tenth as many that are not.</param>
    public static async Task<Rates> Measure(LearningMode mode, int articles, CancellationToken cancellation)
    {
        var (warmUp, body) = (Body(0, articles / 10), Body(articles / 10, articles));
        await using var server = await Start(mode, cancellation);
        using var client = new HttpClient { BaseAddress = server.Process.Address };
        await Send(client, warmUp, cancellation);
        await server.Until(counts => counts.Unfinished == 0, cancellation);
        var before = (await server.Process.Learner.ReadTelemetry(cancellation)).Learned;

        var started = Stopwatch.GetTimestamp();
        var processor = Environment.CpuUsage.TotalTime;
        await Send(client, body, cancellation);
        while ((await server.Process.Learner.ReadTelemetry(cancellation)).Learned < before + articles) await Task.Delay(2, cancellation);
        using (var last = await client.GetAsync($"/v1/documents/bench-{articles / 10 + articles - 1}", cancellation)) last.EnsureSuccessStatusCode();
        var learned = Stopwatch.GetElapsedTime(started);
        await server.Until(counts => counts.Unfinished == 0, cancellation);
        var finished = Stopwatch.GetElapsedTime(started);
        return new Rates(
            articles / learned.TotalSeconds, articles / finished.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds / articles);
    }

    /// <returns>MB that the process holds more, after a full collection, once so many documents have gone their way and are at rest.</returns>
    public static async Task<double> MeasureMemory(int documents, CancellationToken cancellation)
    {
        // The notebook's mode, which the figures of other days are of.
        await using var server = await Start(LearningMode.Notebook, cancellation);
        // What the server allocates once, for any number of documents, is there before the first look.
        await SendInParts(server, 0, 1_000, cancellation);
        var before = Held();
        await SendInParts(server, 1_000, documents, cancellation);
        return (Held() - before) / 1e6;
    }

    /// <summary>Sends so that the sender holds little itself, and waits until all is refined.</summary>
    private static async Task SendInParts(Running server, int first, int count, CancellationToken cancellation)
    {
        const int Part = 500;
        using var client = new HttpClient { BaseAddress = server.Process.Address };
        for (var sent = 0; sent < count; sent += Part) await Send(client, Body(first + sent, Part), cancellation);
        await server.Until(counts => counts.Unfinished == 0, cancellation);
    }

    private static long Held()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: false);
    }

    public static async Task Send(HttpClient client, byte[] body, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var answer = await client.PostAsync("/v1/articles", content, cancellation);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Labelled articles as NDJSON.</summary>
    public static byte[] Body(int first, int count)
    {
        var body = new MemoryStream();
        using var wire = new DemoNewswire().From().Where(article => article.HasHighlights).Skip(first).GetEnumerator();
        for (var i = first; i < first + count; i++)
        {
            wire.MoveNext();
            var article = wire.Current;
            var text = article.Text;
            while (text.Length < TextLength && wire.MoveNext()) text = string.Concat(text, "\n", wire.Current.Text);
            JsonSerializer.Serialize(
                body, new { id = string.Create(CultureInfo.InvariantCulture, $"bench-{i}"), title = article.Title, text, highlights = article.Highlights }, Json);
            body.WriteByte((byte)'\n');
        }
        return body.ToArray();
    }

    private static async Task<Running> Start(LearningMode mode, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("rsrnet-bench-").FullName;
        var configuration = new ConfigurationFile(new RsrNetOptions { Learning = mode }, new ServerOptions { Urls = "http://127.0.0.1:0", Data = folder });
        var encoders = new EncoderChoice(new EmbeddingOptions(), new ModelLibrary(folder), EngineCatalog.OfCore(), BartTokenizer.Open);
        var plan = new ServingPlan(configuration, EngineCatalog.OfCore().Find("cpu"), encoders, EncoderChoice.Hashed);
        return new Running(await SingleProcess.Start(plan, static _ => { }, cancellation), folder);
    }

    private sealed class Running(SingleProcess process, string folder) : IAsyncDisposable
    {
        public SingleProcess Process => process;

        public async Task Until(Func<DocumentCounts, bool> reached, CancellationToken cancellation)
        {
            while (!reached((await process.Learner.ReadTelemetry(cancellation)).Documents)) await Task.Delay(10, cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}

/// <summary>The hashed encoder on articles of real length, on one core.</summary>
internal static class EncoderRate
{
    private const int Articles = 64;

    /// <returns>Articles a second of processor time.</returns>
    public static double Measure(ITextEncoder encoder, int rounds)
    {
        string[] texts = [.. new DemoNewswire().From().Chunk(4).Take(Articles).Select(four => string.Join('\n', four.Select(article => article.Text)))];
        var embeddings = new float[Articles * encoder.Dimensions];
        var clock = new Stopclock(() => encoder.Encode(texts, embeddings), threads: 1);
        var samples = new Samples();
        for (var round = 0; round < rounds; round++) samples.Add(Articles / clock.Measure());
        return samples.Median;
    }
}
