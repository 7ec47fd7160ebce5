using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>A recurrent model with its vocabulary and its optimiser: what learns, and what a checkpoint holds. Not thread-safe.</summary>
public abstract class TextModel : IDisposable
{
    private readonly ModelReplica own;
    private readonly ModelReplica[] replicas;
    private ParameterAdam optimizer;

    private protected TextModel(ModelOptions options, IVocabulary vocabulary, RecurrentNetwork network, AdamState? state)
    {
        Options = options;
        Vocabulary = vocabulary;
        Network = network;
        optimizer = new ParameterAdam(network.Parameters, options.Adam, state);
        own = new ModelReplica(network, unchecked((ulong)options.Seed));
        // One replica is the model itself.
        replicas = options.Replicas == 1
            ? []
            : [.. Enumerable.Range(0, options.Replicas).Select(number => new ModelReplica(network.Replicate(), unchecked((ulong)options.Seed + 7919 * (ulong)number), number))];
    }

    public ModelOptions Options { get; }

    public IVocabulary Vocabulary { get; }

    public RecurrentNetwork Network { get; private set; }

    /// <summary>Adam's moments.</summary>
    public AdamState Optimizer => optimizer.State;

    /// <summary>Gradients that were not finite and left the weights as they were, since the start.</summary>
    public long RefusedGradients { get; private set; }

    /// <summary>Learning rate of the next updates; a schedule writes here.</summary>
    public double LearningRate
    {
        get => optimizer.LearningRate;
        set => optimizer.LearningRate = value;
    }

    private protected Tape Tape => own.Tape;

    private protected SequenceBatch Batch => own.Batch;

    /// <summary>Into how many shares a batch is dealt.</summary>
    private protected int Shares => Math.Max(1, replicas.Length);

    /// <summary>The network for some options, with room for so many tokens and outputs.</summary>
    internal static RecurrentShape ShapeOf(ModelOptions options, int vocabulary, int outputs) => new(
        vocabulary, options.Embedding, options.Hidden, outputs, options.Cell,
        options.Kind == ModelKind.LanguageModel ? SequenceOutput.Every
        : options.Summary == ModelSummary.Last ? SequenceOutput.Last : SequenceOutput.Mean,
        options.Layers, options.Dropout, SpecialToken.Padding);

    public void Dispose()
    {
        own.Dispose();
        foreach (var replica in replicas) replica.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A text's tokens, at least one.</summary>
    private protected List<int> Tokens(string text)
    {
        var tokens = new List<int>();
        Vocabulary.Encode(text, tokens);
        if (tokens.Count == 0) tokens.Add(SpecialToken.Unknown);
        return tokens;
    }

    /// <summary>Makes room in the network for what vocabulary and classes have grown to, and some more, so that it does not happen often.</summary>
    private protected void MakeRoom(int outputs)
    {
        var shape = Network.Shape;
        var vocabulary = shape.Vocabulary >= Vocabulary.Count ? shape.Vocabulary : Math.Max(Vocabulary.Count, shape.Vocabulary * 3 / 2);
        if (this is LanguageModel) outputs = vocabulary;
        if (vocabulary == shape.Vocabulary && outputs <= shape.Outputs) return;
        var rate = LearningRate;
        (Network, var state) = Network.Grow(vocabulary, outputs, optimizer.State, Options.Seed + Vocabulary.Count);
        own.Network = Network;
        foreach (var replica in replicas) replica.Network = Network.Replicate();
        optimizer = new ParameterAdam(Network.Parameters, Options.Adam, state) { LearningRate = rate };
    }

    /// <summary>One update: each replica computes the gradient of its share, and the mean over all predictions is applied.</summary>
    /// <param name="shares">At most <see cref="Shares"/>.</param>
    /// <param name="record">Records a share's loss on the replica's tape.</param>
    /// <returns>Over all shares.</returns>
    private protected TapeLoss Update<TShare>(IReadOnlyList<TShare> shares, Func<ModelReplica, TShare, TapeLoss> record)
    {
        TapeLoss loss;
        if (replicas.Length == 0) loss = own.Differentiate(shares[0], record);
        else
        {
            var losses = Task.WhenAll(shares.Select((share, number) => replicas[number].Run(share, record))).GetAwaiter().GetResult();
            loss = ModelReplica.Join(losses);
            for (var number = 0; number < losses.Length; number++) replicas[number].AddTo(Network.Parameters, (float)((double)losses[number].Count / loss.Count));
        }
        if (!double.IsFinite(optimizer.Apply())) RefusedGradients++;
        return loss;
    }
}
