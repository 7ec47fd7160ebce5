using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>What a model of the stream learns.</summary>
public enum ModelKind
{
    /// <summary>A text's class, from the articles' labels.</summary>
    Classifier,

    /// <summary>What comes next in a text.</summary>
    LanguageModel,
}

/// <summary>How a text becomes numbers.</summary>
public enum VocabularyKind
{
    Words,
    Characters,
    BytePairs,

    /// <summary>Those of a SentencePiece .model; in the full edition.</summary>
    SentencePiece,
}

/// <summary>A recurrent model that learns from the same articles as RSR-Net. Its name is its key in the section <c>Models</c>.</summary>
public sealed record ModelOptions
{
    private const string Cpu = "cpu";

    /// <summary>Default Classifier.</summary>
    public ModelKind Kind { get; init; } = ModelKind.Classifier;

    /// <summary>Of a classifier: the label it learns, such as <c>category</c>; articles without it teach nothing. Default category.</summary>
    public string Label { get; init; } = "category";

    /// <summary>What reads the text. Default Lstm; a language model cannot have Mean.</summary>
    public RecurrentCell Cell { get; init; } = RecurrentCell.Lstm;

    /// <summary>Of a classifier: whether the last layer sees the last state or the mean of all. Default Mean.</summary>
    public ModelSummary Summary { get; init; } = ModelSummary.Mean;

    /// <summary>Default Words. BytePairs are trained once there are 200 articles, from these.</summary>
    public VocabularyKind Vocabulary { get; init; } = VocabularyKind.Words;

    /// <summary>
    /// Of BytePairs: a file of merges, as GPT-2's merges.txt, instead of learning them from the articles. Of SentencePiece, which needs one: a .model. Default empty:
    /// none. In a configuration alone: a request must not have the server open files.
    /// </summary>
    public string VocabularyFile { get; init; } = "";

    /// <summary>Most numbers of the vocabulary; further pieces stay unknown. Default 20,000; 300 to 1,000,000.</summary>
    public int VocabularyLimit { get; init; } = 20_000;

    /// <summary>Sightings until a word has a number. Default 2; 1 to 1,000.</summary>
    public int MinimumCount { get; init; } = 2;

    /// <summary>Numbers of a token's embedding. Default 64; 1 to 4,096.</summary>
    public int Embedding { get; init; } = 64;

    /// <summary>Numbers of a state. Default 128; 1 to 4,096.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>Recurrent layers. Default 1; 1 to 8.</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Share of numbers that are zeroed in training, between layers and before the last. Default 0; at least 0 and below 1.</summary>
    public double Dropout { get; init; }

    /// <summary>Share of a classifier's tokens that are shown as unknown in training, so that no single word decides. Default 0; at least 0 and below 1.</summary>
    public double TokenDropout { get; init; }

    /// <summary>Tokens of an article that are read; the rest is passed over. Default 256; 1 to 100,000.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// Of a language model: tokens between two updates, and how far the gradient goes back; the state is carried on. Default 64; 1 to 10,000.
    /// </summary>
    public int Window { get; init; } = 64;

    /// <summary>Articles of a batch. Default 32; 1 to 4,096.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>How long the first article of a batch waits for others. Milliseconds; default 500; at least 0.</summary>
    public int BatchWaitMs { get; init; } = 500;

    /// <summary>
    /// Which engine computes, by its name in <see cref="EngineCatalog"/>: cpu, our own tape; in the full edition torch-cpu and cuda, libtorch's twins of the networks, and torch,
    /// which is cuda where there is a GPU and torch-cpu otherwise; auto takes the fastest that this machine can run, and cpu where there are several
    /// <see cref="Replicas"/>. Default auto. Checkpoints are the same on all of them: a model may go on on another engine at the next start. cuda is untested, for lack of a
    /// GPU.
    /// </summary>
    public string Engine { get; init; } = EngineCatalog.Auto;

    /// <summary>
    /// Replicas of the model that learn together: each computes the gradient of its share of a batch on a thread of its own, and their mean is applied in one update, as if
    /// one had computed all. Default 1; 1 to 64, and 1 on other engines than cpu, which have threads of their own.
    /// </summary>
    public int Replicas { get; init; } = 1;

    /// <summary>Adam's step size. Default 0.005; above 0.</summary>
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>Global 2-norm to which a gradient is clipped. Default 1; above 0.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Of the first weights and of dropout. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Most articles that are learned without a checkpoint. Default 2,000; at least 1.</summary>
    public int CheckpointArticles { get; init; } = 2_000;

    /// <summary>Longest time learned articles are without a checkpoint. Seconds; default 10; above 0.</summary>
    public double CheckpointSeconds { get; init; } = 10;

