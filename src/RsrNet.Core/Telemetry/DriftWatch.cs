using RsrNet.Core.Numerics;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// Watches a stream for change by two signals, each with <see cref="Adwin"/> and <see cref="PageHinkley"/>: quality, the prequential cosine of labelled
/// articles, and familiarity, the cosine of every article's x to the mean of the latest ones. Quality says that something is lost; familiarity
/// says that the topics are others, often long before quality falls, and needs no highlights.
/// </summary>
/// <remarks>
/// On the demo newswire a drift lowers quality by a quarter of its deviation alone, which takes some 400 articles to tell from chance; familiarity falls by
/// nearly one deviation and tells within 40.
/// </remarks>
/// <param name="dimensions">d</param>
public sealed class DriftWatch(int dimensions)
{
    /// <summary>Articles that the mean remembers.</summary>
    private const int Memory = 500;

    /// <summary>Articles before the mean is worth comparing with.</summary>
    private const int WarmUp = 100;

    private readonly RunningMean mean = new(dimensions, Memory);
    private readonly float[] usual = new float[dimensions];
    private readonly (string Name, IDriftDetector Detector)[] quality = Detectors();
    private readonly (string Name, IDriftDetector Detector)[] familiarity = Detectors();

    /// <summary>A labelled article was judged before it was learned.</summary>
    /// <param name="cosine">Of the prediction to t.</param>
    /// <returns>What was found with it; mostly nothing.</returns>
    public IReadOnlyList<DriftEvent> OnJudged(double cosine, DateTimeOffset at) => Add(quality, "quality", cosine, at);

    /// <summary>An article was embedded, labelled or not.</summary>
    /// <param name="x">[d]</param>
    public IReadOnlyList<DriftEvent> OnArrived(ReadOnlySpan<float> x, DateTimeOffset at)
    {
        for (var j = 0; j < usual.Length; j++) usual[j] = (float)mean.Mean[j];
        var events = mean.Count < WarmUp ? [] : Add(familiarity, "familiarity", VectorMath.Cosine(x, usual), at);
        mean.Add(x);
        return events;
    }

    private static IReadOnlyList<DriftEvent> Add((string Name, IDriftDetector Detector)[] detectors, string signal, double value, DateTimeOffset at)
    {
        List<DriftEvent>? events = null;
        foreach (var (name, detector) in detectors)
        {
            if (!detector.Add(value)) continue;
            var (before, after) = detector.LastChange;
            (events ??= []).Add(new DriftEvent(signal, name, before, after, at));
        }
        return events ?? (IReadOnlyList<DriftEvent>)[];
    }

    private static (string Name, IDriftDetector Detector)[] Detectors() => [("adwin", new Adwin()), ("page-hinkley", new PageHinkley())];
}

/// <summary>A change of a signal's mean.</summary>
/// <param name="Signal"><c>quality</c> or <c>familiarity</c>.</param>
/// <param name="Detector"><c>adwin</c> or <c>page-hinkley</c>.</param>
/// <param name="Before">Mean before the change.</param>
/// <param name="After">Mean after it.</param>
public sealed record DriftEvent(string Signal, string Detector, double Before, double After, DateTimeOffset At)
{
    /// <summary>Whether the signal fell: a drift. A rise is the model that learns, or topics that have become usual.</summary>
    public bool IsDrift => After < Before;
}
