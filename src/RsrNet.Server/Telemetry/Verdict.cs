using RsrNet.Core.Telemetry;
using RsrNet.Server.Dashboard;

namespace RsrNet.Server.Telemetry;

internal enum VerdictMood
{
    Good,
    Waiting,
    Warning,
    Bad,
}

/// <summary>One answer of the overview: does it learn, keep up, is it healthy?</summary>
/// <param name="Question">Such as <c>Learning</c>.</param>
/// <param name="Answer">In a word or two.</param>
/// <param name="Reason">The figures behind it.</param>
internal sealed record Verdict(string Question, VerdictMood Mood, string Answer, string Reason)
{
    /// <summary>A change of the loss below this share is no change.</summary>
    private const double Flat = 0.02;

    /// <summary>A difference of cosines below this is none.</summary>
    private const double Noticed = 0.005;

    /// <summary>By how the loss and the prequential similarity went, and whether that is more than the article itself would score.</summary>
    /// <param name="loss">The past that is looked at, oldest first.</param>
    /// <param name="similarity">The same time.</param>
    public static Verdict OfLearning(TelemetrySnapshot now, IReadOnlyList<HistoryPoint> loss, IReadOnlyList<HistoryPoint> similarity)
    {
        const string question = "Learning";
        if (now.Loss is not { } current)
        {
            return new Verdict(question, VerdictMood.Waiting, "Waiting", "Articles with highlights teach it; none has been learned from yet.");
        }
        var known = loss.Where(point => float.IsFinite(point.Value)).ToList();
        var before = known.Count > 0 ? known[0].Value : current;
        var change = before > 0 ? (current - before) / before : 0;
        var scored = similarity.Where(point => float.IsFinite(point.Value)).ToList();
        var cosine = now.PrequentialSimilarity;
        var gained = cosine is { } score && scored.Count > 1 ? score - scored[0].Value : 0;
        var likeness = cosine is null
            ? ""
            : $"Predictions made before learning come to cosine {Figures.Brief(cosine)} with the highlights"
                + (Math.Abs(gained) > Noticed ? $", from {Figures.Brief(scored[0].Value)}" : "")
                + (now.PrequentialCopySimilarity is { } copy ? $"; the article itself to {Figures.Brief(copy)}." : ".");
        var behind = cosine < now.PrequentialCopySimilarity - Noticed;
        if (now.UpdatesPerSecond == 0)
            return new Verdict(question, VerdictMood.Waiting, "At rest", $"No new labelled articles. Loss {Figures.Brief(current)}. {likeness}");
        if (change > 0.25)
            return new Verdict(question, VerdictMood.Bad, "Loss rises", $"Loss {Figures.Brief(current)}, up {Figures.Percent(change)} in view. {likeness}");
        if (change < -Flat) return new Verdict(question, VerdictMood.Good, "It learns", $"Loss {Figures.Brief(current)}, down {Figures.Percent(-change)} in view. {likeness}");
        if (gained > Noticed) return new Verdict(question, VerdictMood.Good, "It learns", likeness);
        // A stream of unlike articles has its ups and downs: 200 of them are what a mean is of.
        return behind && now.Learned >= 200
            ? new Verdict(question, VerdictMood.Warning, "Behind a plain copy", $"Loss {Figures.Brief(current)}, and level. {likeness}")
            : new Verdict(question, VerdictMood.Good, "Loss is level", $"Loss {Figures.Brief(current)}. {likeness}");
    }

    /// <summary>By what waits and whether it grows.</summary>
    public static Verdict OfPace(TelemetrySnapshot now, IReadOnlyList<HistoryPoint> backlog)
    {
        const string question = "Keeping up";
        var waiting = now.Documents.Unfinished;
        if (now.Documents.Total == 0) return new Verdict(question, VerdictMood.Waiting, "Waiting", "No article has come in yet.");
        var rate = now.ArticlesPerSecond > 0 ? $"{Figures.Brief(now.ArticlesPerSecond)} articles a second come in." : "No article came in during the last ten seconds.";
        // A few seconds' worth is what is always under way.
        if (waiting <= Math.Max(100, 10 * now.ArticlesPerSecond))
        {
            return new Verdict(question, VerdictMood.Good, waiting == 0 ? "All done" : "It keeps up", waiting == 0 ? $"Nothing waits. {rate}" : $"{Figures.Whole(waiting)} under way. {rate}");
        }
        var recent = backlog.Where(point => float.IsFinite(point.Value)).TakeLast(Math.Max(2, backlog.Count / 4)).ToList();
        var grows = recent.Count > 1 && waiting > recent[0].Value * 1.05;
        return grows
            ? new Verdict(question, VerdictMood.Warning, "Backlog grows", $"{Figures.Whole(waiting)} documents wait. {rate}")
            : new Verdict(question, VerdictMood.Warning, "Catching up", $"{Figures.Whole(waiting)} documents wait, and fewer from minute to minute. {rate}");
    }

    /// <summary>By failures that still hold, and documents and gradients that failed.</summary>
    public static Verdict OfHealth(TelemetrySnapshot now, string? problem)
    {
        const string question = "Health";
        if (problem is not null) return new Verdict(question, VerdictMood.Bad, "Needs you", problem);
        var odd = new List<string>();
        if (now.Documents.Failed > 0) odd.Add($"{Figures.Whole(now.Documents.Failed)} documents failed");
        if (now.RefusedGradients > 0) odd.Add($"{Figures.Whole(now.RefusedGradients)} gradients were refused");
        if (odd.Count > 0) return new Verdict(question, VerdictMood.Warning, "Look at it", string.Join(" and ", odd) + " since the start.");
        var saved = now.UnsavedSeconds > 0 ? $"the oldest unsaved update is {Figures.Duration(Math.Ceiling(now.UnsavedSeconds))} old" : "every update is in a checkpoint";
        return new Verdict(question, VerdictMood.Good, "All well", $"Up for {Figures.Duration(now.Uptime)}; {saved}.");
    }
}
