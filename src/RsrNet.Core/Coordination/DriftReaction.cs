using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Coordination;

/// <summary>Watches the stream for drift, tells of it and, where that is wanted, has learning forget what was before. Used by the learning loop alone.</summary>
/// <remarks>
/// What follows a drift slowly is not the network but what is kept over thousands of articles: on the demo newswire a learning rate of three times as much for 300 articles
/// changed nothing, and forgetting the regressions brought back three fifths of what the drift had cost in the first 500 articles.
/// </remarks>
/// <param name="dimensions">d</param>
/// <param name="forget">Has all that was learned so far count for so many articles; null in the notebook's mode, which has nothing of the kind.</param>
internal sealed class DriftReaction(int dimensions, DriftOptions options, Action<int>? forget, LearnerTelemetry telemetry, TimeProvider time)
{
    private readonly DriftWatch watch = new(dimensions);

    /// <summary>A document came to its turn.</summary>
    /// <param name="x">[d]</param>
    public void OnArrived(ReadOnlySpan<float> x) => Take(watch.OnArrived(x, time.GetUtcNow()));

    /// <summary>A labelled document was judged before it was learned.</summary>
    /// <param name="cosine">Of its prediction to t; one that is no number counts as 0.</param>
    public void OnJudged(double cosine) => Take(watch.OnJudged(double.IsFinite(cosine) ? cosine : 0, time.GetUtcNow()));

    private void Take(IReadOnlyList<DriftEvent> changes)
    {
        foreach (var change in changes)
        {
            telemetry.OnDrift(change);
            if (change.IsDrift && options.React) forget?.Invoke(options.KeepArticles);
        }
    }
}
