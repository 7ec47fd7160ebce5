using System.Diagnostics;
using System.Net;
using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>Sends the articles of files to a server, batch by batch, and keeps note of how far it is.</summary>
/// <param name="resume">Null to keep no note.</param>
internal sealed class Ingest(List<IngestSource> sources, ArticleDelivery delivery, ResumePoint? resume, Terminal terminal)
{
    // A batch is one request: large enough that its way costs little, small enough that little is sent twice when a connection breaks.
    private const int BatchArticles = 256, BatchBytes = 1024 * 1024;

    /// <summary>The server says what is too long; this only keeps a file that is no article file out of memory.</summary>
    private static readonly ArticleLimits NoLimits = new()
    {
        IdLength = int.MaxValue,
        TitleLength = int.MaxValue,
        TextLength = int.MaxValue,
        Highlights = int.MaxValue,
        Labels = int.MaxValue,
        BodyBytes = 256 * 1024 * 1024,
    };

    private readonly List<OutgoingArticle> batch = [];
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private int batchBytes;
    private long done;
    private string? lastId;

    /// <summary>Items of this run and those that earlier runs did.</summary>
    public long Done => done;

    /// <summary>Items that an earlier run did.</summary>
    public long Resumed { get; private set; }

    public TimeSpan Elapsed => clock.Elapsed;

    public long TotalBytes { get; } = sources.Sum(source => source.Bytes);

    /// <summary>About how many bytes of the files are done.</summary>
    public long DoneBytes { get; private set; }

    public async Task Run(ServerClient server, CancellationToken cancellation)
    {
        var (start, passed) = await FindStart(server, cancellation);
        DoneBytes = sources.Take(start).Sum(source => source.Bytes);
        for (var i = start; i < sources.Count; i++)
        {
            await Take(sources[i], i == start ? passed : 0, cancellation);
        }
        await delivery.Send(batch, cancellation);
        resume?.Remove();
    }

    private async Task<(int Source, long Passed)> FindStart(ServerClient server, CancellationToken cancellation)
    {
        if (resume?.Read() is not { } place) return (0, 0);
        var start = sources.FindIndex(source => source.Mark == place.Mark);
        if (start < 0 || !await Knows(server, place.LastId, cancellation))
        {
            terminal.Notice("the files or the server's data changed since the last run; starting from the beginning");
            return (0, 0);
        }
        Resumed = done = place.Delivered;
        lastId = place.LastId;
        terminal.Notice($"going on behind {Resumed:N0} items that an earlier run sent (--restart sends them again)");
        return (start, place.Passed);
    }

    private static async Task<bool> Knows(ServerClient server, string? id, CancellationToken cancellation)
    {
        if (id is null) return false;
        try
        {
            await server.Get($"v1/documents/{ServerClient.Escape(id)}", cancellation);
            return true;
        }
        catch (ServerRefusedException refusal) when (refusal.Status == HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (CommandException)
        {
            // A server that is away now is waited for when the first batch goes out; whether it knows the article is not known.
            return true;
        }
    }

    /// <summary>Small files share a batch: what a source leaves in it goes out with the next one's articles.</summary>
    private async Task Take(IngestSource source, long passed, CancellationToken cancellation)
    {
        if (source.Problem is not null)
        {
            delivery.Reject(new RejectedArticle(source.File, null, source.Problem));
            return;
        }
        var before = DoneBytes;
        await foreach (var item in Read(source, cancellation))
        {
            if (item.Index < passed) continue;
            if (item.Reading.IsAccepted) Add(item, item.Reading.Article);
            else delivery.Reject(new RejectedArticle(item.Source, item.Line, item.Reading.Error));
            done++;
            if (batch.Count < BatchArticles && batchBytes < BatchBytes) continue;
            DoneBytes = Math.Min(DoneBytes + batchBytes, before + source.Bytes);
            await Flush(source, item.Index + 1, cancellation);
        }
        DoneBytes = before + source.Bytes;
    }

    private void Add(ArticleItem item, Article article)
    {
        var json = ArticleLine.Of(article);
        batch.Add(new OutgoingArticle(item.Source, item.Line, json));
        batchBytes += json.Length + 1;
        lastId = article.Id;
    }

    private async Task Flush(IngestSource source, long passed, CancellationToken cancellation)
    {
        await delivery.Send(batch, cancellation);
        batch.Clear();
        batchBytes = 0;
        resume?.Write(new ResumePoint.Place(source.Mark, passed, lastId, done));
    }

    private IAsyncEnumerable<ArticleItem> Read(IngestSource source, CancellationToken cancellation) =>
        source.File == IngestSources.StandardInput
            ? ArticleLines.Read(terminal.OpenInput(), source.File, NoLimits, cancellation)
            : ArticleFiles.ReadFile(source.File, NoLimits, cancellation);
}
