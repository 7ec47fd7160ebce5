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
/// Sends batches of articles and does not give up easily: it waits as long as a busy server (429) asks for, and sends a batch again
/// when the server was away. The server takes an article once, however often it comes, so sending again loses and doubles nothing.
/// </summary>
/// <param name="patience">How long a server may be away before the delivery fails.</param>
/// <param name="notice">Takes a line for the user when waiting begins and ends.</param>
internal sealed class ArticleDelivery(ServerClient server, TimeSpan patience, TimeProvider time, Action<string> notice)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(2);

    private readonly List<RejectedArticle> rejected = [];

    public long Accepted { get; private set; }

    /// <summary>
    /// Articles that the server had already, among them those of a batch that was cut off after the server had stored it.
    /// </summary>
    public long Duplicates { get; private set; }

    /// <summary>Articles that were sent more than once because an answer did not come.</summary>
    public long Resent { get; private set; }

    public IReadOnlyList<RejectedArticle> Rejected => rejected;

    public void Reject(RejectedArticle article) => rejected.Add(article);

    /// <summary>Returns once the server has stored every article of the batch, or has refused it for good.</summary>
    /// <exception cref="CommandException">The server stayed away, or refused the batch as a whole.</exception>
    public async Task Send(IReadOnlyList<OutgoingArticle> batch, CancellationToken cancellation)
    {
        DateTimeOffset? awaySince = null;
        var pause = FirstPause;
        for (var rest = batch; rest.Count > 0;)
        {
            var attempt = await Try(rest, cancellation);
            rest = attempt.Left;
            if (attempt.Problem is null)
            {
                if (awaySince is not null) notice("the server is back");
                awaySince = null;
                if (attempt.Wait is { } wait) await Task.Delay(wait, time, cancellation);
                continue;
            }
            if (awaySince is null)
            {
                awaySince = time.GetUtcNow();
                pause = FirstPause;
                notice($"the server does not take articles now ({attempt.Problem}); trying again for {patience.TotalSeconds:0} s");
            }
            if (time.GetUtcNow() - awaySince >= patience)
            {
                throw new CommandException(
                    $"{server.Address} took no articles for {patience.TotalSeconds:0} s: {attempt.Problem}. " +
                    "The same command goes on where this one stopped.");
            }
            await Task.Delay(pause, time, cancellation);
            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
        }
    }

    /// <param name="Left">What has to be sent again.</param>
    /// <param name="Wait">How long a busy server asks to wait before that.</param>
    /// <param name="Problem">Why the server took no articles at all; null where it works.</param>
    private readonly record struct Attempt(IReadOnlyList<OutgoingArticle> Left, TimeSpan? Wait, string? Problem);

    private async Task<Attempt> Try(IReadOnlyList<OutgoingArticle> batch, CancellationToken cancellation)
    {
        try
        {
            using var response = await server.PostLines("v1/articles", Join(batch), cancellation);
            var answer = await ReadAnswer(response, cancellation);
            if (response.IsSuccessStatusCode)
            {
                if (answer.Integer("accepted") is null)
                {
                    throw new CommandException($"{server.Address} gives no count of accepted articles; is it an RSR-Net server?");
                }
                Count(answer, batch);
                return new Attempt([], null, null);
            }
            // A server that ends a request early says what it stored of it and where to go on; one that does not has it all again.
            var next = Math.Clamp(answer.Integer("nextLine") ?? 1, 1, batch.Count + 1);
            if (next > 1) Count(answer, batch);
            IReadOnlyList<OutgoingArticle> left = next == 1 ? batch : [.. batch.Skip((int)next - 1)];
            if (answer.Integer("nextLine") is null) Resent += batch.Count;
            var problem = ServerClient.Describe(response, answer);
            return response.StatusCode switch
            {
                HttpStatusCode.TooManyRequests => new Attempt(left, RetryAfter(response), null),
                HttpStatusCode.RequestEntityTooLarge => new Attempt(await SendParts(left, problem, cancellation), null, null),
                // One that starts, stops or has a full disk may take the batch a little later.
                >= HttpStatusCode.InternalServerError => new Attempt(left, null, problem),
                _ => throw new CommandException($"{server.Address} refused the articles: {problem}"),
            };
        }
        catch (Exception lost) when (IsLoss(lost, cancellation))
        {
            Resent += batch.Count;
            return new Attempt(batch, null, lost.Message);
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

    /// <returns>Empty where the body is no JSON object.</returns>
    private static async Task<JsonObject> ReadAnswer(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            return JsonNode.Parse(body) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static bool IsLoss(Exception exception, CancellationToken cancellation) =>
        exception is HttpRequestException or IOException
        || (exception is TaskCanceledException && !cancellation.IsCancellationRequested);

    private TimeSpan RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : TimeSpan.FromSeconds(1));
        return wait < FirstPause ? FirstPause : wait;
    }

    /// <returns>What is left to send: nothing.</returns>
    private async Task<IReadOnlyList<OutgoingArticle>> SendParts(
        IReadOnlyList<OutgoingArticle> batch, string problem, CancellationToken cancellation)
    {
        if (batch.Count == 1) Reject(new RejectedArticle(batch[0].Source, batch[0].Line, problem));
        if (batch.Count < 2) return [];
        await Send([.. batch.Take(batch.Count / 2)], cancellation);
        await Send([.. batch.Skip(batch.Count / 2)], cancellation);
        return [];
    }

    private void Count(JsonObject answer, IReadOnlyList<OutgoingArticle> batch)
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
