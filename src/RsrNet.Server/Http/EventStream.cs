using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace RsrNet.Server.Http;

/// <summary>One server-sent event.</summary>
/// <param name="Id">What the follower sends back as Last-Event-ID after a lost connection; null for none.</param>
internal readonly record struct StreamedEvent<T>(T Data, string? Id = null);

/// <summary>
/// Writes server-sent events (<c>text/event-stream</c>) as they come, with a comment where long nothing came. Ends when the events end, the
/// follower
/// goes or the server stops.
/// </summary>
internal sealed class EventStream<T>(
    Func<CancellationToken, IAsyncEnumerable<StreamedEvent<T>>> events, string name, JsonTypeInfo<T> json, TimeSpan keepAlive,
    CancellationToken stopping) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);
        var response = httpContext.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache, no-store";
        // nginx holds answers back otherwise.
        response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        Task<bool>? next = null;
        var enumerator = events(ending.Token).GetAsyncEnumerator(ending.Token);
        try
        {
            await Write(response, ": following\n\n"u8.ToArray(), ending.Token);
            while (true)
            {
                next ??= enumerator.MoveNextAsync().AsTask();
                bool more;
                try
                {
                    more = await next.WaitAsync(keepAlive, ending.Token);
                }
                catch (TimeoutException) when (!next.IsCompleted)
                {
                    await Write(response, ": keep-alive\n\n"u8.ToArray(), ending.Token);
                    continue;
                }
                if (!more) break;
                next = null;
                await Write(response, Format(enumerator.Current), ending.Token);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or IOException && ending.IsCancellationRequested)
        {
            // The follower went, or the server stops: the end of the stream says it.
        }
        finally
        {
            // An enumerator may only be disposed between two steps, and a step that waits ends when it is told to.
            await ending.CancelAsync();
            if (next is not null) await Task.WhenAny(next);
            await enumerator.DisposeAsync();
        }
    }

    private byte[] Format(StreamedEvent<T> item)
    {
        var text = new StringBuilder();
        if (item.Id is { } id) text.Append("id: ").Append(id).Append('\n');
        // JSON of this API has no line ends, so one data line is enough.
        text.Append("event: ").Append(name).Append("\ndata: ").Append(JsonSerializer.Serialize(item.Data, json)).Append("\n\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static async Task Write(HttpResponse response, byte[] bytes, CancellationToken cancellation)
    {
        await response.Body.WriteAsync(bytes, cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
