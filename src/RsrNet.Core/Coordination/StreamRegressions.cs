using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>
/// What the residual mode learns beside its network, each by least squares on the stream: the means of vectors, the start of y, its confidence and the readout.
/// Owned by the coordinator; what it has found goes out with the weights (<see cref="Publish"/>), what it goes on from is in <see cref="Tensors"/>.
/// </summary>
public sealed class StreamRegressions
{
    /// <summary>Articles after which a mean follows the stream at a fixed pace.</summary>
    private const int MeanHorizon = 5_000;

    /// <summary>
    /// Predictions of quality that calibrate the next one: enough to tell ten shares apart, and few enough to follow the stream. Prequential error on CNN/DailyMail in its own
    /// order, and on average in 30 others, with 500: 0.076, 0.047; with 350: 0.063, 0.047; with 250: 0.069, 0.046; with 100: 0.087, 0.045.
    /// </summary>
    private const int CalibrationSize = 350;

    /// <summary>Articles before a foretold cosine is worth calibrating by: the first ones were made of nothing.</summary>
    private const int FewestForetold = 64;

    /// <summary>Articles before the learned readout may serve at all.</summary>
    private const int FewestJudged = 20;

    private ResidualOptions options;
    private readonly RunningMean x;
    private readonly RunningMean t;
    private readonly RunningMean sentence;
    private readonly NormalEquations pool = new(PoolFeatures.Prior, PoolFeatures.PriorWeight);
    private readonly NormalEquations scale = new([1], 1);
    private readonly NormalEquations confidence = new(ConfidenceFeatures.Prior, ConfidenceFeatures.PriorWeight);
    private readonly NormalEquations[] words = [.. Enumerable.Range(0, WordFeatures.Times).Select(_ => new NormalEquations(WordFeatures.Prior, WordFeatures.PriorWeight))];
    private readonly NormalEquations reference = new([WordFeatures.PriorReference], WordFeatures.ReferenceWeight);
    private readonly NormalEquations pairs = new(PairFeatures.Prior, PairFeatures.PriorWeight);
    private readonly Queue<double> gains = [];

    /// <param name="dimensions">d</param>
    public StreamRegressions(int dimensions, ResidualOptions options)
    {
        options.Check();
        this.options = options;
        x = new RunningMean(dimensions, MeanHorizon);
        t = new RunningMean(dimensions, MeanHorizon);
        sentence = new RunningMean(dimensions, MeanHorizon);
    }

    /// <summary>How they learn from now on.</summary>
    internal ResidualOptions Options
    {
        set => options = value;
    }

    /// <summary>Predictions of quality beside what came of them.</summary>
    public CalibrationWindow Calibration { get; } = new(CalibrationSize);

    /// <summary>Mean gain of the learned readout over the first sentences in the window: mean of ROUGE-1 and -2 F1, in [-1, 1]; 0 before the first.</summary>
    public double ReadoutGain => gains.Count == 0 ? 0 : gains.Average();

    /// <summary>Learns from one article that was judged before; nothing where a number in it is not finite, which no later article could mend.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool Observe(Lesson lesson)
    {
        if (!lesson.IsFinite) return false;
        x.Add(lesson.X);
        t.Add(lesson.T);
        sentence.Add(lesson.Sentence);
        foreach (var regression in All) regression.Forget(options.Forgetting);
        pool.Add(lesson.PoolGram, lesson.PoolMoment);
        scale.Observe([1], lesson.Scale);
        confidence.Observe(lesson.Confidence, lesson.Cosine);
        pairs.Add(lesson.PairGram, lesson.PairMoment);
        reference.Observe([1], lesson.HighlightWords);
        for (var times = 0; times < words.Length; times++) words[times].Add(lesson.WordGram, MomentOf(lesson.WordMoment, times));
        if (x.Count > FewestForetold || Calibration.Count > 0) Calibration.Add(lesson.ForetoldCosine, lesson.Probability, lesson.Cosine);
        while (gains.Count >= options.ReadoutWindow) gains.Dequeue();
        gains.Enqueue(lesson.Learned - lesson.Lead);
        return true;
    }

    /// <summary>
    /// Has all articles so far count for fewer, so that those to come tell more: after a drift of the stream. What calibrates confidence and what decides on the readout
    /// follow by their windows.
    /// </summary>
    /// <param name="articles">At least 1; nothing changes where they count for no more.</param>
    public void Forget(int articles)
    {
        foreach (var mean in (RunningMean[])[x, t, sentence]) mean.Forget(articles);
        var count = reference.Gram[0]; // each article is one observation of 1
        if (count <= articles) return;
        foreach (var regression in All) regression.Forget(articles / count);
    }

