using System.Diagnostics.CodeAnalysis;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>A document in the learner's hands: its newest value, which may be ahead of the store's. Changed by the learning loop alone.</summary>
internal sealed class ActiveDocument(Document document)
{
    private List<RefineRun>? runs;

    public Document Document { get; set; } = document;

    /// <summary>Whether the value is ahead of the store's; kept by <see cref="UnsavedDocuments"/>.</summary>
    public bool Unsaved { get; set; }

    /// <summary>Whether it waits for a training batch.</summary>
    public bool AwaitsTraining { get; set; }

    /// <summary>Whether a replica is learning from it: its state is the replica's to change until then.</summary>
    public bool InTraining { get; set; }

    /// <summary>Whether the backlog will still hand it over: somebody asked for it before its turn.</summary>
    public bool AwaitsTurn { get; set; }

    /// <summary>Whether it has a place among the documents under refinement.</summary>
    public bool UnderRefinement { get; set; }

    /// <summary>Deleted, or replaced by a newer revision: to be let go at the next opportunity.</summary>
    public bool Gone { get; private set; }

    /// <summary>Whether somebody asked for more refinement than the document needs by itself.</summary>
    [MemberNotNullWhen(true, nameof(runs))]
    public bool HasRequests => runs is { Count: > 0 };

    /// <summary>What speeds its present run up; null without acceleration.</summary>
    public AndersonMixing? Mixing { get; set; }

    /// <summary>Goes on from a mixture of the latest steps instead of the last one, where the run goes on and its weights are the same.</summary>
    /// <param name="before">What the step began from.</param>
    public void Mix(RefinementState? before)
    {
        var isLast = Document.Status == DocumentStatus.Failed || (Document.IsFinished && !HasRequests);
        Document = Document.Mixed(Mixing, isLast ? null : before);
    }

    public void Add(RefineRun run) => (runs ??= []).Add(run);

    /// <summary>Takes the document's new value after a supervision step and answers the requests that it fulfils.</summary>
    public void Step(Document stepped)
    {
        Document = stepped;
        if (HasRequests) runs.RemoveAll(run => run.Advance(stepped));
    }

    /// <summary>Answers the requests whose time is up with the document as far as it has come.</summary>
    public void AnswerLate()
    {
        // One that has no state yet has nothing to answer with: its first step is waited for.
        if (HasRequests && Document.State is not null) runs.RemoveAll(run => run.IsLate && run.Completion.TrySetResult(Document));
    }

    /// <summary>Lets the document go; whoever waits for its refinement is told that it is not there any more.</summary>
    public void Leave()
    {
        Gone = true;
        Answer(run => run.Completion.TrySetResult(null));
    }

    public void Fail(Exception exception) => Answer(run => run.Completion.TrySetException(exception));

    private void Answer(Action<RefineRun> answer)
    {
        runs?.ForEach(answer);
        runs?.Clear();
    }
}

/// <summary>A request for more refinement of one document.</summary>
/// <param name="steps">Supervision steps at most.</param>
/// <param name="untilResidual">Both residuals below this end it earlier; null to do all steps.</param>
/// <param name="limit">It is answered after so long, or after the document's first step; null for no limit.</param>
internal sealed class RefineRun(int steps, double? untilResidual, TimeSpan? limit, TimeProvider time)
{
    private readonly long begunAt = time.GetTimestamp();
    private int left = steps;

    /// <summary>Whether its time is up.</summary>
    public bool IsLate => limit is { } most && time.GetElapsedTime(begunAt) >= most;

    /// <summary>The document after the last step; null where it went away meanwhile.</summary>
    public TaskCompletionSource<Document?> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <returns>Whether the request is fulfilled, and answered.</returns>
    public bool Advance(Document document)
    {
        left--;
        var state = document.State;
        var reached = untilResidual is { } bound && state is not null && state.ResidualY < bound && state.ResidualZ < bound;
        return (left <= 0 || reached || IsLate || document.Status == DocumentStatus.Failed) && Completion.TrySetResult(document);
    }
}
