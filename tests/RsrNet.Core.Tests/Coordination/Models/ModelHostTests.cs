using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Core.Tests.Learner;
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
        await using var host = await Open(folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 30);
        await Learned(host, "speaker", 40);
        await Store(40, 20);
        host.OnArrival();
        await Learned(host, "topics", 45);
        await Learned(host, "speaker", 60);

        var topics = host.Find("topics")!;
        var scores = (await topics.Read(Cancellation)).Scores;
        Assert.Equal(["money", "sport"], scores.Classes.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(45, scores.Classes.Values.Sum(count => count.Articles));
        // Nothing can be said before the first batch; later it is right.
        Assert.InRange(scores.Accuracy!.Value, 0.5, 0.98);
        Assert.Equal("sport", (await topics.Classify("the team won", Cancellation))!.Scores[0].Label);
        Assert.NotEmpty(await Text(host.Find("speaker")!.Generate("the ", new GenerationOptions { MaxTokens = 5, StopAtEnd = false }, Cancellation)));
    }

    [Fact]
    public async Task Restart_AfterAnOrderlyEnd_GoesOnWhereItWas()
    {
        await Store(0, 24);
        Classification before;
        await using (var host = await Open(folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 18);
            before = await host.Find("topics")!.Classify("the bank lost", Cancellation);
        }
        await using var again = await Open(folder.Path, Two);
        var model = again.Find("topics")!;
        Assert.Equal(before.Version, (await model.Read(Cancellation)).Version);
        Assert.Equal(before.Scores, (await model.Classify("the bank lost", Cancellation)).Scores);
        Assert.Equal(18, (await model.Read(Cancellation)).Scores.Articles);
        again.Start();
        await Store(24, 4);
        await Learned(again, "topics", 21);
    }

    [Fact]
    public async Task Restart_AfterACrash_LearnsAgainWhatTheCheckpointDidNotKnow()
    {
        await Store(0, 20);
        var copy = folder.File("crashed");
        await using (var host = await Open(folder.File("models"), Two))
        {
            host.Start();
            await Learned(host, "topics", 15);
            await host.Find("topics")!.SaveWeights(Cancellation);
            await Store(20, 20);
            Directory.CreateDirectory(copy);
            CopyFolder(folder.File("models"), copy);
            host.OnArrival();
            await Learned(host, "topics", 30);
        }
        await using var again = await Open(copy, Two);
        Assert.Equal(15, (await again.Find("topics")!.Read(Cancellation)).Scores.Articles);
        again.Start();
        await Learned(again, "topics", 30);
        var classes = (await again.Find("topics")!.Read(Cancellation)).Scores.Classes;
        Assert.Equal(30, classes.Values.Sum(count => count.Articles));
    }

    [Fact]
    public async Task Checkpoint_Damaged_TheOneBeforeCounts()
    {
        await Store(0, 8);
        await using (var host = await Open(folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            await host.Find("topics")!.SaveWeights(Cancellation);
            await Store(8, 8);
            await Learned(host, "topics", 12);
        }
        var newest = Directory.GetFiles(Path.Combine(folder.Path, "topics"), "*.safetensors").Order(StringComparer.Ordinal).Last();
        var bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);
        var warnings = new List<string>();
        await using var again = await Open(folder.Path, Two, warn: warnings.Add);
        Assert.Equal(6, (await again.Find("topics")!.Read(Cancellation)).Scores.Articles);
        Assert.Contains("damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.True(File.Exists(newest + ".damaged"));
    }

    [Fact]
    public async Task Add_WhileRunning_LearnsFromTheStartAndIsRemembered()
    {
        await Store(0, 12);
        await using (var host = await Open(folder.Path, new Dictionary<string, ModelOptions>()))
        {
            host.Start();
            Assert.Empty(host.Models);
            Assert.NotNull(await host.Add("late", Two["topics"], Cancellation));
            Assert.Null(await host.Add("late", Two["topics"], Cancellation));
            Assert.Contains("Hidden", (await Assert.ThrowsAsync<ArgumentException>(() => host.Add("worse", new ModelOptions { Hidden = 0 }, Cancellation))).Message, StringComparison.Ordinal);
            await Learned(host, "late", 9);
        }
        await using var again = await Open(folder.Path, new Dictionary<string, ModelOptions>());
        Assert.Equal(Two["topics"], Assert.Single(again.Models).Options);
        Assert.Equal(9, (await again.Find("late")!.Read(Cancellation)).Scores.Articles);
    }

    [Fact]
    public async Task Restart_WithAnotherPace_GoesOnWithItAndSaysSo()
    {
        await Store(0, 8);
        await using (var host = await Open(folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
        }
        var warnings = new List<string>();
        var changed = new Dictionary<string, ModelOptions> { ["topics"] = Two["topics"] with { LearningRate = 0.5, BatchSize = 3 } };
        await using var again = await Open(folder.Path, changed, warn: warnings.Add);
        Assert.Equal("model topics: BatchSize is 3 from now on (it was 4), LearningRate is 0.5 from now on (it was 0.02)", Assert.Single(warnings));
        Assert.Equal((0.5, 3, 6L), (again.Find("topics")!.Options.LearningRate, again.Find("topics")!.Options.BatchSize, (await again.Find("topics")!.Read(Cancellation)).Scores.Articles));
        // Whoever was named once is there without being named again.
        Assert.Equal(["speaker", "topics"], again.Models.Select(model => model.Name));
    }

    [Fact]
    public async Task Restart_WithAnotherNetworkUnderTheName_IsRefused()
    {
        await using (await Open(folder.Path, Two))
        {
        }
        var changed = new Dictionary<string, ModelOptions> { ["topics"] = Two["topics"] with { Hidden = 99, Label = "mood", LearningRate = 0.5 } };
        var problem = await Assert.ThrowsAsync<ModelConflictException>(() => Open(folder.Path, changed));
        Assert.Contains("Models.topics", problem.Message, StringComparison.Ordinal);
        Assert.Contains("Label is mood here and topic there; Hidden is 99 here and 16 there.", problem.Message, StringComparison.Ordinal);
        await using var again = await Open(folder.Path, Two);
        Assert.Equal(Two["topics"], again.Find("topics")!.Options);
    }

    [Fact]
    public async Task Remove_AModel_ForgetsItWithItsVersions()
    {
        await Store(0, 8);
        await using var host = await Open(folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 6);
        await host.Find("topics")!.SaveWeights(Cancellation);
        Assert.True(await host.Remove("topics", Cancellation));
        Assert.False(await host.Remove("topics", Cancellation));
        Assert.Equal(["speaker"], host.Models.Select(model => model.Name));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "topics")));
        // The name is free, and what comes under it begins anew.
        Assert.NotNull(await host.Add("topics", Two["topics"], Cancellation));
        await Learned(host, "topics", 6);
    }

    [Fact]
    public async Task Model_ClaimedByAnother_IsLearnedThereAloneAndKeepsNoneOfItsOwn()
    {
        await Store(0, 8);
        var models = new ModelFolder(folder.Path);
        await models.Add("topics", new ModelDescription(Two["topics"]), Cancellation);
        await using var first = await Opened();
        first.Start();
        await Learned(first, 6);
        await first.SaveWeights(Cancellation);
        var superseded = new TaskCompletionSource();
        first.Superseded += superseded.SetResult;

        await using var second = await Opened();
        second.Start();
        await Store(8, 8);
        await Learned(first, 12);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => first.SaveWeights(Cancellation));
        await superseded.Task;
        await Learned(second, 12);
        await second.SaveWeights(Cancellation);
        Assert.NotNull((await first.Read(Cancellation)).Problem);
        await using var third = await Opened();
        Assert.Equal(12, (await third.Read(Cancellation)).Scores.Articles);

        async Task<ModelRunner> Opened() => await ModelRunner.Open(
            "topics", new ModelDescription(Two["topics"]), store, (await models.Claim("topics", Cancellation))!, cancellation: Cancellation);
    }

    [Fact]
    public async Task Store_AwayInTheMiddleOfABatch_CostsNoArticle()
    {
        await Store(0, 8);
        // Three articles are in the first batch when the fourth cannot be read.
        var failing = new FailingStore(store) { Unreadable = "a4" };
        await using var host = await Open(folder.Path, new Dictionary<string, ModelOptions> { ["topics"] = Two["topics"] }, failing);
        host.Start();
        for (var look = 0; look < 1500 && (await host.Find("topics")!.Read(Cancellation)).Problem is null; look++) await Task.Delay(20, Cancellation);
        Assert.Contains("the connection broke", (await host.Find("topics")!.Read(Cancellation)).Problem, StringComparison.Ordinal);
        failing.Unreadable = null;
        await Learned(host, "topics", 6);
        Assert.Null((await host.Find("topics")!.Read(Cancellation)).Problem);
    }

    [Fact]
    public async Task BytePairs_WithTooFewArticles_Wait()
    {
        await Store(0, 100);
        await using var host = await Open(folder.Path, new Dictionary<string, ModelOptions> { ["pairs"] = Two["topics"] with { Vocabulary = VocabularyKind.BytePairs, VocabularyLimit = 400 } });
        host.Start();
        await Store(100, 100);
        host.OnArrival();
        await Learned(host, "pairs", 150);
        Assert.InRange((await host.Find("pairs")!.Read(Cancellation)).Vocabulary, 261, 400);
    }

    [Fact]
    public async Task BytePairs_OfAFile_NeedNoSample()
    {
        await Store(0, 4);
        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\nt h\nth e\n");
        var options = Two["topics"] with { Vocabulary = VocabularyKind.BytePairs, VocabularyFile = folder.File("merges.txt") };
        await using var host = await Open(folder.File("models"), new Dictionary<string, ModelOptions> { ["pairs"] = options });
        host.Start();
        await Learned(host, "pairs", 3);
        Assert.Equal(4 + 256 + 2, (await host.Find("pairs")!.Read(Cancellation)).Vocabulary);
        await Assert.ThrowsAsync<ArgumentException>(() => host.Add("more", options, Cancellation));
        await Assert.ThrowsAsync<FileNotFoundException>(() => Open(folder.File("others"), new Dictionary<string, ModelOptions> { ["pairs"] = options with { VocabularyFile = "nowhere" } }));
        Assert.Contains("only BytePairs", Assert.Single((options with { Vocabulary = VocabularyKind.Words }).Problems("x")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SentencePiece_WithoutTheFullEdition_IsRefusedAtTheStart()
    {
        File.WriteAllText(folder.File("pieces.model"), "");
        var options = Two["topics"] with { Vocabulary = VocabularyKind.SentencePiece, VocabularyFile = folder.File("pieces.model") };
        Assert.Empty(options.Problems("x"));
        Assert.Contains("name its .model", Assert.Single((options with { VocabularyFile = "" }).Problems("x")), StringComparison.Ordinal);
        var problem = await Assert.ThrowsAnyAsync<IOException>(() => Open(folder.File("models"), new Dictionary<string, ModelOptions> { ["pieces"] = options }));
        Assert.Contains("--edition full", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("torch-cpu", "Models.topics.Engine: there is no engine 'torch-cpu' in this edition, which has reference, cpu and auto; it comes with the full edition")]
    [InlineData("steam", "Models.topics.Engine: there is no engine 'steam' in this edition, which has reference, cpu and auto")]
    [InlineData("reference", "Models.topics.Engine: the engine 'reference' does not run text models; cpu and auto do")]
    public async Task Engine_ThatIsNotThere_IsRefusedAtTheStartAndByARequest(string engine, string message)
    {
        var options = Two["topics"] with { Engine = engine };
        var refused = await Assert.ThrowsAsync<EngineUnavailableException>(() => Open(folder.Path, new Dictionary<string, ModelOptions> { ["topics"] = options }));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        await using var host = await Open(folder.Path, new Dictionary<string, ModelOptions>());
        var unwanted = await Assert.ThrowsAsync<ArgumentException>(() => host.Add("topics", options, Cancellation));
        Assert.StartsWith(message, unwanted.Message, StringComparison.Ordinal);
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
        await using (var host = await Open(folder.Path, none, engines: engines))
        {
            host.Start();
            var model = (await host.Add("late", Two["topics"] with { Engine = "steam" }, Cancellation))!;
            await Learned(host, "late", 6);
            Assert.Equal("steam", (await model.Read(Cancellation)).Engine);
            Assert.Equal(1, opened);
            before = await model.Classify("the bank lost", Cancellation);
        }
        // Nobody can choose again for a model that a request added, and its checkpoint is good for any engine.
        var warnings = new List<string>();
        await using var again = await Open(folder.Path, none, warn: warnings.Add);
        Assert.StartsWith("Models.late.Engine: there is no engine 'steam'", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.EndsWith("the model goes on on the engine cpu", warnings[0], StringComparison.Ordinal);
        Assert.Equal("cpu", (await again.Find("late")!.Read(Cancellation)).Engine);
        Assert.Equal(before.Scores, (await again.Find("late")!.Classify("the bank lost", Cancellation)).Scores);
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
        await using var host = await Open(folder.Path, Two);
        await Assert.ThrowsAsync<ModelKindException>(() => host.Find("speaker")!.Classify("x", Cancellation));
        await Assert.ThrowsAsync<ModelKindException>(() => Text(host.Find("topics")!.Generate("x", new GenerationOptions(), Cancellation)));
        Assert.Empty((await host.Find("topics")!.Classify("x", Cancellation)).Scores);
    }

    [Fact]
    public async Task LateLabel_IsLearnedOnce_AlsoOverARestart()
    {
        await Store(0, 8);
        await using (var host = await Open(folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            await Learned(host, "speaker", 8);
            // The fourth article came without its label.
            await Amend("a3", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
            host.OnArrival();
            await Learned(host, "topics", 7);
            Assert.Equal(1, (await host.Find("topics")!.Read(Cancellation)).Scores.Classes["weather"].Articles);
        }
        await using var again = await Open(folder.Path, Two);
        again.Start();
        // What follows comes later in the stream: once it is learned, all before it was passed over.
        await Amend("a7", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
        await Learned(again, "topics", 8);
        Assert.Equal(2, (await again.Find("topics")!.Read(Cancellation)).Scores.Classes["weather"].Articles);
        // The texts are those it knew: a language model has nothing to learn of a label.
        Assert.Equal(8, (await again.Find("speaker")!.Read(Cancellation)).Scores.Articles);
    }

    [Fact]
    public async Task ArticleThatComesByAgain_TeachesOnlyWhatIsNew()
    {
        await Store(0, 8);
        await using var host = await Open(folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 6);
        await Amend("a0", new Amendment(["A late summary."], null));
        await Amend("a1", new Amendment(null, new Dictionary<string, string> { ["mood"] = "calm" }));
        // A correction is something new.
        await Amend("a2", new Amendment(null, new Dictionary<string, string> { ["topic"] = "money" }));
        host.OnArrival();
        await Learned(host, "topics", 7);
        var scores = (await host.Find("topics")!.Read(Cancellation)).Scores;
        Assert.Equal((4, 3), (scores.Classes["sport"].Articles, scores.Classes["money"].Articles));
        await Learned(host, "speaker", 8);
    }

    [Fact]
    public async Task Weights_OfAVersion_HaveItsTensors()
    {
        await Store(0, 8);
        await using var host = await Open(folder.Path, Two);
        Assert.Null(await host.Find("topics")!.FindWeights(77, Cancellation));
        host.Start();
        await Learned(host, "topics", 6);
        var version = (await host.Find("topics")!.Read(Cancellation)).Version;
        using var reader = new SafetensorsReader(new MemoryStream((await host.Find("topics")!.FindWeights(version, Cancellation))!.File));
        Assert.Equal([64L, 12], reader.Header.Find("rnn.weight_ih_l0")!.Shape);
        Assert.Equal([2L, 16], reader.Header.Find("fc.weight")!.Shape);
        Assert.Null(await host.Find("topics")!.FindWeights(77, Cancellation));
    }

    [Fact]
    public async Task Restore_AnEarlierVersion_GoesOnFromItUnderANewNumber()
    {
        await Store(0, 8);
        Classification before;
        long restored;
        await using (var host = await Open(folder.Path, Two))
        {
            host.Start();
            await Learned(host, "topics", 6);
            var topics = host.Find("topics")!;
            var saved = await topics.SaveWeights(Cancellation);
            before = await topics.Classify("the bank lost", Cancellation);
            await Amend("a3", new Amendment(null, new Dictionary<string, string> { ["topic"] = "weather" }));
            host.OnArrival();
            await Learned(host, "topics", 7);
            Assert.Equal(3, (await topics.Classify("the bank lost", Cancellation)).Scores.Count);

            restored = (await topics.RestoreWeights(saved.Version, Cancellation))!.Value;
            Assert.True(restored > saved.Version + 1);
            Assert.Equal(before.Scores, (await topics.Classify("the bank lost", Cancellation)).Scores);
            Assert.Equal(restored, (await topics.ListWeights(Cancellation))[0].Version);
            Assert.Null(await topics.RestoreWeights(77, Cancellation));
            // Neither place nor figures go back.
            Assert.Equal(7, (await topics.Read(Cancellation)).Scores.Articles);
        }
        await using var again = await Open(folder.Path, Two);
        Assert.Equal(restored, (await again.Find("topics")!.Read(Cancellation)).Version);
        Assert.Equal(before.Scores, (await again.Find("topics")!.Classify("the bank lost", Cancellation)).Scores);
        again.Start();
        await Store(8, 4);
        await Learned(again, "topics", 10);
    }

    [Fact]
    public async Task Import_OfWhatAnotherServerLearned_BringsWordsAndClasses()
    {
        await Store(0, 8);
        await using var teacher = await Open(folder.File("teacher"), Two);
        teacher.Start();
        await Learned(teacher, "topics", 6);
        await using var host = await Open(folder.File("pupil"), Two, new MemoryDocumentStore());
        var pupil = host.Find("topics")!;

        var version = await pupil.ImportWeights((await teacher.Find("topics")!.FindWeights(null, Cancellation))!.File, Cancellation);

        Assert.Equal(version, (await pupil.Read(Cancellation)).Version);
        Assert.Equal(version, (await pupil.Read(Cancellation)).DurableVersion);
        Assert.Equal((await teacher.Find("topics")!.Classify("the team won", Cancellation)).Scores, (await pupil.Classify("the team won", Cancellation)).Scores);
    }

    [Fact]
    public async Task Import_OfWhatDoesNotFit_SaysWhyAndChangesNothing()
    {
        await Store(0, 8);
        await using var host = await Open(folder.Path, Two);
        host.Start();
        await Learned(host, "topics", 6);
        await Learned(host, "speaker", 8);
        var topics = host.Find("topics")!;
        var (version, file) = (await topics.FindWeights(null, Cancellation))!;
        async Task Refused(string why, byte[] bytes) =>
            Assert.Contains(why, (await Assert.ThrowsAsync<WeightsRejectedException>(() => topics.ImportWeights(bytes, Cancellation))).Message, StringComparison.Ordinal);

        await Refused("whose kind is LanguageModel", (await host.Find("speaker")!.FindWeights(null, Cancellation))!.File);
        await Refused("'rnn.weight_hh_l0' is missing", Rewritten(file, (name, shape) => name == "rnn.weight_hh_l0" ? null : shape));
        await Refused("'other' is unknown", Rewritten(file, (_, shape) => shape, ("other", [1L], [1f])));
        await Refused("'fc.weight' has shape [2, 8], not [2, 16]", Rewritten(file, (name, shape) => name == "fc.weight" ? [2L, 8] : shape));
        await Refused("'fc.bias' holds NaN at index 0", Rewritten(file, (name, shape) => name == "fc.bias" ? null : shape, ("fc.bias", [2L], [float.NaN, 0f])));
        // A bare state_dict is for a model with as many words and classes.
        await Refused("does not say which words", Rewritten(file, (name, shape) => name is "fc.weight" ? [3L, 16] : name is "fc.bias" ? [3L] : shape));
        await Assert.ThrowsAsync<InvalidDataException>(() => topics.ImportWeights(file[..^1], Cancellation));
        Assert.Equal(version, (await topics.Read(Cancellation)).Version);
        Assert.Equal(file, (await topics.FindWeights(null, Cancellation))!.File);

        Assert.Equal(version + 1, await topics.ImportWeights(Rewritten(file, (_, shape) => shape), Cancellation));
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

    private Task<ModelHost> Open(string path, IReadOnlyDictionary<string, ModelOptions> models, IDocumentStore? other = null, Action<string>? warn = null,
        EngineCatalog? engines = null) =>
        ModelHost.Open(other ?? store, new ModelFolder(path), models, warn: warn, engines: engines, cancellation: Cancellation);

    /// <summary>Three of four articles have a topic.</summary>
    private async Task Store(int from, int count)
    {
        var articles = Enumerable.Range(from, count).Select(i => new Article($"a{i}", i % 2 == 0 ? $"The team won game {i}." : $"The bank lost money {i}.")
        {
            Labels = i % 4 == 3 ? new SortedDictionary<string, string>() : new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "sport" : "money" },
        });
        await store.Put([.. articles], Cancellation);
    }

    private static Task Learned(ModelHost host, string model, long articles) => Learned(host.Find(model)!, articles);

    private static async Task Learned(ModelRunner model, long articles)
    {
        // Generous: the machine may be busy with everything else.
        for (var look = 0; look < 1500; look++)
        {
            if ((await model.Read(Cancellation)).Scores.Articles == articles) return;
            await Task.Delay(20, Cancellation);
        }
        Assert.Fail($"{model.Name} has learned {(await model.Read(Cancellation)).Scores.Articles} articles, not {articles}; {(await model.Read(Cancellation)).Problem}");
    }

    private static async Task<string> Text(IAsyncEnumerable<string> pieces)
    {
        var text = new System.Text.StringBuilder();
        await foreach (var piece in pieces) text.Append(piece);
        return text.ToString();
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
