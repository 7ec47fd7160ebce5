using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>One engine with the weights of one version and the batch it works on. Used by one thread at a time.</summary>
public sealed class Replica(IRecursionEngine engine) : IDisposable
{
    private RecursionBatch batch = new(engine.Shape, 1);
    private RecursionBatch? before;

    /// <summary>The version of the loaded weights; -1 before the first.</summary>
    public long Version { get; private set; } = -1;

    /// <summary>The documents' rows, in the order they were placed.</summary>
    public RecursionBatch Batch => batch;

    public void Load(RecursionWeights weights, long version)
    {
        if (version == Version) return;
        engine.Load(weights);
        Version = version;
    }

    /// <summary>The next <see cref="Load"/> loads, whatever its version: the number may stand for other weights by now.</summary>
    public void Unload() => Version = -1;

    /// <summary>Puts documents into the batch's rows, each with its stored state; a new document starts from zero.</summary>
    /// <exception cref="ArgumentException">A document has no embedding, or one of another width.</exception>
    public void Place(IReadOnlyList<Document> documents)
    {
        if (batch.Capacity < documents.Count) batch = new RecursionBatch(engine.Shape, Math.Max(documents.Count, 2 * batch.Capacity));
        batch.Rows = documents.Count;
        for (var row = 0; row < documents.Count; row++) Place(documents[row], row);
    }

    public ReadOnlySpan<float> Y(int row) => batch.Y.AsSpan(row * engine.Shape.D, engine.Shape.D);

    public ReadOnlySpan<float> Z(int row) => batch.Z.AsSpan(row * engine.Shape.L, engine.Shape.L);

    /// <summary>An article as the loaded weights see it, where the engine has worked that out; null where it works otherwise.</summary>
    internal SentenceReading? Read(DocumentEmbedding embedding) =>
        embedding.Sentences is { } sentences ? (engine as IArticleReader)?.Read(sentences, embedding.X) : null;

    /// <summary>One supervision step without learning.</summary>
    public void Refine() => engine.Refine(batch);

    /// <summary>The document after the step that its row has just been through.</summary>
    /// <param name="document">As it was before.</param>
    /// <param name="trained">Whether the step trained, and the row has a loss.</param>
    /// <param name="version">The weights to name with it.</param>
    public Document Stepped(Document document, int row, bool trained, long version, DateTimeOffset at, DocumentOptions options) =>
        document.Stepped(Y(row), Z(row), batch.Confidence[row], trained ? batch.RowLoss[row] : null, version, at, options);

    /// <summary>Test before training: what a reader would be given of labelled documents now, against their t. The batch's rows are used up by it.</summary>
    /// <param name="documents">Those placed last.</param>
    /// <param name="steps">Supervision steps.</param>
    public Prediction[] Predict(IReadOnlyList<Document> documents, int steps)
    {
        for (var step = 0; step < steps; step++) Refine();
        var predictions = new Prediction[documents.Count];
        for (var row = 0; row < predictions.Length; row++)
        {
            predictions[row] = Prediction.Of(Y(row), documents[row].Embedding!.T!);
        }
        return predictions;
    }

    /// <summary>One supervision step in training mode, whose gradient is left to somebody else to apply. <see cref="Rewind"/> takes it back.</summary>
    /// <param name="gradient">[parameters]; overwritten.</param>
    /// <returns>The loss, a mean over the batch.</returns>
    public float Train(Span<float> gradient)
    {
        before ??= new RecursionBatch(engine.Shape, batch.Capacity);
        if (before.Capacity < batch.Rows) before = new RecursionBatch(engine.Shape, batch.Capacity);
        Copy(batch, before);
        Unload(); // the engine's running statistics are no version's any more
        return engine.Train(batch, gradient);
    }

    /// <summary>Takes the last <see cref="Train(Span{float})"/> back: y and z are what they were. Load weights before the next step.</summary>
    public void Rewind() => Copy(before ?? throw new InvalidOperationException("there is no step to take back"), batch);

    /// <summary>Copies the running statistics that training has moved.</summary>
    public void ReadStatistics(RecursionWeights destination) => engine.ReadStatistics(destination);

    /// <summary>The supervision steps of the batch in training mode, one each time the sequence is advanced.</summary>
    /// <param name="supervision">Over the same engine.</param>
    /// <inheritdoc cref="Supervision.Run"/>
    public IEnumerable<SupervisionStep> Train(Supervision supervision, IReadOnlyList<Lesson>? lessons = null)
    {
        foreach (var step in supervision.Run(batch, lessons))
        {
            Version = step.Version;
            yield return step;
        }
    }

    /// <summary>How fast refinement contracts at the document's state, with the loaded weights.</summary>
    public double SpectralRadius(Document document)
    {
        Place([document, document]);
        return Contraction.SpectralRadius(engine, batch);
    }

    /// <summary>What documents come to from where they stand with other weights; the next <see cref="Load"/> takes its own again.</summary>
    public List<MapVector> Outcomes(IReadOnlyList<Document> documents, RecursionWeights weights, int steps)
    {
        engine.Load(weights);
        Version = -1;
        Place(documents);
        for (var step = 0; step < steps; step++) Refine();
        var outcomes = new List<MapVector>(documents.Count);
        for (var row = 0; row < documents.Count; row++) outcomes.Add(new MapVector(documents[row].Id, Y(row).ToArray()));
        return outcomes;
    }

    public void Dispose() => engine.Dispose();

    private static void Copy(RecursionBatch from, RecursionBatch to)
    {
        from.Y.AsSpan(0, from.Rows * from.Shape.D).CopyTo(to.Y);
        from.Z.AsSpan(0, from.Rows * from.Shape.L).CopyTo(to.Z);
        to.Rows = from.Rows;
    }

    private void Place(Document document, int row)
    {
        var (d, _, l) = engine.Shape;
        var embedding = document.Embedding ?? throw new ArgumentException($"document '{document.Id}' has no embedding yet");
        if (embedding.X.Length != d)
            throw new ArgumentException($"document '{document.Id}' has an embedding of {embedding.X.Length} elements; the network takes {d}");
        embedding.X.CopyTo(batch.X, row * d);
        batch.Sentences[row] = embedding.Sentences;
        var target = batch.T.AsSpan(row * d, d);
        if (embedding.T is null) target.Clear();
        else embedding.T.CopyTo(target);
        var y = batch.Y.AsSpan(row * d, d);
        var z = batch.Z.AsSpan(row * l, l);
        if (document.State is null)
        {
            y.Clear();
            z.Clear();
        }
        else
        {
            document.State.Y.CopyTo(y);
            document.State.Z.CopyTo(z);
        }
    }
}
