using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>A recurrent model with its vocabulary and its optimiser: what learns, and what a checkpoint holds. Not thread-safe.</summary>
public abstract class TextModel : IDisposable
{
    private readonly MatrixProduct product = MatrixProduct.Create();
    private ParameterAdam optimizer;

    private protected TextModel(ModelOptions options, IVocabulary vocabulary, RecurrentNetwork network, AdamState? state)
    {
        Options = options;
        Vocabulary = vocabulary;
        Network = network;
        optimizer = new ParameterAdam(network.Parameters, options.Adam, state);
        Tape = new Tape(product, unchecked((ulong)options.Seed));
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

    private protected Tape Tape { get; }

    private protected SequenceBatch Batch { get; } = new();

    /// <summary>The network for some options, with room for so many tokens and outputs.</summary>
    internal static RecurrentShape ShapeOf(ModelOptions options, int vocabulary, int outputs) => new(
        vocabulary, options.Embedding, options.Hidden, outputs, options.Cell,
        options.Kind == ModelKind.LanguageModel ? SequenceOutput.Every
        : options.Summary == ModelSummary.Last ? SequenceOutput.Last : SequenceOutput.Mean,
        options.Layers, options.Dropout, SpecialToken.Padding);

    public void Dispose()
    {
        Tape.Dispose();
        product.Dispose();
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
        optimizer = new ParameterAdam(Network.Parameters, Options.Adam, state) { LearningRate = rate };
    }

    private protected void Update()
    {
        Tape.Backward();
        if (!double.IsFinite(optimizer.Apply())) RefusedGradients++;
    }
}
