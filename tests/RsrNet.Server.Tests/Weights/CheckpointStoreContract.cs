using System.Text;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Weights;

/// <summary>What every checkpoint store does. A store's own test class derives from this and opens it.</summary>
public abstract class CheckpointStoreContract : IAsyncLifetime
{
    private readonly List<string> _warnings = [];

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected ICheckpointStore Store { get; private set; } = null!;

    /// <summary>Opens the store of this test; the second time it is the same one again, as a coordinator finds it that has moved.</summary>
    protected abstract Task<ICheckpointStore> Open(WeightOptions options);

    protected abstract ValueTask CleanUp();

    /// <summary>The bytes a checkpoint is stored as.</summary>
    protected abstract Task<byte[]> ReadStored(long version);

    /// <summary>Replaces them, behind the store's back.</summary>
    protected abstract Task WriteStored(long version, byte[] content);

    public async ValueTask InitializeAsync() => Store = await Open(new WeightOptions { Keep = 3 });

    public async ValueTask DisposeAsync()
    {
        await CleanUp();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task EmptyStore_HasNothing()
    {
        Assert.Null(await Store.LoadNewest(_warnings.Add, Cancellation));
        Assert.Empty(await Store.List(Cancellation));
        Assert.Null(await Store.Find(1, Cancellation));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Save_ThenAnotherOpens_GivesEverythingBack()
    {
        await Store.Save(Sample(7), Cancellation);

        var again = await Open(new WeightOptions { Keep = 3 });

        AssertSame(Sample(7), await again.LoadNewest(_warnings.Add, Cancellation));
        AssertSame(Sample(7), await again.Find(7, Cancellation));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Save_WithoutOptimizerEncoderAndLoss_GivesNoneBack()
    {
        await Store.Save(Sample(7) with { Optimizer = null, EncoderId = null, Loss = null }, Cancellation);

        var found = (await Store.Find(7, Cancellation))!;

        Assert.Equal((null, null, null), (found.Optimizer, found.EncoderId, found.Loss));
        Assert.Equal((null, null), ((await Store.List(Cancellation)).Single().EncoderId, (await Store.List(Cancellation)).Single().Loss));
    }

    [Fact]
    public async Task Save_Pinned_StaysHoweverManyNewerOnesThereAre()
    {
        await Store.Save(Sample(1) with { Pinned = true }, Cancellation);
        for (var version = 2; version <= 9; version++) await Store.Save(Sample(version), Cancellation);

        Assert.Equal([(9, false), (8, false), (7, false), (1, true)], (await Store.List(Cancellation)).Select(summary => (summary.Version, summary.Pinned)));
        Assert.True((await Store.Find(1, Cancellation))!.Pinned);

        for (var version = 10; version <= 13; version++) await Store.Save(Sample(version) with { Pinned = true }, Cancellation);
        Assert.DoesNotContain(await Store.List(Cancellation), summary => summary.Version == 1);
    }

    [Fact]
    public async Task Save_MoreThanKept_DropsTheOldest()
    {
        foreach (var version in new long[] { 5, 20, 100, 3000 }) await Store.Save(Sample(version), Cancellation);

        Assert.Equal([3000, 100, 20], (await Store.List(Cancellation)).Select(summary => summary.Version));
        AssertSame(Sample(3000), await Store.LoadNewest(_warnings.Add, Cancellation));
        AssertSame(Sample(20), await Store.Find(20, Cancellation));
        Assert.Null(await Store.Find(5, Cancellation));
    }

    [Fact]
    public async Task Save_OfAnOlderVersion_LeavesTheNewerOnes()
    {
        foreach (var version in new long[] { 10, 20, 30 }) await Store.Save(Sample(version), Cancellation);

        await Store.Save(Sample(5), Cancellation);

        Assert.Equal([30, 20, 5], (await Store.List(Cancellation)).Select(summary => summary.Version));
        AssertSame(Sample(30), await Store.LoadNewest(_warnings.Add, Cancellation));
        AssertSame(Sample(20), await Store.Find(20, Cancellation));
    }

    [Fact]
    public async Task Save_OfTheSameVersion_ReplacesIt()
    {
        await Store.Save(Sample(1), Cancellation);
        await Store.Save(Sample(2), Cancellation);
        var other = Sample(2) with { Loss = 0.5f, Mode = "other" };
        other.Weights.Parameters[0] = 42;

        await Store.Save(other, Cancellation);

        AssertSame(other, await Store.LoadNewest(_warnings.Add, Cancellation));
        Assert.Equal([2, 1], (await Store.List(Cancellation)).Select(summary => summary.Version));
        Assert.Equal((0.5f, "other"), ((await Store.List(Cancellation))[0].Loss, (await Store.List(Cancellation))[0].Mode));
    }

    [Fact]
    public async Task List_SaysWhatIsInside()
    {
        var written = await Store.Save(Sample(5), Cancellation);
        await Store.Save(Sample(6), Cancellation);

        var summary = (await Store.List(Cancellation))[1];

        Assert.Equal(written, summary);
        Assert.Equal((5L, Sample(5).CreatedAt, 0.75f), (summary.Version, summary.CreatedAt, summary.Loss!.Value));
        Assert.Equal(("hashed-768-1", "notebook"), (summary.EncoderId, summary.Mode));
        Assert.Equal((await ReadStored(5)).Length, summary.Bytes);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("garbage")]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("another version's")]
    public async Task LoadNewest_DamagedNewest_FallsBackAndSaysSo(string damage)
    {
        await Store.Save(Sample(1), Cancellation);
        await Store.Save(Sample(2), Cancellation);
        var bytes = await ReadStored(2);
        var flipped = bytes.ToArray();
        flipped[^20] ^= 1;
        await WriteStored(2, damage switch
        {
            "empty" => [],
            "garbage" => [.. Enumerable.Range(0, 1000).Select(i => (byte)(i * 37))],
            "cut" => bytes[..^1],
            "flipped" => flipped,
            _ => await ReadStored(1),
        });

        await Assert.ThrowsAsync<InvalidDataException>(() => Store.Find(2, Cancellation));
        AssertSame(Sample(1), await Store.LoadNewest(_warnings.Add, Cancellation));

        Assert.Contains("checkpoint 2 is damaged", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Null(await Store.Find(2, Cancellation));
        _warnings.Clear();
        AssertSame(Sample(1), await Store.LoadNewest(_warnings.Add, Cancellation));
        Assert.Empty(_warnings);
        // Learning goes on from 1 and comes to a 2 again.
        await Store.Save(Sample(2), Cancellation);
        AssertSame(Sample(2), await Store.LoadNewest(_warnings.Add, Cancellation));
    }

    [Fact]
    public async Task LoadNewest_AllDamaged_IsNullWithAllWarnings()
    {
        foreach (var version in new long[] { 1, 2 })
        {
            await Store.Save(Sample(version), Cancellation);
            await WriteStored(version, "no weights at all"u8.ToArray());
        }

        Assert.Null(await Store.LoadNewest(_warnings.Add, Cancellation));
        Assert.Equal(2, _warnings.Count);
    }

    /// <summary>To fall back from it would throw away what the newer program learned.</summary>
    [Fact]
    public async Task LoadNewest_WrittenByANewerProgram_IsRefusedAndLeftAlone()
    {
        await Store.Save(Sample(1), Cancellation);
        await Store.Save(Sample(2), Cancellation);
        var text = Encoding.Latin1.GetString(await ReadStored(2))
            .Replace("rsrnet.format\":\"1\"", "rsrnet.format\":\"9\"", StringComparison.Ordinal);
        await WriteStored(2, Encoding.Latin1.GetBytes(text));

        var problem = await Assert.ThrowsAsync<NotSupportedException>(() => Store.LoadNewest(_warnings.Add, Cancellation));

        Assert.Contains("format 9", problem.Message, StringComparison.Ordinal);
        Assert.Equal(text, Encoding.Latin1.GetString(await ReadStored(2)));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Save_NotFinite_WritesNothing()
    {
        await Store.Save(Sample(1), Cancellation);
        var broken = Sample(2);
        broken.Weights.Parameters[0] = float.NaN;

        await Assert.ThrowsAsync<WeightsRejectedException>(() => Store.Save(broken, Cancellation));

        Assert.Equal([1], (await Store.List(Cancellation)).Select(summary => summary.Version));
    }

    [Fact]
    public async Task Constructor_KeepOne_IsRefused()
    {
        var problem = await Assert.ThrowsAsync<ArgumentException>(() => Open(new WeightOptions { Keep = 1 }));
        Assert.Contains("Weights.Keep", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyAtOnce_KeepTheNewestWhole()
    {
        await Task.WhenAll(
            Enumerable.Range(1, 12).Select(version => Task.Run(() => Store.Save(Sample(version), Cancellation), Cancellation)));

        AssertSame(Sample(12), await Store.LoadNewest(_warnings.Add, Cancellation));
        Assert.Empty(_warnings);
        Assert.InRange((await Store.List(Cancellation)).Count, 3, 12);
        await Store.Save(Sample(13), Cancellation);
        Assert.Equal(3, (await Store.List(Cancellation)).Count);
    }

    public static Checkpoint Sample(long version)
    {
        var weights = RecursionInitialization.Create(new RecursionShape(4, 3, 2), (int)version);
        weights.BatchesTracked = 12 * version;
        var optimizer = new AdamState(weights.Parameters.Length) { Step = version };
        for (var i = 0; i < optimizer.Mean.Length; i++)
        {
            optimizer.Mean[i] = i / 64f - 1;
            optimizer.Variance[i] = i / 128f;
        }
        return new Checkpoint(
            version, "hashed-768-1", "notebook", weights, optimizer, new DateTimeOffset(2025, 11, 22, 3, 4, 5, 678, TimeSpan.Zero), 0.75f);
    }

    private static void AssertSame(Checkpoint expected, Checkpoint? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(
            (expected.Version, expected.EncoderId, expected.Mode, expected.CreatedAt, expected.Loss),
            (actual.Version, actual.EncoderId, actual.Mode, actual.CreatedAt, actual.Loss));
        Assert.Equal(expected.Weights.Parameters, actual.Weights.Parameters);
        Assert.Equal(expected.Weights.Statistics, actual.Weights.Statistics);
        Assert.Equal(expected.Weights.BatchesTracked, actual.Weights.BatchesTracked);
        Assert.Equal(expected.Optimizer!.Mean, actual.Optimizer!.Mean);
        Assert.Equal(expected.Optimizer.Variance, actual.Optimizer.Variance);
        Assert.Equal(expected.Optimizer.Step, actual.Optimizer.Step);
    }
}
