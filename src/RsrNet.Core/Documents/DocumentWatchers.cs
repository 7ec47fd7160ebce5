using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace RsrNet.Core.Documents;

/// <summary>Who follows which document. A follower that reads too slowly misses steps rather than holding up the learner.</summary>
internal sealed class DocumentWatchers
{
    private const int Behind = 256;
    private readonly ConcurrentDictionary<string, ImmutableList<Channel<TrajectoryPoint>>> watchers = new(StringComparer.Ordinal);

    public bool HasAny => !watchers.IsEmpty;

    public async IAsyncEnumerable<TrajectoryPoint> Watch(string id, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<TrajectoryPoint>(new BoundedChannelOptions(Behind) { FullMode = BoundedChannelFullMode.DropOldest });
        watchers.AddOrUpdate(id, [channel], (_, others) => others.Add(channel));
        try
        {
            await foreach (var point in channel.Reader.ReadAllAsync(cancellation)) yield return point;
        }
        finally
        {
            Remove(id, channel);
        }
    }

    public void OnStep(string id, TrajectoryPoint step)
    {
        if (watchers.IsEmpty || !watchers.TryGetValue(id, out var channels)) return;
        foreach (var channel in channels) channel.Writer.TryWrite(step);
    }

    /// <summary>Ends the streams of a document that was deleted.</summary>
    public void OnDeleted(string id)
    {
        if (!watchers.TryRemove(id, out var channels)) return;
        foreach (var channel in channels) channel.Writer.TryComplete();
    }

    public void Complete()
    {
        foreach (var id in watchers.Keys) OnDeleted(id);
    }

    private void Remove(string id, Channel<TrajectoryPoint> channel)
    {
        while (watchers.TryGetValue(id, out var channels))
        {
            var rest = channels.Remove(channel);
            if (rest.IsEmpty ? watchers.TryRemove(KeyValuePair.Create(id, channels)) : watchers.TryUpdate(id, rest, channels)) return;
        }
    }
}
