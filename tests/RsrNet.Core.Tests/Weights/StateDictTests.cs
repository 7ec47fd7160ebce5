using RsrNet.Core.Replicas;
using RsrNet.Core.Tests.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Weights;

public sealed class StateDictTests
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);

    [Fact]
    public void Write_ThenRead_GivesTheSame()
    {
        var weights = RandomBatch.Weights(Tiny, 1);
        weights.BatchesTracked = 36;
        using var stream = new MemoryStream();
        StateDict.Write(stream, weights);
        var read = StateDict.Read(stream);
        Assert.Equal(Tiny, read.Shape);
        Assert.Equal(weights.Parameters, read.Parameters);
        Assert.Equal(weights.Statistics, read.Statistics);
        Assert.Equal(36, read.BatchesTracked);
    }

    [Fact]
    public void Write_LoadedByPyTorchStrictly_ComesBackTheSame()
    {
        using var folder = new TemporaryFolder();
        var weights = RandomBatch.Weights(Tiny, 1);
        weights.BatchesTracked = 36;
        using (var file = File.Create(folder.File("ours.safetensors"))) StateDict.Write(file, weights);
        TorchPython.Run("round_trip.py", folder.File("ours.safetensors"), folder.File("theirs.safetensors"));
        var read = StateDict.Read(File.OpenRead(folder.File("theirs.safetensors")));
        Assert.Equal(weights.Parameters, read.Parameters);
        Assert.Equal(weights.Statistics, read.Statistics);
        Assert.Equal(36, read.BatchesTracked);
    }

    [Theory]
    [InlineData("fc1.weight")]
    [InlineData("fc2.weight")]
    [InlineData("fc_aux.bias")]
    [InlineData("bn2.running_var")]
    public void Read_MissingTensor_NamesIt(string name) => AssertRejected(Without(name), $"'{name}' is missing");

    [Fact]
    public void Read_WithoutCounters_CountsFromZero()
    {
        var writer = Without("bn1.num_batches_tracked", "bn2.num_batches_tracked");
        Assert.Equal(0, StateDict.Read(Written(writer)).BatchesTracked);
    }

    [Fact]
    public void Read_UnknownTensor_NamesIt()
    {
        var writer = Without();
        writer.Add("fc3.weight", [1], new float[1]);
        AssertRejected(writer, "'fc3.weight' is unknown");
    }

    [Fact]
    public void Read_WrongShape_SaysBoth()
    {
        var writer = Without("fc1.weight");
        writer.Add("fc1.weight", [5, 15], new float[75]);
        AssertRejected(writer, "'fc1.weight' has shape [5, 15], not [5, 16] (d = 6, h = 5, L = 4)");
    }

    /// <summary>The file holds no number of it: nothing may be allocated by what a header says alone.</summary>
    [Fact]
    public void Read_NetworkTooLarge_IsRejectedBeforeItIsMade()
    {
        var writer = Without("fc_out.weight");
        writer.Add("fc_out.weight", [2_000_000_000, 0], Array.Empty<float>());
        AssertRejected(writer, "'fc_out.weight' has shape [2000000000, 0], not that of a matrix");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Read_NotFinite_NamesTensorAndIndex(float value)
    {
        var writer = Without("bn1.bias");
        writer.Add("bn1.bias", [5], new float[] { 0, 0, value, 0, 0 });
        AssertRejected(writer, "'bn1.bias' holds");
    }

    [Fact]
    public void Read_NegativeVariance_IsRejected()
    {
        var writer = Without("bn1.running_var");
        writer.Add("bn1.running_var", [5], new float[] { 1, 1, -1, 1, 1 });
        AssertRejected(writer, "a variance is not negative");
    }

    [Fact]
    public void Read_Garbage_IsRejected() =>
        Assert.Throws<WeightsRejectedException>(() => StateDict.Read(new MemoryStream([1, 2, 3, 4, 5, 6, 7, 8, 9])));

    private static SafetensorsWriter Without(params string[] names)
    {
        using var reader = new SafetensorsReader(Complete());
        var writer = new SafetensorsWriter();
        foreach (var entry in reader.Header.Entries.Where(entry => !names.Contains(entry.Name)))
        {
            if (entry.Dtype == "I64") writer.Add(entry.Name, entry.Shape, reader.ReadLongs(entry.Name));
            else writer.Add(entry.Name, entry.Shape, reader.ReadFloats(entry.Name));
        }
        return writer;
    }

    private static MemoryStream Complete()
    {
        var stream = new MemoryStream();
        StateDict.Write(stream, RandomBatch.Weights(Tiny, 1));
        return stream;
    }

    private static MemoryStream Written(SafetensorsWriter writer)
    {
        var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream;
    }

    private static void AssertRejected(SafetensorsWriter writer, string message)
    {
        var exception = Assert.Throws<WeightsRejectedException>(() => StateDict.Read(Written(writer)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
