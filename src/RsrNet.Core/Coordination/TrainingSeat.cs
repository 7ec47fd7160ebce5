namespace RsrNet.Core.Coordination;

/// <summary>A replica's place at the exchange for one piece of work: what it may bring, and whether any of it was applied.</summary>
public sealed class TrainingSeat
{
    private readonly TaskCompletionSource<long?> firstApplied = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<long> staleness = [];
    private ContributionAnswer lastAnswer;

    internal TrainingSeat(int replica, long firstSequence)
    {
        Replica = replica;
        FirstSequence = firstSequence;
        LastSequence = firstSequence - 1;
    }

    public int Replica { get; }

    /// <summary>The sequence number of its first contribution; the others follow one by one.</summary>
    public long FirstSequence { get; }

    /// <summary>
    /// The version that came of the first applied contribution: from then on its documents have been learned from, whatever happens to the
    /// replica. Null once the seat was left without any.
    /// </summary>
    public Task<long?> FirstApplied => firstApplied.Task;

    /// <summary>The last one applied.</summary>
    internal long LastSequence { get; private set; }

    /// <summary>By how many versions the weights had moved on when each applied contribution came, in their order. To be read once the seat was left.</summary>
    public IReadOnlyList<long> Staleness => staleness;

    /// <summary>Contributions refused because their weights were too old. To be read once the seat was left.</summary>
    public int Refused { get; private set; }

    internal void OnRefused() => Refused++;

    /// <param name="versionsBehind">How far the weights had moved on since those it was computed with.</param>
    internal void OnApplied(long sequence, ContributionAnswer answer, long versionsBehind)
    {
        staleness.Add(versionsBehind);
        LastSequence = sequence;
        lastAnswer = answer;
        firstApplied.TrySetResult(answer.Version);
    }

    /// <summary>The answer to a contribution that came again.</summary>
    internal ContributionAnswer Repeat(long sequence) =>
        sequence == LastSequence ? lastAnswer with { Reception = Reception.Repeated } : lastAnswer with { Reception = Reception.Late };

    internal void Leave() => firstApplied.TrySetResult(null);
}
