using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>A recurrent model with its vocabulary and its optimiser: what learns, and what a checkpoint holds. Not thread-safe.</summary>
public abstract class TextModel : IDisposable
{
    private readonly ModelReplica[] replicas;
    private RecurrentNetwork network;
    private AdamState optimizer;

    /// <exception cref="ArgumentException">Several replicas are wanted of an engine that has threads of its own.</exception>
    private protected TextModel(ModelOptions options, IVocabulary vocabulary, RecurrentNetwork network, AdamState? state, OpenTextEngine? open)
    {
        Options = options;
        Vocabulary = vocabulary;
        this.network = network;
        optimizer = state ?? new AdamState(network.Parameters.Values.Length);
        // Other numbers for dropout after each start.
        var seed = unchecked(options.Seed + (int)optimizer.Step);
        Engine = open?.Invoke(network, optimizer, options.Adam, seed) ?? new TapeEngine(network, optimizer, options.Adam, seed);
        if (options.Replicas > 1 && Engine is not TapeEngine)
        {
            Engine.Dispose();
            throw new ArgumentException($"{options.Replicas} replicas share the engine cpu alone; this one has threads of its own", nameof(options));
        }
        // One replica is the model itself.
        replicas = options.Replicas == 1 ? [] : [.. Enumerable.Range(0, options.Replicas).Select(number => new ModelReplica(network, seed, number))];
    }

    public ModelOptions Options { get; }

    public IVocabulary Vocabulary { get; }

    /// <summary>Sizes and kind of the network.</summary>
    public RecurrentShape Shape => network.Shape;

    /// <summary>With the values of now: asking may have to fetch them from a device.</summary>
    public RecurrentNetwork Network
    {
        get
        {
            Engine.Synchronize();
            return network;
        }
    }

    /// <summary>Adam's moments, likewise.</summary>
    public AdamState Optimizer
    {
        get
        {
            Engine.Synchronize();
            return optimizer;
        }
    }

    /// <summary>Numbers that learn.</summary>
    public int ParameterCount => network.Parameters.Values.Length;

    /// <summary>Updates that Adam made.</summary>
    public long Updates => optimizer.Step;

    /// <summary>Gradients that were not finite and left the weights as they were, since the start.</summary>
    public long RefusedGradients { get; private set; }

    /// <summary>Learning rate of the next updates; a schedule writes here.</summary>
    public double LearningRate
    {
        get => Engine.LearningRate;
        set => Engine.LearningRate = value;
    }

    internal ITextEngine Engine { get; }

    private protected SequenceBatch Batch { get; } = new();

    /// <summary>Into how many shares a batch is dealt.</summary>
    private protected int Shares => Math.Max(1, replicas.Length);

    /// <summary>The network for some options, with room for so many tokens and outputs.</summary>
    internal static RecurrentShape ShapeOf(ModelOptions options, int vocabulary, int outputs) => new(
        vocabulary, options.Embedding, options.Hidden, outputs, options.Cell,
        options.Kind == ModelKind.LanguageModel ? SequenceOutput.Every
        : options.Summary == ModelSummary.Last ? SequenceOutput.Last : SequenceOutput.Mean,
        options.Layers, options.Dropout, SpecialToken.Padding, options.Kind == ModelKind.Classifier ? options.TokenDropout : 0, SpecialToken.Unknown);

    public void Dispose()
    {
        Engine.Dispose();
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
        var vocabulary = Shape.Vocabulary >= Vocabulary.Count ? Shape.Vocabulary : Math.Max(Vocabulary.Count, Shape.Vocabulary * 3 / 2);
        if (this is LanguageModel) outputs = vocabulary;
        if (vocabulary == Shape.Vocabulary && outputs <= Shape.Outputs) return;
        (network, optimizer) = Network.Grow(vocabulary, outputs, optimizer, Options.Seed + Vocabulary.Count);
        Engine.Load(network, optimizer);
        foreach (var replica in replicas) replica.Follow(network);
    }

    /// <summary>One update: each replica computes the gradient of its share, and the mean over all predictions is applied.</summary>
    /// <param name="shares">At most <see cref="Shares"/>.</param>
    /// <param name="differentiate">Has an engine differentiate a share's loss, with a batch to lay it out in.</param>
    /// <returns>Over all shares.</returns>
    private protected TapeLoss Update<TShare>(IReadOnlyList<TShare> shares, Func<ITextEngine, SequenceBatch, TShare, TapeLoss> differentiate)
    {
        TapeLoss loss;
        if (replicas.Length == 0) loss = differentiate(Engine, Batch, shares[0]);
        else
        {
            var losses = Task.WhenAll(shares.Select((share, number) => replicas[number].Run(share, differentiate))).GetAwaiter().GetResult();
            loss = ModelReplica.Join(losses);
            for (var number = 0; number < losses.Length; number++) replicas[number].AddTo(network.Parameters, (float)((double)losses[number].Count / loss.Count));
        }
        if (!double.IsFinite(Engine.Apply())) RefusedGradients++;
        return loss;
    }
}
