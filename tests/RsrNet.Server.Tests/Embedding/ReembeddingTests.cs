using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;
using RsrNet.Server.Tests.Cli;
using RsrNet.Server.Tests.Models;

namespace RsrNet.Server.Tests.Embedding;

public sealed class ReembeddingTests : IDisposable
{
    private const int Articles = 70;
    private static readonly RsrNetOptions Options = new();

    private readonly CommandRun command = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Data => Path.Combine(command.Folder, "data");

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Reembed_StoreWithLearnedDocuments_BeginsAnewWithNewVectors()
    {
        var before = await LearnHashed();
        var outcome = await command.Of("documents", "reembed", "--encoder", TinyModel.Folder, "--data", Data);
        Assert.True(outcome.Code == 0, outcome.Notices);
        Assert.Contains($"{Articles} of {Articles} documents", outcome.Results, StringComparison.Ordinal);

        using var bart = BartEncoder.Open(TinyModel.Folder);
        await using var store = SqliteDocumentStore.Open(Data);
        var document = await store.Find("article-3", Cancellation);
        Assert.Equal(bart.Embed(document!.Article).X, document.Embedding!.X);
        Assert.Equal(bart.Id, document.Embedding.EncoderId);
        Assert.Null(document.State);
        Assert.Null(document.LearnedAt);
        Assert.Equal(Articles, (await store.Count(Cancellation)).Pending);

        await using var learner = await LocalLearner.Open(Options, bart, store, Checkpoints(), cancellation: Cancellation);
        var report = await learner.Learn(["article-0", "article-1"], Cancellation);
        Assert.True(report.WeightVersion > before, $"version {report.WeightVersion} after {before}");
    }

    [Fact]
    public async Task Reembed_CutOff_IsRefusedByServersAndGoesOnWhereItStopped()
    {
        await LearnHashed();
        using var bart = BartEncoder.Open(TinyModel.Folder);
        await using var store = SqliteDocumentStore.Open(Data);
        var work = new Reembedding(store, Checkpoints(), bart, Options.Replicas, TimeProvider.System);
        using var cut = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.Run(_ => cut.Cancel(), static _ => { }, cut.Token));

        foreach (var encoder in new ITextEncoder[] { bart, new HashedEncoder() })
        {
            var refusal = await Assert.ThrowsAsync<WeightsRejectedException>(
                () => LocalLearner.Open(Options, encoder, store, Checkpoints(), cancellation: Cancellation));
            Assert.Contains("rsrnet documents reembed", refusal.Message, StringComparison.Ordinal);
        }
        var seen = new List<long>();
        var changed = await work.Run(seen.Add, static _ => { }, Cancellation);
        Assert.InRange(changed, 1, Articles - 1);
        Assert.Equal(Articles, seen[^1]);
        Assert.Equal(0, await work.Run(static _ => { }, static _ => { }, Cancellation));
        await using var learner = await LocalLearner.Open(Options, bart, store, Checkpoints(), cancellation: Cancellation);
        Assert.Equal(bart.Id, (await learner.ReadTelemetry(Cancellation)).Encoder);
    }

    [Fact]
    public async Task Reembed_WhileAServerRuns_IsRefused()
    {
        await using var store = SqliteDocumentStore.Open(Data);
        var outcome = await command.Of("documents", "reembed", "--encoder", TinyModel.Folder, "--data", Data);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("in use", outcome.Notices, StringComparison.Ordinal);
    }

    /// <returns>The weight version.</returns>
    private async Task<long> LearnHashed()
    {
        await using var store = SqliteDocumentStore.Open(Data);
        await using var learner = await LocalLearner.Open(Options, new HashedEncoder(), store, Checkpoints(), cancellation: Cancellation);
        await learner.Ingest(
            [.. Enumerable.Range(0, Articles).Select(i => new Article($"article-{i}", $"Rain fell on day {i}. Rivers rose.")
            {
                Highlights = [$"Rain on day {i}"],
            })],
            Cancellation);
        var report = await learner.Learn(["article-0", "article-1", "article-2", "article-3"], Cancellation);
        await learner.SaveWeights(Cancellation);
        return report.WeightVersion;
    }

    private CheckpointFolder Checkpoints() => new(Path.Combine(Data, "weights"), Options.Weights);
}
