using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace RsrNet.Server.Tests.Telemetry;

/// <param name="Trace">Trace id, hexadecimal.</param>
/// <param name="Id">Span id.</param>
/// <param name="Parent">Span id of the parent; empty for a root.</param>
/// <param name="Attributes">Those whose values are text.</param>
internal sealed record ReceivedSpan(string Trace, string Id, string Parent, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>What a collector would get: takes OTLP on a free port, by gRPC or by HTTP with protobuf, and keeps what came.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;

    private OtlpReceiver(bool grpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        app = builder.Build();
        app.Run(context => Take(context, grpc));
    }

    public string Address => app.Urls.First();

    /// <summary>Names and units of metrics of the product's own meter.</summary>
    public ConcurrentDictionary<string, string> Metrics { get; } = new();

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = new();

    /// <summary>Texts of log records.</summary>
    public ConcurrentQueue<string> Logs { get; } = new();

    /// <summary>service.name of whatever came, by signal.</summary>
    public ConcurrentDictionary<string, string> Services { get; } = new();

    public static async Task<OtlpReceiver> Start(bool grpc)
    {
        var receiver = new OtlpReceiver(grpc);
        await receiver.app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task Take(HttpContext context, bool grpc)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var message = new ReadOnlyMemory<byte>(body.ToArray());
        if (grpc)
        {
            // Length-prefixed: a byte that says whether it is compressed, and four of length.
            var length = BinaryPrimitives.ReadInt32BigEndian(message.Span[1..]);
            message = message.Slice(5, length);
        }
        var path = context.Request.Path.Value!;
        if (path.Contains("metrics", StringComparison.OrdinalIgnoreCase)) TakeMetrics(message);
        else if (path.Contains("trace", StringComparison.OrdinalIgnoreCase)) TakeSpans(message);
        else if (path.Contains("logs", StringComparison.OrdinalIgnoreCase)) TakeLogs(message);
        if (!grpc) return;
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    // Field numbers are those of opentelemetry-proto 1: metrics/v1, trace/v1, logs/v1, common/v1.
    private void TakeMetrics(ReadOnlyMemory<byte> request)
    {
        foreach (var (resource, scope) in Scopes(request, "metrics"))
        {
            if (scope.Text(1, 1) != "RsrNet") continue;
            foreach (var metric in scope.All(2)) Metrics[metric.Text(1)] = metric.Text(3);
        }
    }

    private void TakeSpans(ReadOnlyMemory<byte> request)
    {
        foreach (var (_, scope) in Scopes(request, "traces"))
        {
            foreach (var span in scope.All(2))
            {
                Spans.Enqueue(new ReceivedSpan(
                    Convert.ToHexString(span.Bytes(1).Span), Convert.ToHexString(span.Bytes(2).Span), Convert.ToHexString(span.Bytes(4).Span), span.Text(5),
                    span.All(9).GroupBy(pair => pair.Text(1)).ToDictionary(pair => pair.Key, pair => pair.First().Text(2, 1))));
            }
        }
    }

    private void TakeLogs(ReadOnlyMemory<byte> request)
    {
        foreach (var (_, scope) in Scopes(request, "logs"))
        {
            foreach (var record in scope.All(2)) Logs.Enqueue(record.Text(5, 1));
        }
    }

    /// <summary>All three have the same frame: resources with scopes, in which the data lies.</summary>
    private IEnumerable<(ProtobufMessage Resource, ProtobufMessage Scope)> Scopes(ReadOnlyMemory<byte> request, string signal)
    {
        foreach (var entry in new ProtobufMessage(request).All(1))
        {
            var resource = entry.All(1).First();
            foreach (var attribute in resource.All(1).Where(attribute => attribute.Text(1) == "service.name")) Services[signal] = attribute.Text(2, 1);
            foreach (var scope in entry.All(2)) yield return (resource, scope);
        }
    }
}

/// <summary>The fields of one protobuf message, as far as they have a length; numbers are passed over.</summary>
internal readonly struct ProtobufMessage
{
    private readonly List<(int Field, ReadOnlyMemory<byte> Value)> fields = [];

    public ProtobufMessage(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint(message.Span, ref at);
            switch (tag & 7)
            {
                case 0: Varint(message.Span, ref at); break;
                case 1: at += 8; break;
                case 5: at += 4; break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    fields.Add(((int)(tag >> 3), message.Slice(at, length)));
                    at += length;
                    break;
                default: throw new InvalidDataException($"wire type {tag & 7} at {at}");
            }
        }
    }

    public IEnumerable<ProtobufMessage> All(int field) => fields.Where(one => one.Field == field).Select(one => new ProtobufMessage(one.Value));

    public ReadOnlyMemory<byte> Bytes(int field) => fields.Find(one => one.Field == field).Value;

    /// <summary>Text at the end of a path of fields; empty where there is none.</summary>
    public string Text(params ReadOnlySpan<int> path)
    {
        var message = this;
        foreach (var field in path[..^1]) message = new ProtobufMessage(message.Bytes(field));
        return Encoding.UTF8.GetString(message.Bytes(path[^1]).Span);
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) return value;
        }
    }
}
