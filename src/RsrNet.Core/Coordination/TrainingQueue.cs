using System.Diagnostics.CodeAnalysis;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Labelled documents that wait for a training batch, in order of arrival. A batch (or a round of them, with local steps) is due when it is full or
/// its first has waited long enough.
/// </summary>
internal sealed class TrainingQueue<T>(CoordinationOptions options, TimeProvider time)
{
    private readonly Queue<(T Document, long Since)> waiting = new();

    public int Count => waiting.Count;

    public bool IsDue => waiting.Count >= options.RoundSize || (waiting.Count > 0 && Waited >= Wait);

    /// <summary>How long until a batch is due; null while nothing waits.</summary>
    public TimeSpan? DueIn => waiting.Count == 0 ? null : IsDue ? TimeSpan.Zero : Wait - Waited;

    private TimeSpan Wait => TimeSpan.FromMilliseconds(options.BatchWaitMs);

    private TimeSpan Waited => time.GetElapsedTime(waiting.Peek().Since);

    public void Add(T document) => waiting.Enqueue((document, time.GetTimestamp()));

    public bool TryTake([MaybeNullWhen(false)] out T document)
    {
        var taken = waiting.TryDequeue(out var next);
        document = next.Document;
        return taken;
    }
}
