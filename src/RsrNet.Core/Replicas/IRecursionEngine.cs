using RsrNet.Core.Documents;

namespace RsrNet.Core.Replicas;

/// <summary>
/// Runs the recursion for batches of documents: the plain reference, the SIMD engine and the device engines all answer to this. An engine
/// holds one copy of the weights and is used by one thread at a time.
/// </summary>
public interface IRecursionEngine : IDisposable
{
    /// <summary>What the options call it, for people: reference, cpu, torch-cpu, cuda.</summary>
    string Name { get; }

    RecursionShape Shape { get; }

    /// <summary>Takes over a copy of these weights, running statistics included.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    void Load(RecursionWeights weights);

    /// <summary>
    /// <see cref="Load"/>, but the parameters may be read where they lie instead of being copied: they must not change before the next load. For
    /// whoever loads again after each of its own updates, where the copy would be a thirtieth of a step.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    void Share(RecursionWeights weights) => Load(weights);

    /// <summary>
    /// One supervision step in training mode: deep recursion, loss, gradient. Batch statistics normalise, and update the engine's running
    /// statistics call by call. The optimiser's step is the coordinator's.
    /// </summary>
    /// <param name="batch">At least two rows; Y and Z are replaced by the detached new state, Confidence by q.</param>
    /// <param name="gradient">[parameters] in <see cref="ParameterLayout"/>'s order, or the first of them alone, those that take part in the loss;
    /// overwritten. Not clipped.</param>
    /// <returns>The loss of the step, a mean over the batch.</returns>
    /// <exception cref="ArgumentException">The batch has fewer than two rows, or its sizes do not fit.</exception>
    float Train(RecursionBatch batch, Span<float> gradient);

    /// <summary>One supervision step without learning: deep recursion with the running statistics. Each row is independent of the others.</summary>
    /// <param name="batch">Any number of rows; Y, Z and Confidence are replaced. T is not read.</param>
    void Refine(RecursionBatch batch);

    /// <summary>Copies the running statistics that training has moved to where the coordinator keeps them.</summary>
    void ReadStatistics(RecursionWeights destination);
}

/// <summary>B documents side by side; buffers are reused, so a batch may have fewer rows than its capacity.</summary>
public sealed class RecursionBatch
{
    public RecursionBatch(RecursionShape shape, int capacity)
    {
        Shape = shape;
        Capacity = capacity;
        X = new float[capacity * shape.D];
        T = new float[capacity * shape.D];
        Y = new float[capacity * shape.D];
        Z = new float[capacity * shape.L];
        Confidence = new float[capacity];
        RowLoss = new float[capacity];
        Sentences = new ArticleSentences?[capacity];
        Rows = capacity;
    }

    public RecursionShape Shape { get; }

    public int Capacity { get; }

    /// <summary>B, the rows in use.</summary>
    public int Rows { get; set; }

    /// <summary>[B, d] article embeddings.</summary>
    public float[] X { get; }

    /// <summary>[B, d] embeddings of the highlights; read in training only.</summary>
    public float[] T { get; }

    /// <summary>[B, d] summary embeddings.</summary>
    public float[] Y { get; }

    /// <summary>[B, L] latents.</summary>
    public float[] Z { get; }

    /// <summary>[B] q, in [0, 1].</summary>
    public float[] Confidence { get; }

    /// <summary>[B] each row's sentences; read in the residual mode only, which needs them.</summary>
    public ArticleSentences?[] Sentences { get; }

    /// <summary>[B] each row's share of the loss (their mean is the step's loss); written in training only.</summary>
    public float[] RowLoss { get; }

    /// <summary>For engines: whether they can run this batch.</summary>
    /// <param name="shape">The engine's network.</param>
    /// <param name="training">Whether batch statistics will be taken, for which one row is not enough.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, the rows exceed the capacity, or there are too few to train.</exception>
    public void EnsureFits(RecursionShape shape, bool training)
    {
        if (Shape != shape) throw new ArgumentException($"a batch of shape {Shape} does not fit a network of shape {shape}");
        if (Rows < 0 || Rows > Capacity) throw new ArgumentException($"a batch has 0 to {Capacity} rows, not {Rows}");
        if (training && Rows < 2) throw new ArgumentException($"training needs at least 2 rows for BatchNorm's statistics, not {Rows}");
    }
}
