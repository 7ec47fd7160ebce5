using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>The notebook's network, loss and optimiser as a <see cref="IStreamModel"/>; the summary is the three sentences nearest to y.</summary>
public sealed class NotebookModel : IStreamModel
{
    /// <summary>The mode's name.</summary>
    public const string Name = "notebook";

    private const int SummarySentences = 3;

    private readonly RecursionOptions options;
    private readonly IRecursionEngine engine;
    private readonly Coordinator coordinator;
    private readonly Supervision supervision;

    /// <param name="engine">For the notebook's network; disposed with this.</param>
    public NotebookModel(IRecursionEngine engine, RecursionOptions options, CoordinationOptions coordination)
    {
        this.engine = engine;
        this.options = options;
        coordinator = new Coordinator(RecursionInitialization.Create(engine.Shape, options.Seed), coordination);
        supervision = new Supervision(engine, coordinator, options);
        engine.Load(coordinator.Weights);
    }

    /// <inheritdoc/>
    public string Mode => Name;

    /// <inheritdoc/>
    public RecursionBatch Place(IReadOnlyList<ReadArticle> articles)
    {
        var d = engine.Shape.D;
        var batch = new RecursionBatch(engine.Shape, articles.Count);
        for (var row = 0; row < articles.Count; row++)
        {
            articles[row].X.CopyTo(batch.X, row * d);
            articles[row].T?.CopyTo(batch.T, row * d);
            batch.Sentences[row] = articles[row].Sentences;
        }
        return batch;
    }

    /// <inheritdoc/>
    public void Refine(RecursionBatch batch) => engine.Refine(batch);

    /// <inheritdoc/>
    public RecursionBatch Predict(IReadOnlyList<ReadArticle> articles)
    {
        var batch = Place(articles);
        for (var step = 0; step < options.SupervisionSteps; step++) engine.Refine(batch);
        return batch;
    }

    /// <inheritdoc/>
    public ReadoutSummary Summarize(RecursionBatch batch, int row)
    {
        var d = engine.Shape.D;
        var y = batch.Y.AsSpan(row * d, d);
        var article = batch.Sentences[row]!;
        var scored = new List<SummarySentence>(article.Count);
        for (var i = 0; i < article.Count; i++)
            scored.Add(new SummarySentence(article.Outlines[i].Text, article.Outlines[i].Position, VectorMath.Cosine(article.Vectors.Of(i), y)));
        return new ReadoutSummary(
            Readout.Nearest, [.. scored.OrderByDescending(sentence => sentence.Score).Take(SummarySentences).OrderBy(sentence => sentence.Position)]);
    }

    /// <summary>The batch's supervision steps; one article alone is not learned from, because BatchNorm has no variance over it.</summary>
    /// <inheritdoc/>
    public void Learn(IReadOnlyList<ReadArticle> articles, RecursionBatch judged)
    {
        if (articles.Count < 2) return;
        foreach (var step in supervision.Run(Place(articles)))
        {
            if (!step.Applied) break;
        }
        engine.Load(coordinator.Weights);
    }

    public void Dispose() => engine.Dispose();
}
