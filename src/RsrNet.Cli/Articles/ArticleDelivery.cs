using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RsrNet.Cli.Articles;

/// <summary>One article on its way to a server.</summary>
/// <param name="Source">The file it came from, or <c>-</c>.</param>
/// <param name="Line">Its line there, from 1; null where a file is one article.</param>
/// <param name="Json">One line of NDJSON, without the line's end.</param>
internal sealed record OutgoingArticle(string Source, long? Line, ReadOnlyMemory<byte> Json);

/// <param name="Line">From 1; null where the whole file is meant.</param>
internal sealed record RejectedArticle(string Source, long? Line, string Error);

/// <summary>
/// Sends batches of articles and does not give up easily: it waits as long as a busy server (429) asks for, and sends a batch again when the
/// server was away. The server takes an article once, however often it comes, so sending again loses and doubles nothing.
/// </summary>
/// <param name="patience">How long a server may be away before the delivery fails.</param>
/// <param name="notice">Takes a line for the user when waiting begins and ends.</param>
internal sealed class ArticleDelivery(ServerClient server, TimeSpan patience, TimeProvider time, Action<string> notice)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(2);

    private readonly List<RejectedArticle> rejected = [];

    public long Accepted { get; private set; }

    /// <summary>Articles that the server had already, among them those of a batch that was cut off after the server had stored it.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Articles that were sent more than once because an answer did not come.</summary>
    public long Resent { get; private set; }

    public IReadOnlyList<RejectedArticle> Rejected => rejected;

    public void Reject(RejectedArticle article) => rejected.Add(article);

    /// <summary>Returns once the server has stored every article of the batch, or has refused it for good.</summary>
    /// <exception cref="CommandException">The server stayed away, or refused the batch as a whole.</exception>
    public async Task Send(IReadOnlyList<OutgoingArticle> batch, CancellationToken cancellation)
    {
        if (batch.Count == 0) return;
        var lines = Join(batch);
        var away = (DateTimeOffset?)null;
        var pause = FirstPause;
        while (true)
        {
            string problem;
            try
            {
                using var response = await server.PostLines("v1/articles", lines, cancellation);
                if (response.IsSuccessStatusCode)
                {
                    var answer = await ReadAnswer(response, cancellation);
                    if (away is not null) notice("the server is back");
                    Count(answer, batch);
                    return;
                }
                if (response.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    away = null;
                    Resent += batch.Count;
                    await Task.Delay(RetryAfter(response), time, cancellation);
                    continue;
                }
                problem = await ServerClient.ReadProblem(response, cancellation);
                if (response.StatusCode == HttpStatusCode.RequestEntityTooLarge)
                {
                    await SendParts(batch, problem, cancellation);
                    return;
                }
                if (!MayPass(response.StatusCode)) throw new CommandException($"{server.Address} refused the articles: {problem}");
            }
            catch (Exception lost) when (IsLoss(lost, cancellation))
            {
                problem = lost.Message;
            }
            if (away is null)
            {
                away = time.GetUtcNow();
                notice($"the server does not take articles now ({problem}); trying again for {patience.TotalSeconds:0} s");
            }
            if (time.GetUtcNow() - away >= patience)
            {
                throw new CommandException(
                    $"{server.Address} took no articles for {patience.TotalSeconds:0} s: {problem}. The same command goes on where this one stopped.");
            }
            Resent += batch.Count;
            await Task.Delay(pause, time, cancellation);
            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
        }
    }

    private static byte[] Join(IReadOnlyList<OutgoingArticle> batch)
    {
        var lines = new byte[batch.Sum(article => article.Json.Length + 1)];
        var end = 0;
        foreach (var article in batch)
        {
            article.Json.CopyTo(lines.AsMemory(end));
            end += article.Json.Length;
            lines[end++] = (byte)'\n';
        }
        return lines;
    }

    private static async Task<JsonNode> ReadAnswer(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            if (JsonNode.Parse(body) is JsonObject answer && answer["accepted"] is not null) return answer;
        }
        catch (JsonException)
        {
            // The message below fits this too.
        }
        throw new CommandException("the answer has no count of accepted articles; is it an RSR-Net server?");
    }

    /// <summary>A server that starts, stops or has a full disk may take the batch a little later; other refusals will stay.</summary>
    private static bool MayPass(HttpStatusCode status) => (int)status >= 500;

    private static bool IsLoss(Exception exception, CancellationToken cancellation) =>
        exception is HttpRequestException or IOException
        || (exception is TaskCanceledException && !cancellation.IsCancellationRequested);

    private TimeSpan RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : TimeSpan.FromSeconds(1));
        return wait < FirstPause ? FirstPause : wait;
    }

    private async Task SendParts(IReadOnlyList<OutgoingArticle> batch, string problem, CancellationToken cancellation)
    {
        if (batch.Count == 1)
        {
            Reject(new RejectedArticle(batch[0].Source, batch[0].Line, problem));
            return;
        }
        await Send([.. batch.Take(batch.Count / 2)], cancellation);
        await Send([.. batch.Skip(batch.Count / 2)], cancellation);
    }

    private void Count(JsonNode answer, IReadOnlyList<OutgoingArticle> batch)
    {
        Accepted += answer.Integer("accepted") ?? 0;
        Duplicates += answer.Integer("duplicates") ?? 0;
        foreach (var rejection in answer.Items("rejected"))
        {
            var line = rejection.Integer("line") ?? 0;
            var article = line >= 1 && line <= batch.Count ? batch[(int)line - 1] : null;
            Reject(new RejectedArticle(article?.Source ?? "?", article?.Line, rejection.Text("error") ?? "refused without a reason"));
        }
    }
}
