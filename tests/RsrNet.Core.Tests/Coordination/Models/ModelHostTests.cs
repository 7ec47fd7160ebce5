using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Coordination.Models;

public sealed class ModelHostTests : IDisposable
{
    /// <summary>Checkpoints are written at the end and where a test asks, however slow the machine is.</summary>
    private static readonly Dictionary<string, ModelOptions> Two = new()
    {
        ["topics"] = new() { Embedding = 12, Hidden = 16, MinimumCount = 1, LearningRate = 0.02, BatchSize = 4, BatchWaitMs = 0, Label = "topic", CheckpointSeconds = 1e5 },
        ["speaker"] = new()
        {
            Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, MinimumCount = 1, Embedding = 8, Hidden = 12, Window = 16, BatchSize = 4,
            BatchWaitMs = 0, Cell = RecurrentCell.Gru, CheckpointSeconds = 1e5,
        },
    };

    private readonly TemporaryFolder folder = new();
    private readonly MemoryDocumentStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Models_OfTheStream_LearnFromEveryArticleOnce()
    {
        await Store(0, 40);
        await using var host = new ModelHost(store, folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 30);
        await Learned(host, "speaker", 40);
        await Store(40, 20);
        host.OnArrival();
        await Learned(host, "topics", 45);
        await Learned(host, "speaker", 60);

        var topics = host.Find("topics")!;
        var scores = topics.Read().Scores;
        Assert.Equal(["money", "sport"], scores.Classes.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(45, scores.Classes.Values.Sum(count => count.Articles));
        // Nothing can be said before the first batch; later it is right.
        Assert.InRange(scores.Accuracy!.Value, 0.5, 0.98);
        Assert.Equal("sport", topics.Classify("the team won")!.Scores[0].Label);
        Assert.NotEmpty(string.Concat(host.Find("speaker")!.Generate("the ", new GenerationOptions { MaxTokens = 5, StopAtEnd = false })));
    }

    [Fact]
    public async Task Restart_AfterAnOrderlyEnd_GoesOnWhereItWas()
    {
        await Store(0, 24);
        Classification before;
        await using (var host = new ModelHost(store, folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 18);
            before = host.Find("topics")!.Classify("the bank lost");
        }
        await using var again = new ModelHost(store, folder.Path, Two);
        var model = again.Find("topics")!;
        Assert.Equal(before.Version, model.Read().Version);
        Assert.Equal(before.Scores, model.Classify("the bank lost").Scores);
        Assert.Equal(18, model.Read().Scores.Articles);
        again.Start();
        await Store(24, 4);
        await Learned(again, "topics", 21);
    }

    [Fact]
    public async Task Restart_AfterACrash_LearnsAgainWhatTheCheckpointDidNotKnow()
    {
        await Store(0, 20);
        var copy = folder.File("crashed");
        await using (var host = new ModelHost(store, folder.File("models"), Two))
        {
            host.Start();
            await Learned(host, "topics", 15);
            host.Find("topics")!.Save();
            await Store(20, 20);
            Directory.CreateDirectory(copy);
            CopyFolder(folder.File("models"), copy);
            host.OnArrival();
            await Learned(host, "topics", 30);
        }
        await using var again = new ModelHost(store, copy, Two);
        Assert.Equal(15, again.Find("topics")!.Read().Scores.Articles);
        again.Start();
        await Learned(again, "topics", 30);
        var classes = again.Find("topics")!.Read().Scores.Classes;
        Assert.Equal(30, classes.Values.Sum(count => count.Articles));
    }

    [Fact]
    public async Task Checkpoint_Damaged_TheOneBeforeCounts()
    {
        await Store(0, 8);
        await using (var host = new ModelHost(store, folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            host.Find("topics")!.Save();
            await Store(8, 8);
            await Learned(host, "topics", 12);
        }
        var newest = Directory.GetFiles(Path.Combine(folder.Path, "topics"), "*.safetensors").Order(StringComparer.Ordinal).Last();
        var bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);
        var warnings = new List<string>();
        await using var again = new ModelHost(store, folder.Path, Two, warn: warnings.Add);
        Assert.Equal(6, again.Find("topics")!.Read().Scores.Articles);
        Assert.Contains("damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.True(File.Exists(newest + ".damaged"));
    }

    [Fact]
    public async Task Add_WhileRunning_LearnsFromTheStartAndIsRemembered()
    {
        await Store(0, 12);
        await using (var host = new ModelHost(store, folder.Path, new Dictionary<string, ModelOptions>()))
        {
            host.Start();
            Assert.Empty(host.Models);
            Assert.NotNull(host.Add("late", Two["topics"]));
            Assert.Null(host.Add("late", Two["topics"]));
            Assert.Contains("Hidden", Assert.Throws<ArgumentException>(() => host.Add("worse", new ModelOptions { Hidden = 0 })).Message, StringComparison.Ordinal);
            await Learned(host, "late", 9);
        }
        await using var again = new ModelHost(store, folder.Path, new Dictionary<string, ModelOptions>());
        Assert.Equal(Two["topics"], Assert.Single(again.Models).Options);
        Assert.Equal(9, again.Find("late")!.Read().Scores.Articles);
    }

    [Fact]
    public async Task BytePairs_WithTooFewArticles_Wait()
    {
        await Store(0, 100);
        await using var host = new ModelHost(
            store, folder.Path, new Dictionary<string, ModelOptions> { ["pairs"] = Two["topics"] with { Vocabulary = VocabularyKind.BytePairs, VocabularyLimit = 400 } });
        host.Start();
        await Store(100, 100);
        host.OnArrival();
        await Learned(host, "pairs", 150);
        Assert.InRange(host.Find("pairs")!.Read().Vocabulary, 261, 400);
    }

    [Fact]
    public async Task BytePairs_OfAFile_NeedNoSample()
    {
        await Store(0, 4);
        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\nt h\nth e\n");
        var options = Two["topics"] with { Vocabulary = VocabularyKind.BytePairs, VocabularyFile = folder.File("merges.txt") };
        await using var host = new ModelHost(store, folder.File("models"), new Dictionary<string, ModelOptions> { ["pairs"] = options });
        host.Start();
        await Learned(host, "pairs", 3);
        Assert.Equal(4 + 256 + 2, host.Find("pairs")!.Read().Vocabulary);
        Assert.Throws<ArgumentException>(() => host.Add("more", options));
        Assert.Throws<FileNotFoundException>(() => new ModelHost(
            store, folder.File("others"), new Dictionary<string, ModelOptions> { ["pairs"] = options with { VocabularyFile = "nowhere" } }));
        Assert.Contains("only BytePairs", Assert.Single((options with { Vocabulary = VocabularyKind.Words }).Problems("x")), StringComparison.Ordinal);
    }

    [Fact]
    public void SentencePiece_WithoutTheFullEdition_IsRefusedAtTheStart()
    {
        File.WriteAllText(folder.File("pieces.model"), "");
        var options = Two["topics"] with { Vocabulary = VocabularyKind.SentencePiece, VocabularyFile = folder.File("pieces.model") };
        Assert.Empty(options.Problems("x"));
        Assert.Contains("name its .model", Assert.Single((options with { VocabularyFile = "" }).Problems("x")), StringComparison.Ordinal);
        var problem = Assert.ThrowsAny<IOException>(() => new ModelHost(
            store, folder.File("models"), new Dictionary<string, ModelOptions> { ["pieces"] = options }));
        Assert.Contains("--edition full", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("torch-cpu", "Models.topics.Engine: there is no engine 'torch-cpu' in this edition, which has reference, cpu and auto; it comes with the full edition")]
    [InlineData("steam", "Models.topics.Engine: there is no engine 'steam' in this edition, which has reference, cpu and auto")]
    [InlineData("reference", "Models.topics.Engine: the engine 'reference' does not run text models; cpu and auto do")]
    public async Task Engine_ThatIsNotThere_IsRefusedAtTheStartAndByARequest(string engine, string message)
    {
        var options = Two["topics"] with { Engine = engine };
        Assert.StartsWith(message, Assert.Throws<EngineUnavailableException>(() => new ModelHost(
            store, folder.Path, new Dictionary<string, ModelOptions> { ["topics"] = options })).Message, StringComparison.Ordinal);
        await using var host = new ModelHost(store, folder.Path, new Dictionary<string, ModelOptions>());
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => host.Add("topics", options)).Message, StringComparison.Ordinal);
        Assert.Empty(host.Models);
        Assert.False(Directory.Exists(folder.File("topics")));
    }

    [Fact]
    public async Task Engine_OfAModel_ComputesIt_AndMayBeAnotherAfterARestart()
    {
        var opened = 0;
        var engines = EngineCatalog.OfCore().Add(new EngineOffer("steam", "a test's", 5, (shape, options) => new ReferenceEngine(shape, options))
        {
            OpenText = (network, optimizer, options, seed) =>
            {
                opened++;
                return new TapeEngine(network, optimizer, options, seed);
            },
        });
        await Store(0, 8);
        var none = new Dictionary<string, ModelOptions>();
        Classification before;
        await using (var host = new ModelHost(store, folder.Path, none, engines: engines))
        {
            host.Start();
            var model = host.Add("late", Two["topics"] with { Engine = "steam" })!;
            await Learned(host, "late", 6);
            Assert.Equal("steam", model.Read().Engine);
            Assert.Equal(1, opened);
            before = model.Classify("the bank lost");
        }
        // Nobody can choose again for a model that a request added, and its checkpoint is good for any engine.
        var warnings = new List<string>();
        await using var again = new ModelHost(store, folder.Path, none, warn: warnings.Add);
        Assert.StartsWith("Models.late.Engine: there is no engine 'steam'", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.EndsWith("the model goes on on the engine cpu", warnings[0], StringComparison.Ordinal);
        Assert.Equal("cpu", again.Find("late")!.Read().Engine);
        Assert.Equal(before.Scores, again.Find("late")!.Classify("the bank lost").Scores);
    }

    [Fact]
    public void Engine_WithReplicas_IsCpu()
    {
        var engines = EngineCatalog.OfCore().Add(new EngineOffer("steam", "a test's", 90, (shape, options) => new ReferenceEngine(shape, options))
        {
            OpenText = (network, optimizer, options, seed) => new TapeEngine(network, optimizer, options, seed),
        });
        Assert.Equal("steam", new ModelOptions().FindEngine("x", engines).Name);
        Assert.Equal("cpu", new ModelOptions { Replicas = 2 }.FindEngine("x", engines).Name);
        Assert.Equal(
            "Models.x.Replicas is 2, and Engine is steam; replicas are threads of the engine cpu: leave one of the two out",
            Assert.Single(new ModelOptions { Replicas = 2, Engine = "steam" }.Problems("x")));
        Assert.Empty(new ModelOptions { Replicas = 2, Engine = "cpu" }.Problems("x"));
    }

    [Fact]
    public async Task Requests_ToTheWrongKind_SayWhichIsRight()
    {
        await using var host = new ModelHost(store, folder.Path, Two);
        Assert.Throws<ModelKindException>(() => host.Find("speaker")!.Classify("x"));
        Assert.Throws<ModelKindException>(() => host.Find("topics")!.Generate("x", new GenerationOptions()));
        Assert.Empty(host.Find("topics")!.Classify("x").Scores);
    }

    [Fact]
    public async Task LateLabel_IsLearnedOnce_AlsoOverARestart()
    {
        await Store(0, 8);
        await using (var host = new ModelHost(store, folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            await Learned(host, "speaker", 8);
            // The fourth article came without its label.
            await Amend("a3", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
            host.OnArrival();
            await Learned(host, "topics", 7);
            Assert.Equal(1, host.Find("topics")!.Read().Scores.Classes["weather"].Articles);
        }
        await using var again = new ModelHost(store, folder.Path, Two);
        again.Start();
        // What follows comes later in the stream: once it is learned, all before it was passed over.
        await Amend("a7", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
        await Learned(again, "topics", 8);
        Assert.Equal(2, again.Find("topics")!.Read().Scores.Classes["weather"].Articles);
        // The texts are those it knew: a language model has nothing to learn of a label.
        Assert.Equal(8, again.Find("speaker")!.Read().Scores.Articles);
    }

    [Fact]
    public async Task ArticleThatComesByAgain_TeachesOnlyWhatIsNew()
    {
        await Store(0, 8);
        await using var host = new ModelHost(store, folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 6);
        await Amend("a0", new Amendment(["A late summary."], null));
        await Amend("a1", new Amendment(null, new Dictionary<string, string> { ["mood"] = "calm" }));
        // A correction is something new.
        await Amend("a2", new Amendment(null, new Dictionary<string, string> { ["topic"] = "money" }));
        host.OnArrival();
        await Learned(host, "topics", 7);
        var scores = host.Find("topics")!.Read().Scores;
        Assert.Equal((4, 3), (scores.Classes["sport"].Articles, scores.Classes["money"].Articles));
        await Learned(host, "speaker", 8);
    }

    [Fact]
    public async Task Weights_OfAVersion_HaveItsTensors()
    {
        await Store(0, 8);
        await using var host = new ModelHost(store, folder.Path, Two);
        Assert.Null(host.Find("topics")!.FindWeights(77));
        host.Start();
        await Learned(host, "topics", 6);
        var version = host.Find("topics")!.Read().Version;
        using var reader = new SafetensorsReader(new MemoryStream(host.Find("topics")!.FindWeights(version)!.Value.File));
        Assert.Equal([64L, 12], reader.Header.Find("rnn.weight_ih_l0")!.Shape);
        Assert.Equal([2L, 16], reader.Header.Find("fc.weight")!.Shape);
        Assert.Null(host.Find("topics")!.FindWeights(77));
    }

    [Fact]
    public async Task Restore_AnEarlierVersion_GoesOnFromItUnderANewNumber()
    {
        await Store(0, 8);
        Classification before;
        long restored;
        await using (var host = new ModelHost(store, folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            var topics = host.Find("topics")!;
            var saved = topics.Save();
            before = topics.Classify("the bank lost");
            await Amend("a3", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
            host.OnArrival();
            await Learned(host, "topics", 7);
            Assert.Equal(3, topics.Classify("the bank lost").Scores.Count);

            restored = topics.RestoreWeights(saved.Version)!.Value;
            Assert.True(restored > saved.Version + 1);
            Assert.Equal(before.Scores, topics.Classify("the bank lost").Scores);
            Assert.Equal(restored, topics.ListWeights()[0].Version);
            Assert.Null(topics.RestoreWeights(77));
            // Neither place nor figures go back.
            Assert.Equal(7, topics.Read().Scores.Articles);
        }
        await using var again = new ModelHost(store, folder.Path, Two);
        Assert.Equal(restored, again.Find("topics")!.Read().Version);
        Assert.Equal(before.Scores, again.Find("topics")!.Classify("the bank lost").Scores);
        again.Start();
        await Store(8, 4);
        await Learned(again, "topics", 10);
    }

    [Fact]
    public async Task Import_OfWhatAnotherServerLearned_BringsWordsAndClasses()
    {
        await Store(0, 8);
        await using var teacher = new ModelHost(store, folder.File("teacher"), Two);
        teacher.Start();
        await Learned(teacher, "topics", 6);
        await using var host = new ModelHost(new MemoryDocumentStore(), folder.File("pupil"), Two);
        var pupil = host.Find("topics")!;

        var version = pupil.ImportWeights(new MemoryStream(teacher.Find("topics")!.FindWeights(null)!.Value.File));

        Assert.Equal(version, pupil.Read().Version);
        Assert.Equal(version, pupil.Read().DurableVersion);
        Assert.Equal(teacher.Find("topics")!.Classify("the team won").Scores, pupil.Classify("the team won").Scores);
    }

    [Fact]
    public async Task Import_OfWhatDoesNotFit_SaysWhyAndChangesNothing()
    {
        await Store(0, 8);
        await using var host = new ModelHost(store, folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 6);
        await Learned(host, "speaker", 8);
        var topics = host.Find("topics")!;
        var (version, file) = topics.FindWeights(null)!.Value;
        void Refused(string why, byte[] bytes) =>
            Assert.Contains(why, Assert.Throws<WeightsRejectedException>(() => topics.ImportWeights(new MemoryStream(bytes))).Message, StringComparison.Ordinal);

        Refused("whose kind is LanguageModel", host.Find("speaker")!.FindWeights(null)!.Value.File);
        Refused("'rnn.weight_hh_l0' is missing", Rewritten(file, (name, shape) => name == "rnn.weight_hh_l0" ? null : shape));
        Refused("'other' is unknown", Rewritten(file, (_, shape) => shape, ("other", [1L], [1f])));
        Refused("'fc.weight' has shape [2, 8], not [2, 16]", Rewritten(file, (name, shape) => name == "fc.weight" ? [2L, 8] : shape));
        Refused("'fc.bias' holds NaN at index 0", Rewritten(file, (name, shape) => name == "fc.bias" ? null : shape, ("fc.bias", [2L], [float.NaN, 0f])));
        // A bare state_dict is for a model with as many words and classes.
        Refused("does not say which words", Rewritten(file, (name, shape) => name is "fc.weight" ? [3L, 16] : name is "fc.bias" ? [3L] : shape));
        Assert.Throws<InvalidDataException>(() => topics.ImportWeights(new MemoryStream(file[..^1])));
        Assert.Equal(version, topics.Read().Version);
        Assert.Equal(file, topics.FindWeights(null)!.Value.File);

        Assert.Equal(version + 1, topics.ImportWeights(new MemoryStream(Rewritten(file, (_, shape) => shape))));
    }

    /// <summary>The tensors of a file without its metadata: with other shapes where asked, without those that are null, with another.</summary>
    private static byte[] Rewritten(byte[] file, Func<string, long[], long[]?> change, (string Name, long[] Shape, float[] Values)? added = null)
    {
        using var reader = new SafetensorsReader(new MemoryStream(file));
        var writer = new SafetensorsWriter();
        foreach (var entry in reader.Header.Entries)
        {
            if (change(entry.Name, [.. entry.Shape]) is not { } shape) continue;
            var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
            if (shape.SequenceEqual(entry.Shape)) values = reader.ReadFloats(entry.Name);
            writer.Add(entry.Name, [.. shape], values);
        }
        if (added is { } tensor) writer.Add(tensor.Name, [.. tensor.Shape], tensor.Values);
        using var bytes = new MemoryStream();
        writer.WriteTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>As the learner does it: the amended article is the next revision, at the end of the stream.</summary>
    private async Task Amend(string id, Amendment amendment)
    {
        var article = (await store.Find(id, Cancellation))!.Article;
        var labels = new SortedDictionary<string, string>(article.Labels.ToDictionary(pair => pair.Key, pair => pair.Value), StringComparer.Ordinal);
        foreach (var (name, value) in amendment.Labels ?? new Dictionary<string, string>()) labels[name] = value;
        await store.Put([article with { Labels = labels, Highlights = amendment.Highlights ?? article.Highlights }], Cancellation);
    }

    [Fact]
    public void Scores_OverALongStream_KeepABoundedHistory()
    {
        var scores = new ModelScores();
        for (var i = 0; i < 20_000; i++) scores.Add(4, 4, i < 10_000 ? 0 : 4, 0.5);
        Assert.InRange(scores.History.Count, 100, 241);
        Assert.Equal(0.5, scores.History.Average(point => point.Accuracy), 0.02);
        Assert.True(scores.History.Zip(scores.History.Skip(1), (a, b) => a.Articles < b.Articles).All(rising => rising));
        Assert.Equal(1, scores.Accuracy!.Value, 1e-3);
        Assert.Equal(0.5, (double)scores.Hits / scores.Count, 1e-9);
    }

    /// <summary>Three of four articles have a topic.</summary>
    private async Task Store(int from, int count)
    {
        var articles = Enumerable.Range(from, count).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = i % 4 == 3 ? new SortedDictionary<string, string>() : new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        });
        await store.Put([.. articles], Cancellation);
    }

    private static async Task Learned(ModelHost host, string model, long articles)
    {
        // Generous: the machine may be busy with everything else.
        for (var look = 0; look < 1500; look++)
        {
            if (host.Find(model)!.Read().Scores.Articles == articles) return;
            await Task.Delay(20, Cancellation);
        }
        Assert.Fail($"{model} has learned {host.Find(model)!.Read().Scores.Articles} articles, not {articles}; {host.Find(model)!.Read().Problem}");
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var path in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target, overwrite: true);
        }
    }
}
