using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Embedding;

public sealed class BartNetworkTests
{
    /// <summary>What the issue allows between our embeddings and PyTorch's; single precision gives some 1e-6.</summary>
    private const double Tolerance = 1e-4;

    [Fact]
    public void Reference_TinyModel_MatchesPyTorch()
    {
        using var model = BartModel.Tiny();
        var weights = BartWeights.Read(model.Folder);
        for (var text = 0; text < model.Texts; text++)
        {
            var hidden = ReferenceBart.Encode(weights, model.Ids(text));
            Assert.InRange(BartModel.Deviation(Mean(hidden, weights.Config.Width), model.Mean(text)), 0, Tolerance);
        }
    }

    [Theory]
    [InlineData(VectorWidth.Scalar, 1)]
    [InlineData(VectorWidth.Vector128, 1)]
    [InlineData(VectorWidth.Vector256, 1)]
    [InlineData(VectorWidth.Vector512, 1)]
    [InlineData(VectorWidth.Scalar, 3)]
    [InlineData(VectorWidth.Vector512, 5)]
    public void Network_TinyModel_MatchesReferenceInEveryElement(VectorWidth width, int threads)
    {
        if (!VectorWidths.IsSupported(width)) Assert.Skip($"no {width} here");
        using var model = BartModel.Tiny();
        var weights = BartWeights.Read(model.Folder);
        using var team = new WorkerTeam(threads);
        using var network = BartNetwork.Create(weights, team, width);
        for (var text = 0; text < model.Texts; text++)
        {
            var ids = model.Ids(text);
            Assert.InRange(BartModel.Deviation(network.Encode(ids, [new BartText(0, ids.Length, ids.Length)]), ReferenceBart.Encode(weights, ids)), 0, 1e-5);
        }
    }

    // Widths that are no whole vectors, tiles or panels: every loop's remainder is used.
    [Theory]
    [InlineData(30, 3, 50, 3)]
    [InlineData(6, 2, 7, 1)]
    [InlineData(72, 1, 100, 2)]
    public void Network_OddSizes_MatchesReference(int width, int heads, int hidden, int layers)
    {
        var weights = RandomBart.Weights(width, heads, hidden, layers, positions: 400);
        using var team = new WorkerTeam(2);
        foreach (var vectors in Enum.GetValues<VectorWidth>().Where(VectorWidths.IsSupported))
        {
            using var network = BartNetwork.Create(weights, team, vectors);
            foreach (var length in new[] { 1, 2, 3, 13, 61, 293 })
            {
                var ids = RandomBart.Ids(length, weights.Config.Vocabulary);
                var expected = ReferenceBart.Encode(weights, ids);
                Assert.InRange(BartModel.Deviation(network.Encode(ids, [new BartText(0, length, length)]), expected), 0, 1e-5);
            }
        }
    }

    // Rows and outputs that are no whole tiles or panels, inputs that are no whole groups.
    [Theory]
    [InlineData(30, 3, 50, 3)]
    [InlineData(72, 1, 100, 2)]
    public void Network_WeightsOf8Bits_StaysNearReferenceAndIsTheSameInABatch(int width, int heads, int hidden, int layers)
    {
        var weights = RandomBart.Weights(width, heads, hidden, layers, positions: 400);
        using var team = new WorkerTeam(2);
        using var network = BartNetwork.Create(weights, team, VectorWidths.Best, WeightPrecision.Int8);
        int[] lengths = [1, 13, 293];
        var texts = Array.ConvertAll(lengths, length => RandomBart.Ids(length, weights.Config.Vocabulary));
        var places = new List<BartText>();
        foreach (var length in lengths) places.Add(new BartText(places.Sum(place => place.Rows), length, length));
        var batch = network.Encode([.. texts.SelectMany(ids => ids)], [.. places]).ToArray();
        for (var i = 0; i < texts.Length; i++)
        {
            var alone = network.Encode(texts[i], [new BartText(0, lengths[i], lengths[i])]);
            Assert.Equal(alone, batch.AsSpan(places[i].Row * width, lengths[i] * width));
            Assert.InRange(BartModel.Deviation(alone, ReferenceBart.Encode(weights, texts[i])), 1e-5, 0.05);
        }
    }

    [Fact]
    public void Network_WeightsOf8BitsAtFullSize_HasACosineAbove99Percent()
    {
        // All six layers: what one loses, the next has to live with.
        var weights = RandomBart.Weights(768, 12, 3072, 6, positions: 128);
        using var team = new WorkerTeam(Environment.ProcessorCount);
        using var single = BartNetwork.Create(weights, team, VectorWidths.Best);
        using var int8 = BartNetwork.Create(weights, team, VectorWidths.Best, WeightPrecision.Int8);
        foreach (var length in new[] { 4, 97 })
        {
            var ids = RandomBart.Ids(length, weights.Config.Vocabulary);
            var place = new BartText(0, length, length);
            var expected = Mean(single.Encode(ids, [place]), 768);
            var near = Mean(int8.Encode(ids, [place]), 768);
            Assert.InRange(VectorMath.Cosine(expected, near), 0.99, 1.0001);
        }
    }

