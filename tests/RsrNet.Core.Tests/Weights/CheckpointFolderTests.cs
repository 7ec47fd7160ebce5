using RsrNet.Core.Weights;
using static RsrNet.Core.Tests.Weights.CheckpointFileTests;

namespace RsrNet.Core.Tests.Weights;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder temporary = new();
    private readonly CheckpointFolder folder;
    private readonly List<string> warnings = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public CheckpointFolderTests() => folder = new CheckpointFolder(temporary.Path, new WeightOptions { Keep = 3 });

    public void Dispose() => temporary.Dispose();

    [Fact]
    public async Task LoadNewest_EmptyFolder_IsNull()
    {
        Assert.Null(await folder.LoadNewest(warnings.Add, Cancellation));
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Save_MoreThanKept_DeletesTheOldest()
    {
        foreach (var version in new long[] { 5, 20, 100, 3000 }) await folder.Save(Sample(version), Cancellation);
        Assert.Equal([3000, 100, 20], (await folder.List(Cancellation)).Select(summary => summary.Version));
        AssertSame(Sample(3000), await folder.LoadNewest(warnings.Add, Cancellation));
        AssertSame(Sample(20), await folder.Find(20, Cancellation));
        Assert.Null(await folder.Find(5, Cancellation));
        Assert.Equal(3, Directory.GetFiles(temporary.Path).Length);
        Assert.True(File.Exists(temporary.File("weights-000000003000.safetensors")));
    }

    [Fact]
    public async Task List_HeadersAlone_SayWhatIsInside()
    {
        var written = await folder.Save(Sample(5), Cancellation);
        await folder.Save(Sample(6), Cancellation);
        var summary = (await folder.List(Cancellation))[1];
        Assert.Equal(written, summary);
        Assert.Equal(Sample(5).CreatedAt, summary.CreatedAt);
        Assert.Equal(0.75f, summary.Loss);
        Assert.Equal(new FileInfo(temporary.File("weights-000000000005.safetensors")).Length, summary.Bytes);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("garbage")]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("renamed")]
    public async Task LoadNewest_DamagedNewest_FallsBackAndSaysSo(string damage)
    {
        await folder.Save(Sample(1), Cancellation);
        await folder.Save(Sample(2), Cancellation);
        var newest = temporary.File("weights-000000000002.safetensors");
        var bytes = File.ReadAllBytes(newest);
        var flipped = bytes.ToArray();
        flipped[^20] ^= 1;
        File.WriteAllBytes(newest, damage switch
        {
            "empty" => [],
            "garbage" => [.. Enumerable.Range(0, 1000).Select(i => (byte)(i * 37))],
            "cut" => bytes[..^1],
            "flipped" => flipped,
            _ => File.ReadAllBytes(temporary.File("weights-000000000001.safetensors")),
        });
        await Assert.ThrowsAsync<InvalidDataException>(() => folder.Find(2, Cancellation));
        AssertSame(Sample(1), await folder.LoadNewest(warnings.Add, Cancellation));
        Assert.Contains("checkpoint 2 is damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.False(File.Exists(newest));
        Assert.True(File.Exists(newest + ".damaged"));
        Assert.Null(await folder.Find(2, Cancellation));
        warnings.Clear();
        await folder.LoadNewest(warnings.Add, Cancellation);
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task LoadNewest_AllDamaged_IsNullWithAllWarnings()
    {
        await folder.Save(Sample(1), Cancellation);
        await folder.Save(Sample(2), Cancellation);
        foreach (var file in Directory.GetFiles(temporary.Path)) File.WriteAllText(file, "no weights at all");
        Assert.Null(await folder.LoadNewest(warnings.Add, Cancellation));
        Assert.Equal(2, warnings.Count);
    }

    [Fact]
    public async Task Constructor_FilesOfACrash_AreRemoved()
    {
        await folder.Save(Sample(1), Cancellation);
        File.WriteAllText(temporary.File("weights-000000000002.safetensors.tmp"), "half");
        File.WriteAllText(temporary.File("notes.txt"), "not ours");
        var again = new CheckpointFolder(temporary.Path, new WeightOptions());
        Assert.Equal(2, Directory.GetFiles(temporary.Path).Length);
        AssertSame(Sample(1), await again.LoadNewest(warnings.Add, Cancellation));
        Assert.Empty(warnings);
    }

    [Fact]
    public async Task Save_FullDisk_LeavesEarlierOnesWhole()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("this system has no /dev/full to write to");
        await folder.Save(Sample(1), Cancellation);
        File.CreateSymbolicLink(temporary.File("weights-000000000002.safetensors.tmp"), "/dev/full");
        await AssertWriteFails();
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    /// <summary>A folder stands where the file should be written: refused for every user, even for one who may write anywhere.</summary>
    [Fact]
    public async Task Save_ForbiddenFile_LeavesEarlierOnesWhole()
    {
        await folder.Save(Sample(1), Cancellation);
        Directory.CreateDirectory(temporary.File("weights-000000000002.safetensors.tmp"));
        await AssertWriteFails();
    }

    [Fact]
    public async Task Save_NotFinite_WritesNothing()
    {
        await folder.Save(Sample(1), Cancellation);
        var broken = Sample(2);
        broken.Weights.Parameters[0] = float.NaN;
        await Assert.ThrowsAsync<WeightsRejectedException>(() => folder.Save(broken, Cancellation));
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    [Fact]
    public void Constructor_KeepOne_IsRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => new CheckpointFolder(temporary.Path, new WeightOptions { Keep = 1 }));
        Assert.Contains("Weights.Keep", exception.Message, StringComparison.Ordinal);
    }

    private async Task AssertWriteFails()
    {
        var exception = await Assert.ThrowsAsync<IOException>(() => folder.Save(Sample(2), Cancellation));
        Assert.Contains("files from before are untouched", exception.Message, StringComparison.Ordinal);
        AssertSame(Sample(1), await folder.LoadNewest(warnings.Add, Cancellation));
        Assert.Empty(warnings);
        Assert.Equal([1], (await folder.List(Cancellation)).Select(summary => summary.Version));
    }
}
