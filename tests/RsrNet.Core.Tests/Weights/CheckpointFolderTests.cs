using RsrNet.Core.Weights;
using static RsrNet.Core.Tests.Weights.CheckpointFileTests;

namespace RsrNet.Core.Tests.Weights;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder temporary = new();
    private readonly CheckpointFolder folder;

    public CheckpointFolderTests() => folder = new CheckpointFolder(temporary.Path, new WeightOptions { Keep = 3 });

    public void Dispose() => temporary.Dispose();

    [Fact]
    public void LoadNewest_EmptyFolder_IsNull()
    {
        Assert.Null(folder.LoadNewest(out var warnings));
        Assert.Empty(warnings);
    }

    [Fact]
    public void Write_MoreThanKept_DeletesTheOldest()
    {
        foreach (var version in new long[] { 5, 20, 100, 3000 }) folder.Write(Sample(version));
        Assert.Equal([3000, 100, 20], folder.List().Select(summary => summary.Version));
        AssertSame(Sample(3000), folder.LoadNewest(out _));
        AssertSame(Sample(20), folder.Find(20));
        Assert.Null(folder.Find(5));
        Assert.Equal(3, Directory.GetFiles(temporary.Path).Length);
        Assert.True(File.Exists(temporary.File("weights-000000003000.safetensors")));
    }

    [Fact]
    public void List_HeadersAlone_SayWhatIsInside()
    {
        var written = folder.Write(Sample(5));
        folder.Write(Sample(6));
        var summary = folder.List(current: 5)[1];
        Assert.Equal(written, summary);
        Assert.Equal(Sample(5).CreatedAt, summary.CreatedAt);
        Assert.Equal(0.75f, summary.Loss);
        Assert.Equal(new FileInfo(temporary.File("weights-000000000005.safetensors")).Length, summary.Bytes);
        Assert.False(folder.List(current: 5)[0].Current);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("garbage")]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("renamed")]
    public void LoadNewest_DamagedNewest_FallsBackAndSaysSo(string damage)
    {
        folder.Write(Sample(1));
        folder.Write(Sample(2));
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
        Assert.Throws<InvalidDataException>(() => folder.Find(2));
        AssertSame(Sample(1), folder.LoadNewest(out var warnings));
        Assert.Contains("checkpoint 2 is damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.False(File.Exists(newest));
        Assert.True(File.Exists(newest + ".damaged"));
        Assert.Null(folder.Find(2));
        folder.LoadNewest(out warnings);
        Assert.Empty(warnings);
    }

    [Fact]
    public void LoadNewest_AllDamaged_IsNullWithAllWarnings()
    {
        folder.Write(Sample(1));
        folder.Write(Sample(2));
        foreach (var file in Directory.GetFiles(temporary.Path)) File.WriteAllText(file, "no weights at all");
        Assert.Null(folder.LoadNewest(out var warnings));
        Assert.Equal(2, warnings.Count);
    }

    [Fact]
    public void Constructor_FilesOfACrash_AreRemoved()
    {
        folder.Write(Sample(1));
        File.WriteAllText(temporary.File("weights-000000000002.safetensors.tmp"), "half");
        File.WriteAllText(temporary.File("notes.txt"), "not ours");
        var again = new CheckpointFolder(temporary.Path, new WeightOptions());
        Assert.Equal(2, Directory.GetFiles(temporary.Path).Length);
        AssertSame(Sample(1), again.LoadNewest(out var warnings));
        Assert.Empty(warnings);
    }

    [Fact]
    public void Write_FullDisk_LeavesEarlierOnesWhole()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("this system has no /dev/full to write to");
        folder.Write(Sample(1));
        File.CreateSymbolicLink(temporary.File("weights-000000000002.safetensors.tmp"), "/dev/full");
        AssertWriteFails();
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    /// <summary>A folder stands where the file should be written: refused for every user, even for one who may write anywhere.</summary>
    [Fact]
    public void Write_ForbiddenFile_LeavesEarlierOnesWhole()
    {
        folder.Write(Sample(1));
        Directory.CreateDirectory(temporary.File("weights-000000000002.safetensors.tmp"));
        AssertWriteFails();
    }

    [Fact]
    public void Write_NotFinite_WritesNothing()
    {
        folder.Write(Sample(1));
        var broken = Sample(2);
        broken.Weights.Parameters[0] = float.NaN;
        Assert.Throws<WeightsRejectedException>(() => folder.Write(broken));
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    [Fact]
    public void Constructor_KeepOne_IsRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => new CheckpointFolder(temporary.Path, new WeightOptions { Keep = 1 }));
        Assert.Contains("Weights.Keep", exception.Message, StringComparison.Ordinal);
    }

    private void AssertWriteFails()
    {
        var exception = Assert.Throws<IOException>(() => folder.Write(Sample(2)));
        Assert.Contains("files from before are untouched", exception.Message, StringComparison.Ordinal);
        AssertSame(Sample(1), folder.LoadNewest(out var warnings));
        Assert.Empty(warnings);
        Assert.Equal([1], folder.List().Select(summary => summary.Version));
    }
}