    [Fact]
    public void Network_TextAlone_IsTheSameInABatchAndOnAnyNumberOfThreads()
    {
        var weights = RandomBart.Weights(48, 3, 96, 2, positions: 700);
        int[] lengths = [5, 600, 2, 37, 48, 49, 311];
        var texts = Array.ConvertAll(lengths, length => RandomBart.Ids(length, weights.Config.Vocabulary));
        using var single = BartNetwork.Create(weights, null, VectorWidths.Best);
        using var team = new WorkerTeam(4);
        using var shared = BartNetwork.Create(weights, team, VectorWidths.Best);
        var places = new List<BartText>();
        foreach (var length in lengths) places.Add(new BartText(places.Sum(place => place.Rows), length, length));
        var batch = shared.Encode([.. texts.SelectMany(ids => ids)], [.. places]).ToArray();
        for (var i = 0; i < texts.Length; i++)
        {
            var alone = single.Encode(texts[i], [new BartText(0, lengths[i], lengths[i])]);
            Assert.Equal(alone, batch.AsSpan(places[i].Row * 48, lengths[i] * 48));
        }
    }

    [Fact]
    public void Network_RepeatedCalls_GiveTheSameBits()
    {
        var weights = RandomBart.Weights(32, 2, 64, 2, positions: 300);
        using var team = new WorkerTeam(3);
        using var network = BartNetwork.Create(weights, team, VectorWidths.Best);
        var ids = RandomBart.Ids(290, weights.Config.Vocabulary);
        var first = network.Encode(ids, [new BartText(0, 290, 290)]).ToArray();
        for (var i = 0; i < 20; i++) Assert.Equal(first, network.Encode(ids, [new BartText(0, 290, 290)]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void ScratchBytes_OneTextOf512TokensAtFullWidth_AreAtMost40Megabytes(int threads)
    {
        // One layer of BART-base: all layers use the same memory.
        var weights = RandomBart.Weights(768, 12, 3072, 1, positions: 512);
        using var team = new WorkerTeam(threads);
        using var network = BartNetwork.Create(weights, team, VectorWidths.Best);
        network.Encode(RandomBart.Ids(512, weights.Config.Vocabulary), [new BartText(0, 512, 512)]);
        Assert.InRange(network.ScratchBytes, 512 * 768 * sizeof(float), 40_000_000);
    }

    [Fact]
    public void Network_IdOutsideTheVocabulary_Throws()
    {
        var weights = RandomBart.Weights(8, 2, 8, 1, positions: 10);
        using var network = BartNetwork.Create(weights, null, VectorWidths.Best);
        Assert.Contains("vocabulary", Assert.Throws<ArgumentException>(() => network.Encode([weights.Config.Vocabulary], [new BartText(0, 1, 1)])).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("safetensors", "bfloat16")]
    [InlineData("safetensors", "float16")]
    [InlineData("zip", "float32")]
    [InlineData("zip", "bfloat16")]
    [InlineData("pickles", "float16")]
    public void Network_EveryFileForm_MatchesPyTorch(string form, string dtype)
    {
        using var folder = new TemporaryFolder();
        TorchPython.Run(
            "make_bart.py", "--out", folder.Path, "--width", "24", "--heads", "3", "--hidden", "40", "--layers", "2", "--positions", "80",
            "--vocabulary", "50", "--lengths", "70,2,9", "--scale-embedding", "--form", form, "--dtype", dtype);
        AssertMatchesPyTorch(folder.Path);
    }

    [Fact]
    public void Network_FullSize_MatchesPyTorch()
    {
        using var folder = new TemporaryFolder();
        TorchPython.Run("make_bart.py", "--out", folder.Path, "--lengths", "300,3");
        AssertMatchesPyTorch(folder.Path);
    }

    private static void AssertMatchesPyTorch(string folder)
    {
        using var model = new BartModel(folder);
        var weights = BartWeights.Read(folder);
        using var team = new WorkerTeam(Environment.ProcessorCount);
        using var network = BartNetwork.Create(weights, team, VectorWidths.Best);
        var d = weights.Config.Width;
        var longest = Enumerable.Range(0, model.Texts).Max(text => model.Ids(text).Length);
        for (var text = 0; text < model.Texts; text++)
        {
            var ids = model.Ids(text);
            var alone = network.Encode(ids, [new BartText(0, ids.Length, ids.Length)]);
            Assert.InRange(BartModel.Deviation(Mean(alone, d), model.Mean(text)), 0, Tolerance);

            int[] filled = [.. ids, .. Enumerable.Repeat(1, longest - ids.Length)];
            var padded = network.Encode(filled, [new BartText(0, longest, ids.Length)]);
            Assert.InRange(BartModel.Deviation(Mean(padded, d), model.Padded(text)), 0, Tolerance);
        }
    }

    private static float[] Mean(ReadOnlySpan<float> hidden, int d)
    {
        var mean = new float[d];
        for (var i = 0; i < hidden.Length; i++) mean[i % d] += hidden[i] / (hidden.Length / d);
        return mean;
    }
}