    /// <summary>Checkpoints kept. Default 3; at least 2.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>What is out of its range, each naming the option and the range; empty where all is well.</summary>
    /// <param name="name">The model's, for messages.</param>
    public IReadOnlyList<string> Problems(string name)
    {
        var problems = new List<string>();
        if (!IsName(name)) problems.Add($"Models.{name}: a name has 1 to 64 small letters, digits, '-' and '_', and begins with a letter or digit");
        if (Kind == ModelKind.Classifier && string.IsNullOrWhiteSpace(Label)) problems.Add($"Models.{name}.Label is empty; name the label to learn");
        if (Kind == ModelKind.LanguageModel && Cell == RecurrentCell.Mean)
            problems.Add($"Models.{name}.Cell is Mean; a language model needs Rnn, RnnRelu, Lstm or Gru");
        if (VocabularyFile.Length > 0 && Vocabulary is not (VocabularyKind.BytePairs or VocabularyKind.SentencePiece))
            problems.Add($"Models.{name}.VocabularyFile is set, and Vocabulary is {Vocabulary}; only BytePairs and SentencePiece can be read from a file");
        if (VocabularyFile.Length == 0 && Vocabulary == VocabularyKind.SentencePiece)
            problems.Add($"Models.{name}.VocabularyFile is empty, and Vocabulary is SentencePiece; name its .model in the configuration");
        if (Replicas > 1 && Engine is not (Cpu or EngineCatalog.Auto))
            problems.Add($"Models.{name}.Replicas is {Replicas}, and Engine is {Engine}; replicas are threads of the engine cpu: leave one of the two out");
        Check(nameof(VocabularyLimit), VocabularyLimit, 300, 1_000_000);
        Check(nameof(MinimumCount), MinimumCount, 1, 1_000);
        Check(nameof(Embedding), Embedding, 1, 4_096);
        Check(nameof(Hidden), Hidden, 1, 4_096);
        Check(nameof(Layers), Layers, 1, 8);
        Check(nameof(Dropout), Dropout, 0, Math.BitDecrement(1.0));
        Check(nameof(TokenDropout), TokenDropout, 0, Math.BitDecrement(1.0));
        Check(nameof(MaxTokens), MaxTokens, 1, 100_000);
        Check(nameof(Window), Window, 1, 10_000);
        Check(nameof(BatchSize), BatchSize, 1, 4_096);
        Check(nameof(BatchWaitMs), BatchWaitMs, 0, 3_600_000);
        Check(nameof(Replicas), Replicas, 1, 64);
        Check(nameof(LearningRate), LearningRate, double.Epsilon, 1e6);
        Check(nameof(ClipNorm), ClipNorm, double.Epsilon, double.MaxValue);
        Check(nameof(CheckpointArticles), CheckpointArticles, 1, int.MaxValue);
        Check(nameof(CheckpointSeconds), CheckpointSeconds, double.Epsilon, 1e6);
        Check(nameof(Keep), Keep, 2, 1_000);
        return problems;

        void Check(string option, double value, double least, double most)
        {
            if (value >= least && value <= most) return;
            var range = least == double.Epsilon ? "above 0" : most < 1 ? $"at least {least} and below 1" : $"{least} to {most}";
            problems.Add(FormattableString.Invariant($"Models.{name}.{option} is {value}; it must be {range}"));
        }
    }

    /// <summary>Checks what a request wants to add.</summary>
    /// <param name="engines">Null where somebody else knows what there is.</param>
    /// <exception cref="ArgumentException">Name or options are out of their range, or the engine is not there; the message names each.</exception>
    public void CheckAddable(string name, EngineCatalog? engines = null)
    {
        if (VocabularyFile.Length > 0) throw new ArgumentException($"Models.{name}.VocabularyFile can only be named in the configuration");
        if (Problems(name) is { Count: > 0 } problems) throw new ArgumentException(string.Join("; ", problems));
        try
        {
            if (engines is not null) FindEngine(name, engines);
        }
        catch (EngineUnavailableException problem)
        {
            throw new ArgumentException(problem.Message, problem);
        }
    }

    /// <summary>Whether it can stand in an address and a folder's name.</summary>
    public static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && (char.IsAsciiLetterLower(name[0]) || char.IsAsciiDigit(name[0]))
        && name.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '_');

    /// <summary>These, with what only paces the learning as another says. What shapes the network, and what it learns, stays.</summary>
    public ModelOptions PacedAs(ModelOptions other) => this with
    {
        BatchSize = other.BatchSize, BatchWaitMs = other.BatchWaitMs, LearningRate = other.LearningRate, ClipNorm = other.ClipNorm, MaxTokens = other.MaxTokens,
        CheckpointArticles = other.CheckpointArticles, CheckpointSeconds = other.CheckpointSeconds, Keep = other.Keep, Replicas = other.Replicas,
        Engine = other.Engine,
    };

    /// <summary>The engine of these options.</summary>
    /// <param name="name">The model's, for messages.</param>
    /// <exception cref="EngineUnavailableException">There is none of that name, or this machine or edition cannot run it; the message names the option and says what to do.</exception>
    public EngineOffer FindEngine(string name, EngineCatalog engines)
    {
        try
        {
            return engines.FindForText(Engine == EngineCatalog.Auto && Replicas > 1 ? Cpu : Engine);
        }
        catch (EngineUnavailableException problem)
        {
            throw new EngineUnavailableException($"Models.{name}.Engine: {problem.Message}");
        }
    }

    internal CoordinationOptions Adam => new() { LearningRate = LearningRate, ClipNorm = ClipNorm };
}

/// <summary>What a classifier's last layer sees.</summary>
public enum ModelSummary
{
    /// <summary>The mean over time.</summary>
    Mean,

    /// <summary>The last state.</summary>
    Last,
}
