using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Evaluation.Experiments;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Tests;
using RsrNet.Core.Weights;
using RsrNet.Torch.Replicas;
using RsrNet.Torch.Replicas.Recurrent;

namespace RsrNet.Torch.Tests.Replicas.Recurrent;

/// <summary>Whole text models on libtorch: they learn, grow, speak and are kept as those on our tape.</summary>
public sealed class TorchTextModelTests : IDisposable
{
    private const int Articles = 60;

    private static readonly ModelOptions Classifier = new()
    {
        Embedding = 12, Hidden = 16, MinimumCount = 1, LearningRate = 0.02, BatchSize = 4, BatchWaitMs = 0, Label = "topic", Engine = "torch-cpu", CheckpointSeconds = 1e5,
    };

    private static readonly ModelOptions Speaker = Classifier with
    {
        Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, Cell = RecurrentCell.Gru, Layers = 2, Window = 7,
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Devices => TorchDevices.Names;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static EngineCatalog Engines => EngineCatalog.OfCore().AddTorch();

    public void Dispose() => folder.Dispose();

    /// <summary>New words, new classes and a network that grows on the way; ten updates of the same batches.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Classifier_OverSomeBatches_SaysWhatTheTapesSays(string device)
    {
        foreach (var (cell, summary) in new[] { (RecurrentCell.Lstm, ModelSummary.Mean), (RecurrentCell.Rnn, ModelSummary.Last), (RecurrentCell.Mean, ModelSummary.Mean) })
        {
            var options = Classifier with { Cell = cell, Summary = summary };
            using var ours = new TextClassifier(options, new WordVocabulary(minimumCount: 1));
            using var theirs = new TextClassifier(options, new WordVocabulary(minimumCount: 1), open: Open(device));
            for (var round = 0; round < 9; round++) Assert.Equal(ours.Learn(Texts(round)), theirs.Learn(Texts(round)), 1e-4);
            LabelledText[] more = [new(string.Join(' ', Enumerable.Range(0, 300).Select(i => $"word{i}")), "lists"), .. Texts(9)];
            Assert.Equal(ours.Learn(more), theirs.Learn(more), 1e-4);
            Assert.Equal(ours.Shape, theirs.Shape);
            Assert.Equal(10, theirs.Updates);
            foreach (var text in (string[])["the team won game 2", "a bank", "word17 word18", ""])
            {
                var (own, other) = (ours.Classify(text), theirs.Classify(text));
                Assert.Equal(own.Select(score => score.Label), other.Select(score => score.Label));
                for (var i = 0; i < own.Count; i++) Assert.Equal(own[i].Probability, other[i].Probability, 1e-4);
            }
            string[] texts = ["the team", "the bank lost a lot of money again", "won"];
            Assert.Equal(ours.Predict(texts), theirs.Predict(texts));
            foreach (var (own, other) in ours.Embed(texts).Zip(theirs.Embed(texts))) Assert.True(VectorMath.RelativeDistance(other, own) < 1e-3);
            Assert.True(VectorMath.RelativeDistance(theirs.Network.Parameters.Values, ours.Network.Parameters.Values) < 1e-3);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void LanguageModel_Greedy_SaysTheSameText(string device)
    {
        foreach (var cell in (RecurrentCell[])[RecurrentCell.Lstm, RecurrentCell.Gru, RecurrentCell.RnnRelu])
        {
            var options = Speaker with { Cell = cell };
            using var ours = new LanguageModel(options, new CharacterVocabulary());
            using var theirs = new LanguageModel(options, new CharacterVocabulary(), open: Open(device));
            string[] texts = ["abcabcabcabcabcabc", "abcab", "cabcabcabcab"];
            for (var round = 0; round < 20; round++)
            {
                var (own, other) = (ours.Learn(texts), theirs.Learn(texts));
                Assert.Equal(own.Count, other.Count);
                Assert.Equal(own.Value, other.Value, 1e-3);
            }
            Assert.Equal(ours.Evaluate(texts).Value, theirs.Evaluate(texts).Value, 1e-3);
            var greedy = new GenerationOptions { Temperature = 0, MaxTokens = 40, StopAtEnd = false };
            foreach (var prompt in (string[])["", "ab", "cabcabcabcabcabc"])
            {
                var said = string.Concat(Generation.Continue(ours, prompt, greedy));
                Assert.Equal(40, said.Length);
                Assert.Equal(said, string.Concat(Generation.Continue(theirs, prompt, greedy)));
            }
        }
    }

    /// <summary>Weights, Adam's moments and words: after the change both go on as one that was never interrupted.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Checkpoint_OfOneEngine_GoesOnOnTheOther(bool fromLibtorch)
    {
        foreach (var options in (ModelOptions[])[Classifier, Speaker])
        {
            using var through = Create(options, on: false);
            using var first = Create(options, on: fromLibtorch);
            for (var round = 0; round < 6; round++) Learn(through, round);
            for (var round = 0; round < 6; round++) Learn(first, round);
            var path = folder.File($"{options.Kind}-{fromLibtorch}.safetensors");
            using (var file = File.Create(path))
            {
                ModelCheckpointFile.Write(file, new ModelCheckpoint(
                    first.Updates, 0, options, first.Vocabulary.Content, first is TextClassifier known ? known.Classes : [], first.Network, first.Optimizer,
                    new ModelScores().Read(), [], DateTimeOffset.UnixEpoch, null));
            }
            var kept = ModelCheckpointFile.Read(path);
            Assert.Equal(through.Updates, kept.Optimizer.Step);
            using var second = Create(options, on: !fromLibtorch, kept);
            for (var round = 6; round < 10; round++)
            {
                Learn(through, round);
                Learn(second, round);
            }
            Assert.Equal(through.Updates, second.Updates);
            foreach (var own in through.Network.Parameters.Parameters)
            {
                var distance = VectorMath.RelativeDistance(second.Network.Parameters[own.Name].Values, own.Values);
                Assert.True(distance < 2e-3, $"{options.Kind}, {own.Name}: {distance}");
            }
            // Without the moments Adam would begin anew, and everything above be off by a tenth or so.
            Assert.True(VectorMath.RelativeDistance(second.Optimizer.Mean, through.Optimizer.Mean) < 1e-2);
            Assert.True(VectorMath.RelativeDistance(second.Optimizer.Variance, through.Optimizer.Variance) < 1e-2);
        }
    }

    /// <summary>As a server does it: stop, change the setting, start.</summary>
    [Fact]
    public async Task Host_WithAnotherEngineAfterARestart_GoesOn()
    {
        var store = new MemoryDocumentStore();
        var kept = new ModelFolder(folder.File("models"));
        var greedy = new GenerationOptions { Temperature = 0, MaxTokens = 20 };
        await Store(store, 0, Articles / 2);
        Classification? before = null;
        string? said = null;
        foreach (var (engine, from) in new[] { ("cpu", 0), ("torch", Articles / 2) })
        {
            await using var host = await Open(store, kept, engine);
            ModelRunner topics = host.Find("topics")!, speaker = host.Find("speaker")!;
            // The engine that computes, not the choice.
            Assert.Equal(engine == "cpu" ? "cpu" : TorchDevice.ProblemOfCuda() is null ? "cuda" : "torch-cpu", (await topics.Read(Cancellation)).Engine);
            if (before is not null)
            {
                var again = await topics.Classify("the bank lost", Cancellation);
                Assert.Equal(before.Version, again.Version);
                foreach (var (one, other) in before.Scores.Zip(again.Scores)) Assert.Equal(one.Probability, other.Probability, 1e-5);
                Assert.Equal(said, await Text(speaker.Generate("the ", greedy, Cancellation)));
                await Store(store, from, Articles / 2);
            }
            host.Start();
            await Learned(topics, from + Articles / 2);
            await Learned(speaker, from + Articles / 2);
            Assert.Null((await topics.Read(Cancellation)).Problem);
            before = await topics.Classify("the bank lost", Cancellation);
            said = await Text(speaker.Generate("the ", greedy, Cancellation));
            Assert.Equal("money", before.Scores[0].Label);
            Assert.Equal(2, (await topics.Embed(["the team won", "the bank lost"], untrained: true, Cancellation)).Count);
        }
        // And its file is one that any engine takes.
        await using var last = await Open(store, kept, "cpu");
        Assert.Equal(before!.Version, (await last.Find("topics")!.Read(Cancellation)).Version);
        Assert.Equal("money", (await last.Find("topics")!.Classify("the bank lost", Cancellation)).Scores[0].Label);
        Assert.Equal(said, await Text(last.Find("speaker")!.Generate("the ", greedy, Cancellation)));
    }

    [Fact]
    public void Replicas_OnLibtorch_AreRefused()
    {
        var problem = Assert.Throws<ArgumentException>(
            () => new TextClassifier(Classifier with { Replicas = 2 }, new WordVocabulary(minimumCount: 1), open: Open("torch-cpu")));
        Assert.Contains("2 replicas share the engine cpu alone", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Catalog_KnowsWhatRunsTextModels()
    {
        Assert.Equal("torch-cpu", Engines.FindForText("torch-cpu").Name);
        Assert.Equal(TorchDevice.ProblemOfCuda() is null ? "cuda" : "torch-cpu", Engines.FindForText("torch").Name);
        Assert.Equal(TorchDevice.ProblemOfCuda() is null ? "cuda" : "cpu", Engines.FindForText("auto").Name);
        Assert.Equal("cpu", new ModelOptions { Replicas = 2 }.FindEngine("x", Engines).Name);
        Assert.Contains(
            "the engine 'reference' does not run text models; cpu, torch-cpu, cuda and auto do",
            Assert.Throws<EngineUnavailableException>(() => Engines.FindForText("reference")).Message, StringComparison.Ordinal);
        if (TorchDevice.ProblemOfCuda() is null) return;
        var problem = Assert.Throws<EngineUnavailableException>(() => new ModelOptions { Engine = "cuda" }.FindEngine("topics", Engines));
        Assert.StartsWith("Models.topics.Engine: the engine 'cuda' cannot run here: there is no NVIDIA driver", problem.Message, StringComparison.Ordinal);
        Assert.Contains("-p:TorchDevice=cuda", problem.Message, StringComparison.Ordinal);
    }

    /// <summary>Stages, schedule and decay of the human-numbers experiment over a short text.</summary>
    [Fact]
    public void HumanNumbers_OnLibtorch_LearnWhatTheTapeLearns()
    {
        var ours = new HumanNumbers(_ => { }, length: 4_000).ThreeWords("stage 1", epochs: 2, rate: 1e-2, decay: 0.3, unrolled: true);
        var theirs = new HumanNumbers(_ => { }, length: 4_000, open: Open("torch-cpu")).ThreeWords("stage 1", epochs: 2, rate: 1e-2, decay: 0.3, unrolled: true);
        for (var epoch = 0; epoch < ours.Count; epoch++) Assert.Equal(ours[epoch], theirs[epoch], 0.02);
        var stage4 = new HumanNumbers(_ => { }, length: 8_000).Stateful("stage 4", epochs: 2, rate: 1e-2, decay: 0.01, window: 8, every: true);
        var twin = new HumanNumbers(_ => { }, length: 8_000, open: Open("torch-cpu")).Stateful("stage 4", epochs: 2, rate: 1e-2, decay: 0.01, window: 8, every: true);
        for (var epoch = 0; epoch < stage4.Count; epoch++) Assert.Equal(stage4[epoch], twin[epoch], 0.02);
    }

    private static OpenTextEngine Open(string device) =>
        (network, optimizer, options, seed) => new TorchTextEngine(TorchDevices.Of(device), network, optimizer, options, seed);

    private static TextModel Create(ModelOptions options, bool on, ModelCheckpoint? kept = null)
    {
        var open = on ? Open("torch-cpu") : null;
        return options.Kind == ModelKind.Classifier
            ? new TextClassifier(options, new WordVocabulary(1, content: kept?.Vocabulary), kept?.Classes, kept?.Network, kept?.Optimizer, open)
            : new LanguageModel(options, new CharacterVocabulary(1, content: kept?.Vocabulary), kept?.Network, kept?.Optimizer, open);
    }

    private static void Learn(TextModel model, int round)
    {
        if (model is TextClassifier classifier) classifier.Learn(Texts(round));
        else ((LanguageModel)model).Learn([.. Texts(round).Select(item => item.Text)]);
    }

    private static LabelledText[] Texts(int round) =>
    [
        new($"the team won game {round % 3}", "sport"), new($"the bank lost money {round % 3}", "money"),
        new("a team played well and won", "sport"), new("shares of the bank fell again", "money"),
    ];

    private static async Task Store(MemoryDocumentStore store, int from, int count) => await store.Put(
        [.. Enumerable.Range(from, count).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        })],
        Cancellation);

    private static Task<ModelHost> Open(MemoryDocumentStore store, ModelFolder kept, string engine) => ModelHost.Open(
        store, kept, new Dictionary<string, ModelOptions> { ["topics"] = Classifier with { Engine = engine }, ["speaker"] = Speaker with { Engine = engine } },
        engines: Engines, cancellation: Cancellation);

    private static async Task<string> Text(IAsyncEnumerable<string> pieces)
    {
        var text = "";
        await foreach (var piece in pieces) text += piece;
        return text;
    }

    private static async Task Learned(ModelRunner model, long articles)
    {
        // Generous: the machine may be busy with everything else.
        for (var look = 0; look < 3000; look++)
        {
            if ((await model.Read(Cancellation)).Scores.Articles == articles) return;
            await Task.Delay(20, Cancellation);
        }
        var status = await model.Read(Cancellation);
        Assert.Fail($"{model.Name} has learned {status.Scores.Articles} articles, not {articles}; {status.Problem}");
    }
}
