using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Cli.Bench;

/// <summary>An update of a text model by one thread and by two replicas, which share the same batch of 64 texts: tokens, gradients, their sum, and Adam.</summary>
internal sealed class ReplicaGain : IDisposable
{
    private const int Batch = 64;

    private readonly List<TextModel> models = [];

    private ReplicaGain(string name, Func<int, (TextModel Model, Action Learn)> create)
    {
        Name = name;
        (One, Two) = (Clock(1), Clock(2));

        // By the clock on both sides, for the second thread's time is what is to be gained.
        Stopclock Clock(int replicas)
        {
            var (model, learn) = create(replicas);
            models.Add(model);
            return new Stopclock(learn, threads: 2);
        }
    }

    /// <summary>What is learned.</summary>
    public string Name { get; }

    public Stopclock One { get; }

    public Stopclock Two { get; }

    /// <summary>An LSTM over 20 to 60 of 10,000 words, embedding 64, hidden 128, 4 classes.</summary>
    public static ReplicaGain Classifier() => new("LSTM classifier", replicas =>
    {
        var model = new TextClassifier(new ModelOptions { MinimumCount = 1, Replicas = replicas }, new WordVocabulary(minimumCount: 1));
        LabelledText[] texts = [.. Enumerable.Range(0, Batch).Select(b => new LabelledText(Words(60 - 40 * b / Batch, (ulong)b), $"class {b % 4}"))];
        return (model, () => model.Learn(texts));
    });

    /// <summary>An RNN over 100 characters, embedding and hidden 128.</summary>
    public static ReplicaGain Characters() => new("character model", replicas =>
    {
        var options = new ModelOptions
        {
            Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, Cell = RecurrentCell.Rnn, Embedding = 128, Hidden = 128, Window = 101, MaxTokens = 101,
            Replicas = replicas,
        };
        var model = new LanguageModel(options, new CharacterVocabulary());
        string[] texts = [.. Enumerable.Range(0, Batch).Select(b => Words(50, (ulong)b)[..100])];
        return (model, () => model.Learn(texts));
    });

    public void Dispose()
    {
        foreach (var model in models) model.Dispose();
    }

    /// <summary>The frequent ones are the short ones.</summary>
    private static string Words(int count, ulong seed)
    {
        var random = new SplitMix64(seed);
        return string.Join(' ', Enumerable.Range(0, count).Select(_ => $"w{(int)(10_000 * Math.Pow(random.NextDouble(), 3))}"));
    }
}
