using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Grains.Coordination;

/// <summary>Ids of documents that were learned from: the latest ones join small batches of the notebook's mode, a sample of all is learned again in the residual mode.</summary>
internal sealed class LearnedSample(RsrNetOptions options)
{
    private readonly Replay<string> latest = new(id => id);

    /// <summary>Null in the notebook's mode.</summary>
    private readonly Reservoir<string>? reservoir =
        options.Learning == LearningMode.Residual ? new(options.Residual.ReservoirSize, options.Residual.Seed) : null;

    /// <summary>Ids kept at most.</summary>
    public int Capacity => reservoir?.Capacity ?? Replay<string>.Limit;

    public void Add(string id)
    {
        if (reservoir is null) latest.Add(id);
        else reservoir.Add(id);
    }

    public void Remove(string id)
    {
        latest.Remove(id);
        reservoir?.Remove(kept => kept == id);
    }

    /// <inheritdoc cref="Reservoir{T}.Shrink"/>
    public void Shrink(int keep) => reservoir?.Shrink(keep);

    /// <summary>Whether a batch is a single document that nobody can join: BatchNorm has no variance over one row. Never in the residual mode.</summary>
    public bool IsTooFew(IReadOnlyList<string> batch) => reservoir is null && batch.Count == 1 && latest.GuestsOf(batch, 2).Count == 0;

    /// <summary>Who joins a batch that is too small.</summary>
    public string[] GuestsOf(IReadOnlyList<string> batch) => reservoir is null ? [.. latest.GuestsOf(batch, options.Coordination.MinimumBatch)] : [];

    /// <summary>What is learned again after a batch.</summary>
    /// <param name="replays">How often.</param>
    /// <param name="count">Documents each time, as far as there are so many.</param>
    public string[][] Draw(int replays, int count)
    {
        if (reservoir is null) return [];
        return [.. Enumerable.Range(0, replays).Select(_ => reservoir.Draw(count).ToArray()).Where(drawn => drawn.Length > 0)];
    }
}
