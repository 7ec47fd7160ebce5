using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// The residual mode as one whole: network, regressions, average and reservoir; foretells articles and learns from them. Used by one thread at a time.
/// </summary>
public sealed class ResidualModel : IStreamModel
{
    private readonly ResidualOptions options;
    private readonly RecursionShape shape;
    private readonly Coordinator coordinator;
    private readonly ResidualEngine trainer;
    private readonly ResidualEngine server;
    private readonly Supervision supervision;
    private readonly Reservoir<ReadArticle> reservoir;
    private readonly SentenceReadout readout;

    /// <summary>The rows that are learned from, used again and again: a new one each time would be too large for the young heap.</summary>
    private RecursionBatch? lessons;

    /// <param name="dimensions">d, the encoder's.</param>
    /// <param name="coordination">Optimiser and clipping; its learning rate is not read, <see cref="ResidualOptions.LearningRate"/> is.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ResidualModel(int dimensions, ResidualOptions options, CoordinationOptions? coordination = null)
    {
        options.Check();
        this.options = options;
        shape = new RecursionShape(dimensions, options.Recursion.Hidden, options.Recursion.Latent) { Mode = LearningMode.Residual };
        coordinator = new Coordinator(
            RecursionInitialization.Create(shape, options.Recursion.Seed), coordination ?? new CoordinationOptions(), options);
        trainer = new ResidualEngine(shape, options.Recursion);
        server = new ResidualEngine(shape, options.Recursion);
        server.Load(coordinator.Served);
        supervision = new Supervision(trainer, coordinator, options.Recursion);
        reservoir = new Reservoir<ReadArticle>(options.ReservoirSize, options.Recursion.Seed);
        readout = options.NewReadout();
    }

    /// <summary>What is learned beside the network.</summary>
    public StreamRegressions Regressions => coordinator.Regressions!;

    /// <summary>The weights that foretell: the average of the trained ones.</summary>
    public RecursionWeights Served => coordinator.Served;

    /// <summary>Updates so far.</summary>
    public long Version => coordinator.Version;

    /// <inheritdoc/>
    public string Mode => "residual";

    /// <inheritdoc/>
    public double? UsualCosine => Regressions.Calibration.Count > 0 ? Regressions.Calibration.Median : null;

    /// <summary>A batch with the articles in its rows, from the beginning of their recursion.</summary>
    public RecursionBatch Place(IReadOnlyList<ReadArticle> articles)
    {
        var batch = new RecursionBatch(shape, articles.Count);
        Fill(batch, articles);
        return batch;
    }

    private void Fill(RecursionBatch batch, IReadOnlyList<ReadArticle> articles)
    {
        batch.Rows = articles.Count;
        for (var row = 0; row < articles.Count; row++)
        {
            articles[row].X.CopyTo(batch.X, row * shape.D);
            articles[row].T?.CopyTo(batch.T, row * shape.D);
            batch.Sentences[row] = articles[row].Sentences;
        }
    }

    /// <summary>One supervision step of refinement with the served weights; Y, Z and Confidence are replaced.</summary>
    public void Refine(RecursionBatch batch) => server.Refine(batch);

    /// <summary>The batch after N supervision steps with the served weights.</summary>
    public RecursionBatch Predict(IReadOnlyList<ReadArticle> articles)
    {
        var batch = Place(articles);
        for (var step = 0; step < options.Recursion.SupervisionSteps; step++) server.Refine(batch);
        return batch;
    }

    /// <inheritdoc/>
    public ReadoutSummary Summarize(RecursionBatch batch, int row)
    {
        var statistics = new ResidualStatistics(Served);
        var reading = server.Read(batch.Sentences[row]!, batch.X.AsSpan(row * shape.D, shape.D));
        return readout.Of(SummaryView.Of(reading, batch.Y.AsSpan(row * shape.D, shape.D), statistics), statistics);
    }

    /// <summary>Learns from articles that <see cref="Predict"/> was asked for just before, and from some of the reservoir.</summary>
    /// <param name="articles">With highlights.</param>
    /// <param name="judged">What was foretold of them, with the weights as they are.</param>
    /// <returns>How each was judged, and what it taught.</returns>
    public IReadOnlyList<Lesson> Learn(IReadOnlyList<ReadArticle> articles, RecursionBatch judged)
    {
        var statistics = new ResidualStatistics(Served);
        var taught = articles.Select((article, row) => Lesson.Of(
            article, judged.Y.AsSpan(row * shape.D, shape.D), statistics, readout, server.Read(article.Sentences, article.X))).ToArray();
        Train(articles, taught);
        if (options.Replays > 0)
        {
            foreach (var article in articles) reservoir.Add(article);
        }
        for (var replay = 0; replay < options.Replays; replay++) Train(reservoir.Draw(articles.Count), null);
        server.Load(coordinator.Served);
        return taught;
    }

    void IStreamModel.Learn(IReadOnlyList<ReadArticle> articles, RecursionBatch judged) => Learn(articles, judged);

    /// <summary>After a drift of the stream: all articles so far count for fewer.</summary>
    /// <param name="articles">At least 1.</param>
    public void Forget(int articles)
    {
        coordinator.Forget(articles);
        reservoir.Shrink(articles);
    }

    /// <summary>Whether the learned readout serves.</summary>
    internal bool ReadoutOpen => new ResidualStatistics(Served).ReadoutOpen > 0;

    /// <inheritdoc cref="Coordinator.Snapshot"/>
    internal Checkpoint Snapshot(string encoderId, DateTimeOffset at) => coordinator.Snapshot(encoderId, Mode, at);

    /// <inheritdoc cref="Coordinator.Restore"/>
    internal void Restore(Checkpoint checkpoint)
    {
        coordinator.Restore(checkpoint);
        server.Load(coordinator.Served);
    }

    public void Dispose()
    {
        trainer.Dispose();
        server.Dispose();
    }

    private void Train(IReadOnlyList<ReadArticle> articles, IReadOnlyList<Lesson>? taught)
    {
        if (articles.Count == 0) return;
        if (lessons is null || lessons.Capacity < articles.Count) lessons = new RecursionBatch(shape, articles.Count);
        Array.Clear(lessons.Y);
        Array.Clear(lessons.Z);
        Fill(lessons, articles);
        foreach (var step in supervision.Run(lessons, taught))
        {
            if (!step.Applied) break;
        }
    }
}
