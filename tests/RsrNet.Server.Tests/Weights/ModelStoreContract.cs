using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Weights;

/// <summary>What every place for text models does.</summary>
public abstract class ModelStoreContract : IAsyncLifetime
{
    private static readonly ModelOptions Options = new() { Label = "topic", Embedding = 3, Hidden = 4, Keep = 2, MinimumCount = 1, LearningRate = 0.1 };

    private readonly List<string> warnings = [];

    protected IModelStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<IModelStore> Open();

    /// <summary>Overwrites what is stored as a checkpoint.</summary>
    protected abstract Task Damage(string name, long version);

    public async ValueTask InitializeAsync() => Store = await Open();

    public async ValueTask DisposeAsync()
    {
        await CleanUp();
        GC.SuppressFinalize(this);
    }

    protected abstract ValueTask CleanUp();

    [Fact]
    public async Task Models_AreThereWithAllThatTheyAre()
    {
        Assert.Empty(await Store.List(warnings.Add, Cancellation));
        var pieces = new ModelDescription(
            Options with { Vocabulary = VocabularyKind.BytePairs, VocabularyFile = "merges.txt" }, new VocabularyContent("byte-pairs", ["t h", "th e"], new Dictionary<string, int> { ["ö"] = 1 }));
        Assert.True(await Store.Add("topics", new ModelDescription(Options), Cancellation));
        Assert.True(await Store.Add("pieces", pieces, Cancellation));
        Assert.False(await Store.Add("topics", new ModelDescription(Options with { Hidden = 9 }), Cancellation));
        await Store.Change("topics", new ModelDescription(Options with { BatchSize = 7 }), Cancellation);
        await Store.Change("nobody", new ModelDescription(Options), Cancellation);

        var known = await (await Open()).List(warnings.Add, Cancellation);
        Assert.Equal(["pieces", "topics"], known.Keys);
        Assert.Equal(new ModelDescription(Options with { BatchSize = 7 }), known["topics"]);
        Assert.Equal(pieces.Options, known["pieces"].Options);
        Assert.Equal(["t h", "th e"], known["pieces"].Vocabulary!.Tokens);
        Assert.Equal(1, known["pieces"].Vocabulary!.Candidates!["ö"]);
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Checkpoints_SavedByVersion_TheNewestCountsAndOldOnesGo()
    {
        Assert.Null(await Store.Claim("topics", Cancellation));
        await Store.Add("topics", new ModelDescription(Options), Cancellation);
        await Store.Add("others", new ModelDescription(Options), Cancellation);
        var checkpoints = (await Store.Claim("topics", Cancellation))!;
        Assert.Null(await checkpoints.LoadNewest(warnings.Add, Cancellation));
        for (var version = 1; version <= 3; version++) await checkpoints.Save(Sample(version, position: 10 * version), Cancellation);
        // The same version further on in the stream.
        await checkpoints.Save(Sample(3, position: 77), Cancellation);
        await (await Store.Claim("others", Cancellation))!.Save(Sample(9, position: 1), Cancellation);

        var listed = await checkpoints.List(Cancellation);
        Assert.Equal([3L, 2], listed.Select(summary => summary.Version));
        Assert.True(listed[0] is { Mode: "classifier", Loss: 0.5f, Bytes: > 500 });
        var newest = (await checkpoints.LoadNewest(warnings.Add, Cancellation))!;
        var sample = Sample(3, position: 77);
        Assert.Equal((3, 77), (newest.Version, newest.Position));
        Assert.Equal(sample.Network.Parameters.Values, newest.Network.Parameters.Values);
        Assert.Equal(sample.Learned, newest.Learned);
        Assert.Equal(sample.Classes, newest.Classes);
        Assert.Equal(2, (await checkpoints.Find(2, Cancellation))!.Version);
        Assert.Null(await checkpoints.Find(1, Cancellation));
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Checkpoint_Damaged_IsSetAsideAndTheOneBeforeCounts()
    {
        await Store.Add("topics", new ModelDescription(Options), Cancellation);
        var checkpoints = (await Store.Claim("topics", Cancellation))!;
        await checkpoints.Save(Sample(1, position: 1), Cancellation);
        await checkpoints.Save(Sample(2, position: 2), Cancellation);
        await Damage("topics", 2);
        await Assert.ThrowsAsync<InvalidDataException>(() => checkpoints.Find(2, Cancellation));
        Assert.Equal(1, (await checkpoints.LoadNewest(warnings.Add, Cancellation))!.Version);
        Assert.Contains("damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Null(await checkpoints.Find(2, Cancellation));
    }

    [Fact]
    public async Task Claim_ByAnother_EndsTheOneBefore()
    {
        await Store.Add("topics", new ModelDescription(Options), Cancellation);
        var first = (await Store.Claim("topics", Cancellation))!;
        await first.Save(Sample(1, position: 1), Cancellation);
        var second = (await Store.Claim("topics", Cancellation))!;
        await Assert.ThrowsAsync<ModelClaimException>(() => first.Save(Sample(5, position: 5), Cancellation));
        Assert.Equal([1L], (await second.List(Cancellation)).Select(summary => summary.Version));
        await second.Save(Sample(2, position: 2), Cancellation);
        Assert.Equal(2, (await first.LoadNewest(warnings.Add, Cancellation))!.Version);
    }

    [Fact]
    public async Task Remove_TakesTheCheckpointsAlong()
    {
        await Store.Add("topics", new ModelDescription(Options), Cancellation);
        var checkpoints = (await Store.Claim("topics", Cancellation))!;
        await checkpoints.Save(Sample(1, position: 1), Cancellation);
        Assert.True(await Store.Remove("topics", Cancellation));
        Assert.False(await Store.Remove("topics", Cancellation));
        Assert.Null(await Store.Claim("topics", Cancellation));
        await Assert.ThrowsAsync<ModelClaimException>(() => checkpoints.Save(Sample(2, position: 2), Cancellation));
        await Store.Add("topics", new ModelDescription(Options), Cancellation);
        await Assert.ThrowsAsync<ModelClaimException>(() => checkpoints.Save(Sample(2, position: 2), Cancellation));
        Assert.Empty(await (await Store.Claim("topics", Cancellation))!.List(Cancellation));
    }

    private static ModelCheckpoint Sample(long version, long position)
    {
        using var model = new TextClassifier(Options, new WordVocabulary(1));
        model.Learn([new LabelledText("the team won", "sport"), new LabelledText("the bank lost", "money")]);
        return new ModelCheckpoint(
            version, position, Options, model.Vocabulary.Content, [.. model.Classes], model.Network, model.Optimizer, new ModelScores().Read(), [1, 2, -3],
            new DateTimeOffset(2026, 11, 29, 1, 2, 3, TimeSpan.Zero), 0.5f);
    }
}
