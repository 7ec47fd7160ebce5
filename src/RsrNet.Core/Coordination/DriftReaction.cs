using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Telemetry;

namespace RsrNet.Core.Coordination;

/// <summary>Watches the stream for drift, tells of it and, where that is wanted, has learning follow faster for a while. Used by the learning loop alone.</summary>
/// <param name="dimensions">d</param>
/// <param name="shrink">Has the sample of the past forgotten but for so many; null in the notebook's mode, where nothing reacts.</param>
internal sealed class DriftReaction(
    int dimensions, DriftOptions options, Coordinator coordinator, Action<int>? shrink, LearnerTelemetry telemetry, TimeProvider time)
{
    private readonly DriftWatch watch = new(dimensions);
    private int hurried;

    /// <summary>A document came to its turn.</summary>
    /// <param name="x">[d]</param>
    public void OnArrived(ReadOnlySpan<float> x) => Take(watch.OnArrived(x, time.GetUtcNow()));

    /// <summary>A labelled document was judged before it was learned.</summary>
    /// <param name="cosine">Of its prediction to t; one that is no number counts as 0.</param>
    public void OnJudged(double cosine)
    {
        if (hurried > 0 && --hurried == 0) coordinator.RateFactor = 1;
        Take(watch.OnJudged(double.IsFinite(cosine) ? cosine : 0, time.GetUtcNow()));
    }

    private void Take(IReadOnlyList<DriftEvent> changes)
    {
        foreach (var change in changes)
        {
            telemetry.OnDrift(change);
            if (!change.IsDrift || !options.React || shrink is null) continue;
            coordinator.RateFactor = options.RateFactor;
            hurried = options.ForArticles;
            shrink(options.KeepReservoir);
        }
    }
}
