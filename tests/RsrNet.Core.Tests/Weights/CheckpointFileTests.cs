using System.Text;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Weights;

public sealed class CheckpointFileTests
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoint-format-1.safetensors");

    [Fact]
    public void Write_ThenRead_GivesTheSame() => AssertSame(Sample(7), CheckpointFile.Read(Written(Sample(7))));

    /// <summary>A file of the first release: it must stay readable, and what is written today is still the same file.</summary>
    [Fact]
    public void Golden_Format1_IsReadAndWrittenTheSame()
    {
        AssertSame(Sample(123), CheckpointFile.Read(Golden));
        Assert.Equal(File.ReadAllBytes(Golden), Written(Sample(123)).ToArray());
    }

    [Fact]
    public void Read_BareStateDict_HasNoOptimizer()
    {
        using var stream = new MemoryStream();
        StateDict.Write(stream, Sample(1).Weights);
        var checkpoint = CheckpointFile.Read(stream);
        Assert.Equal(Sample(1).Weights.Parameters, checkpoint.Weights.Parameters);
        Assert.Null(checkpoint.Optimizer);
        Assert.Null(checkpoint.EncoderId);
        Assert.Equal(CheckpointFile.UnknownMode, checkpoint.Mode);
    }

    /// <summary>Every byte matters: whichever bit is flipped, the file is refused.</summary>
    [Fact]
    public void Read_AnyFlippedBit_IsRefused()
    {
        var bytes = Written(Sample(7)).ToArray();
        for (var i = 0; i < bytes.Length; i++)
        {
            var damaged = bytes.ToArray();
            damaged[i] ^= (byte)(1 << (i % 8));
            var exception = Record.Exception(() => CheckpointFile.Read(new MemoryStream(damaged)));
            // A blank between the parts of the header may become another blank; then nothing is lost.
            if (exception is null) AssertSame(Sample(7), CheckpointFile.Read(new MemoryStream(damaged)));
            else
                Assert.True(exception is InvalidDataException or WeightsRejectedException or NotSupportedException, $"byte {i}: {exception}");
        }
    }

    [Fact]
    public void Read_NewerFormat_SaysSo()
    {
        var bytes = Written(Sample(7)).ToArray();
        var text = Encoding.Latin1.GetString(bytes).Replace("rsrnet.format\":\"1\"", "rsrnet.format\":\"9\"", StringComparison.Ordinal);
        var exception = Assert.Throws<NotSupportedException>(
            () => CheckpointFile.Read(new MemoryStream(Encoding.Latin1.GetBytes(text))));
        Assert.Contains("format 9", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NotFinite_IsRefused()
    {
        var checkpoint = Sample(7);
        checkpoint.Weights.Parameter("fc2.weight")[3] = float.NaN;
        Assert.Throws<WeightsRejectedException>(() => Written(checkpoint));
    }

    /// <summary>The same numbers on every machine: weights from a seed, moments from a formula.</summary>
    internal static Checkpoint Sample(long version)
    {
        var weights = RandomBatch.Weights(new RecursionShape(4, 3, 2), (int)version);
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

    internal static void AssertSame(Checkpoint expected, Checkpoint? actual)
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

    private static MemoryStream Written(Checkpoint checkpoint)
    {
        var stream = new MemoryStream();
        CheckpointFile.Write(stream, checkpoint);
        return stream;
    }
}