    /// <summary>Writes what was found into the weights' statistics.</summary>
    public void Publish(RecursionWeights weights)
    {
        var statistics = new ResidualStatistics(weights);
        Copy(x.Mean, statistics.MeanX);
        Copy(t.Mean, statistics.MeanT);
        Copy(sentence.Mean, statistics.MeanSentence);
        Copy(pool.Weights, statistics.Pool);
        statistics.Scale = (float)scale.Weights[0];
        statistics.Anchor = (float)options.Anchor;
        Copy(confidence.Weights, statistics.Confidence);
        statistics.Line = Calibration.Line;
        Copy(pairs.Weights, statistics.Pairs);
        statistics.Reference = (float)reference.Weights[0];
        for (var times = 0; times < words.Length; times++) Copy(words[times].Weights, statistics.Words.Slice(times * WordFeatures.Count, WordFeatures.Count));
        statistics.ReadoutOpen = gains.Count >= FewestJudged && ReadoutGain > 0 ? 1 : 0;
    }

    /// <summary>Everything to go on from, by name; the reverse of <see cref="Restore"/>.</summary>
    public IReadOnlyDictionary<string, double[]> Tensors() => new SortedDictionary<string, double[]>(StringComparer.Ordinal)
    {
        ["mean.x"] = [.. x.Mean],
        ["mean.t"] = [.. t.Mean],
        ["mean.sentence"] = [.. sentence.Mean],
        ["mean.count"] = [x.Count],
        ["pool.gram"] = [.. pool.Gram],
        ["pool.moment"] = [.. pool.Moment],
        ["scale.gram"] = [.. scale.Gram],
        ["scale.moment"] = [.. scale.Moment],
        ["confidence.gram"] = [.. confidence.Gram],
        ["confidence.moment"] = [.. confidence.Moment],
        ["confidence.window"] = Calibration.Values,
        ["pairs.gram"] = [.. pairs.Gram],
        ["pairs.moment"] = [.. pairs.Moment],
        ["readout.window"] = [.. gains],
        ["words.gram"] = [.. words[0].Gram],
        ["words.moment"] = [.. words.SelectMany(regression => regression.Moment)],
        ["words.reference.gram"] = [.. reference.Gram],
        ["words.reference.moment"] = [.. reference.Moment],
    };

    /// <exception cref="WeightsRejectedException">A tensor is missing or of another length; nothing changed.</exception>
    public void Restore(IReadOnlyDictionary<string, double[]> tensors)
    {
        var sizes = Tensors();
        foreach (var (name, values) in sizes)
        {
            if (!tensors.TryGetValue(name, out var given)) throw new WeightsRejectedException($"the regressions' tensor '{name}' is missing");
            var fits = name.EndsWith("window", StringComparison.Ordinal) || given.Length == values.Length;
            if (!fits) throw new WeightsRejectedException($"the regressions' tensor '{name}' has {given.Length} numbers, not {values.Length}");
            if (given.Any(value => !double.IsFinite(value))) throw new WeightsRejectedException($"the regressions' tensor '{name}' holds a number that is not finite");
        }
        foreach (var (mean, name) in ((RunningMean, string)[])[(x, "mean.x"), (t, "mean.t"), (sentence, "mean.sentence")])
        {
            tensors[name].CopyTo(mean.Mean, 0);
            mean.Count = (long)tensors["mean.count"][0];
        }
        pool.Restore(tensors["pool.gram"], tensors["pool.moment"]);
        scale.Restore(tensors["scale.gram"], tensors["scale.moment"]);
        confidence.Restore(tensors["confidence.gram"], tensors["confidence.moment"]);
        pairs.Restore(tensors["pairs.gram"], tensors["pairs.moment"]);
        reference.Restore(tensors["words.reference.gram"], tensors["words.reference.moment"]);
        for (var times = 0; times < words.Length; times++) words[times].Restore(tensors["words.gram"], MomentOf(tensors["words.moment"], times));
        Calibration.Values = tensors["confidence.window"];
        gains.Clear();
        foreach (var gain in tensors["readout.window"].TakeLast(options.ReadoutWindow)) gains.Enqueue(gain);
    }

    private NormalEquations[] All => [pool, scale, confidence, pairs, reference, .. words];

    private static ReadOnlySpan<double> MomentOf(double[] moments, int times) => moments.AsSpan(times * WordFeatures.Count, WordFeatures.Count);

    private static void Copy(ReadOnlySpan<double> from, Span<float> to)
    {
        for (var i = 0; i < to.Length; i++) to[i] = (float)from[i];
    }
}
