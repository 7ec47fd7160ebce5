using RsrNet.Cli.Models;

namespace RsrNet.Server.Tests.Models;

public sealed class ModelPullTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Pull_HealthyHub_BringsEveryFileAsItIs()
    {
        await using var hub = await FakeHub.Start();
        var model = await Pull(hub);
        Assert.Equal(FakeHub.Model, model.Name);
        AssertComplete(model.Folder);
        // One commit for all: only the first file is asked for by the branch.
        Assert.Equal(1, hub.Requests.Count(request => request.Path.Contains("/main/", StringComparison.Ordinal)));
        Assert.Empty(Directory.EnumerateDirectories(folder.File(".incoming")));
    }

    [Fact]
    public async Task Pull_LineIsCutAgainAndAgain_GoesOnWhereItStopped()
    {
        await using var hub = await FakeHub.Start();
        hub.CutAfter = 9_000;
        AssertComplete((await Pull(hub)).Folder);
        var ranges = hub.Requests.Where(request => request.Path.StartsWith("/storage/", StringComparison.Ordinal)).Select(request => request.Range).ToList();
        Assert.True(ranges.Count >= 8, $"{ranges.Count} requests");
        Assert.Equal("", ranges[0]);
        Assert.All(ranges.Skip(1), range => Assert.StartsWith("bytes=", range, StringComparison.Ordinal));
        Assert.Equal(ranges.Count, ranges.Distinct().Count());
    }

    [Fact]
    public async Task Pull_InterruptedAndCalledAgain_DoesNotBringAgainWhatIsThere()
    {
        await using var hub = await FakeHub.Start();
        hub.CutAfter = 0;
        Assert.Contains("goes on where it stopped", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
        hub.CutAfter = null;
        hub.Requests.Clear();
        AssertComplete((await Pull(hub)).Folder);
        Assert.Equal(["/storage/model.safetensors"], hub.Requests.Where(request => request.Method == "GET" && request.Host == "localhost").Select(request => request.Path));
        Assert.DoesNotContain(hub.Requests, request => request.Method == "GET" && request.Path.EndsWith("vocab.json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pull_StorageWithoutRanges_BeginsAnewAndEnds()
    {
        await using var hub = await FakeHub.Start();
        var incoming = new ModelLibrary(folder.Path).Workplace(FakeHub.Model);
        var file = await Source(hub).Find(FakeHub.Model, "main", "model.safetensors", Cancellation);
        File.WriteAllBytes(Path.Combine(incoming, $"model.safetensors.{file!.Checksum[..16]}.partial"), TinyModel.Bytes("model.safetensors")[..5_000]);
        hub.Ranges = false;
        AssertComplete((await Pull(hub)).Folder);
    }

    [Fact]
    public async Task Pull_DamagedOnce_IsBroughtAgain()
    {
        await using var hub = await FakeHub.Start();
        hub.Damaged = 1;
        AssertComplete((await Pull(hub)).Folder);
    }

    [Fact]
    public async Task Pull_AlwaysDamaged_IsRefusedAndNothingIsInstalled()
    {
        await using var hub = await FakeHub.Start();
        hub.Damaged = 10;
        Assert.Contains("came damaged twice", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
        Assert.Null(new ModelLibrary(folder.Path).Find(FakeHub.Model));
    }

    [Theory]
    [InlineData(-100)]
    [InlineData(100)]
    public async Task Pull_HubLiesAboutTheSize_IsRefused(int lie)
    {
        await using var hub = await FakeHub.Start();
        hub.LieAboutSize = lie;
        await Assert.ThrowsAsync<HubException>(() => Pull(hub));
        Assert.Null(new ModelLibrary(folder.Path).Find(FakeHub.Model));
    }

    [Fact]
    public async Task Pull_StorageSendsMoreThanTheHubSaid_IsRefused()
    {
        await using var hub = await FakeHub.Start();
        hub.ExtraBytes = 10;
        Assert.Contains("bytes", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
        Assert.Null(new ModelLibrary(folder.Path).Find(FakeHub.Model));
    }

    [Fact]
    public async Task Pull_HubIsBusyForAMoment_Waits()
    {
        await using var hub = await FakeHub.Start();
        hub.Unavailable = 2;
        AssertComplete((await Pull(hub)).Folder);
    }

    [Fact]
    public async Task Pull_HubIsBusyForEver_SaysSo()
    {
        await using var hub = await FakeHub.Start();
        hub.Unavailable = 100;
        Assert.Contains("503", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_NoChecksum_IsRefused()
    {
        await using var hub = await FakeHub.Start();
        hub.WithoutChecksum = true;
        Assert.Contains("no checksum for model.safetensors", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_Token_GoesToTheHubAndNowhereElse()
    {
        await using var hub = await FakeHub.Start();
        hub.Token = "hf_secret";
        AssertComplete((await Pull(hub, token: "hf_secret")).Folder);
        Assert.All(hub.Requests, request => Assert.Equal(request.Host == "127.0.0.1" ? "Bearer hf_secret" : "", request.Token));
        Assert.Contains(hub.Requests, request => request.Host == "localhost");
    }

    [Fact]
    public async Task Pull_TokenMissing_NamesTheVariable()
    {
        await using var hub = await FakeHub.Start();
        hub.Token = "hf_secret";
        Assert.Contains("HF_TOKEN", (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vocab.json", "has no vocab.json")]
    [InlineData("model.safetensors", "neither model.safetensors nor pytorch_model.bin")]
    public async Task Pull_FileNotOnTheHub_NamesIt(string file, string problem)
    {
        await using var hub = await FakeHub.Start();
        hub.Missing.Add(file);
        Assert.Contains(problem, (await Assert.ThrowsAsync<HubException>(() => Pull(hub))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pull_ModelIsThereAlready_IsReplacedInOneStep()
    {
        await using var hub = await FakeHub.Start();
        var first = await Pull(hub);
        File.WriteAllText(Path.Combine(first.Folder, "config.json"), "old");
        AssertComplete((await Pull(hub)).Folder);
        Assert.Single(new ModelLibrary(folder.Path).List());
    }

    private async Task<InstalledModel> Pull(FakeHub hub, string? token = null)
    {
        using var source = Source(hub, token);
        var pull = new ModelPull(source, new ModelLibrary(folder.Path), FakeHub.Model, "main");
        await pull.Look(Cancellation);
        var installed = await pull.Run(Cancellation);
        Assert.Equal(pull.Size, pull.Done);
        return installed;
    }

    private static ModelHub Source(FakeHub hub, string? token = null) => new(new Uri(hub.Url + "/"), token, new HurriedTime());

    private static void AssertComplete(string folder)
    {
        Assert.Equal(TinyModel.Files.Order(), Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order());
        foreach (var file in TinyModel.Files) Assert.Equal(TinyModel.Bytes(file), File.ReadAllBytes(Path.Combine(folder, file)));
    }

    /// <summary>Waiting takes no time.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.FromMilliseconds(1) : dueTime, period);
    }
}
