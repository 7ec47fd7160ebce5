using System.Threading.Channels;
using RsrNet.Core.Articles;
using RsrNet.Core.Embedding;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Documents;

/// <summary>
/// Unfinished documents in order of arrival, embedded ahead of their turn. The store is the queue: what waits takes no memory here, and what was
/// not finished when the process ended comes first when it starts again.
/// </summary>
internal sealed class Backlog : IAsyncDisposable
{
    /// <summary>Documents read from the store and embedded at a time.</summary>
    private const int Chunk = 128;

    /// <summary>
    /// The same where their sentences are read, which makes a document four times as large: the fewer of them are on the way, the more of them are gone before a
    /// collection of garbage has moved them twice.
    /// </summary>
    private const int ReadChunk = 64;

    /// <summary>Documents that an encoder gets at a time that uses all cores for each call.</summary>
    private const int Group = 8;

    private readonly IDocumentStore store;
    private readonly ITextEncoder encoder;
    private readonly ArticleReader reader;
    private readonly LearnerTelemetry telemetry;
    private readonly int chunk;
    private readonly Channel<Document> ready;
    private readonly Channel<bool> arrivals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource stop = new();
    private readonly Action onReady;
    private Task reading = Task.CompletedTask;
    private volatile bool isBehind = true;

    /// <param name="onReady">Called after documents became ready, from any thread.</param>
    public Backlog(IDocumentStore store, ArticleReader reader, LearnerTelemetry telemetry, Action onReady)
    {
        this.store = store;
        this.reader = reader;
        chunk = reader.ReadsSentences ? ReadChunk : Chunk;
        ready = Channel.CreateBounded<Document>(
            new BoundedChannelOptions(reader.ReadsSentences ? ReadChunk / 4 : 4 * Chunk) { SingleReader = true, SingleWriter = true });
        encoder = reader.Encoder;
        this.telemetry = telemetry;
        this.onReady = onReady;
    }

    public void Start() => reading = Task.Run(() => Read(stop.Token));

    /// <summary>Whether the store has, or may have, documents that were not made ready yet. Time is not idle then, though the next one is still being embedded.</summary>
    public bool IsBehind => isBehind;

    /// <summary>Tells that the store has new documents.</summary>
    public void OnArrival()
    {
        isBehind = true;
        arrivals.Writer.TryWrite(true);
    }

    /// <summary>The next document in order of arrival, embedded, or failed where its text could not be.</summary>
    public bool TryTake([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out Document document) => ready.Reader.TryRead(out document);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading;
        stop.Dispose();
    }

    private async Task Read(CancellationToken cancellation)
    {
        var last = 0L;
        try
        {
            while (true)
            {
                IReadOnlyList<Document> documents;
                try
                {
                    documents = await store.ReadUnfinished(last, chunk, cancellation);
                    telemetry.OnRecovered("backlog");
                }
                catch (StoreUnavailableException unavailable)
                {
                    telemetry.OnProblem("backlog", unavailable.Message);
                    await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
                    continue;
                }
                if (documents.Count == 0)
                {
                    isBehind = false;
                    onReady();
                    await arrivals.Reader.ReadAsync(cancellation);
                    isBehind = true;
                    continue;
                }
                // An encoder of a second an article should not keep the first waiting for the last.
                foreach (var group in documents.Chunk(encoder.UsesAllCores ? Group : chunk))
                {
                    foreach (var document in Embedded(group))
                    {
                        await ready.Writer.WriteAsync(document, cancellation);
                        onReady();
                    }
                    cancellation.ThrowIfCancellationRequested();
                }
                last = documents[^1].Sequence;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The learner is being closed; the store keeps what was not taken.
        }
    }

    private Document[] Embedded(Document[] documents)
    {
        var embedded = new Document[documents.Length];
        if (encoder.UsesAllCores && TryEmbedTogether(documents) is { } together) return together;
        Parallel.For(0, documents.Length, i => embedded[i] = Embedded(documents[i]));
        return embedded;
    }

    /// <summary>All in one call of the encoder; null where one of them makes it fail, and they are to be tried one by one.</summary>
    private Document[]? TryEmbedTogether(Document[] documents)
    {
        try
        {
            return reader.Read(documents);
        }
#pragma warning disable CA1031 // as below
        catch (Exception)
        {
            return null;
        }
#pragma warning restore CA1031
    }

    private Document Embedded(Document document)
    {
        var isNew = ArticleReader.IsBare(document);
        var startedAt = telemetry.Timestamp();
        var embedded = Encoded(document);
        if (isNew) telemetry.OnEmbedded(embedded, startedAt);
        return embedded;
    }

    private Document Encoded(Document document)
    {
        try
        {
            return reader.Read(document);
        }
        // An encoder may be anybody's; whatever it throws concerns this one text, and must not stop those behind it.
#pragma warning disable CA1031
        catch (Exception exception)
        {
            return document.Failing($"the encoder {encoder.Id} could not embed the text: {exception.Message}");
        }
#pragma warning restore CA1031
    }
}
