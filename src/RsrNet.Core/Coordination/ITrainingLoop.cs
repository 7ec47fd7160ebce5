using RsrNet.Core.Documents;

namespace RsrNet.Core.Coordination;

/// <summary>Learns from labelled documents between two looks around of the learner: one replica in the learner's own turn, or several beside it.</summary>
internal interface ITrainingLoop : IDisposable
{
    /// <summary>How long until there is something to do by itself; null while nothing waits.</summary>
    TimeSpan? DueIn { get; }

    /// <summary>When the weights last changed; null before the first time.</summary>
    long? LastUpdateAt { get; }

    /// <summary>Updates that may come of what is under way and of what would be begun next; 0 where each batch ends in its turn.</summary>
    int UpdatesAhead { get; }

    /// <summary>Learns from what is due.</summary>
    /// <param name="mayBegin">Whether so many more updates are allowed for.</param>
    /// <returns>Whether anything was done.</returns>
    bool LearnIfDue(Func<int, bool> mayBegin);

    /// <summary>Learns from documents as one batch, now.</summary>
    Task<BatchReport> Learn(List<ActiveDocument> batch);

    /// <summary>Marks what has been learned from already as such, so that it becomes durable before a checkpoint that knows it.</summary>
    void MarkLearned();

    /// <summary>The weights were replaced: versions are counted from here.</summary>
    void OnReplaced(long version);

    /// <summary>Waits for what is under way, and takes it in.</summary>
    Task End();
}
