using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Tests;
using RsrNet.Core.Tests.Embedding;
using RsrNet.Torch.Embedding;
using RsrNet.Torch.Replicas;
using RsrNet.Torch.Tests.Replicas;
using TorchSharp;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>BART's encoder on libtorch, held to the same truths as Core's.</summary>
public sealed class TorchBartTests
{
    /// <summary>What is allowed between an embedding and PyTorch's; single precision gives some 1e-6.</summary>
    private const double Tolerance = 1e-4;

    private static readonly EmbeddingOptions Short = new() { TokenLimit = 90 };

    private static readonly string[] Texts = File.ReadAllText(Repository.Golden("bart-tiny/texts.txt")).TrimEnd('\n').Split('\n');

    public static TheoryData<string> Devices => TorchDevices.Names;

    [Theory]
    [MemberData(nameof(Devices))]
    public void TextsOfTheGoldenModel_GivePyTorchsEmbeddings(string device)
    {
        using var model = BartModel.Tiny();
        using var encoder = Open(device, model.Folder, Short);
        var vectors = Encode(encoder, Texts);
        for (var i = 0; i < Texts.Length; i++) Assert.InRange(BartModel.Deviation(vectors[i], model.Mean(i)), 0, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void PaddedMean_GivesTheNotebooksEmbeddings(string device)
    {
        using var model = BartModel.Tiny();
        using var encoder = Open(device, model.Folder, Short with { PaddedMean = true });
        var vectors = Encode(encoder, Texts);
        for (var i = 0; i < Texts.Length; i++) Assert.InRange(BartModel.Deviation(vectors[i], model.Padded(i)), 0, 1e-5);
    }

    /// <summary>6 layers, d 768, the same weights in PyTorch.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void FullSize_MatchesPyTorch(string device)
    {
        var torchDevice = TorchDevices.Of(device);
        using var folder = new TemporaryFolder();
        TorchPython.Run("make_bart.py", "--out", folder.Path, "--lengths", "300,3");
        using var model = new BartModel(folder.Path);
        using var network = new TorchBartNetwork(torchDevice, BartWeights.Read(folder.Path), WeightPrecision.Single);
        for (var text = 0; text < model.Texts; text++)
        {
            var ids = model.Ids(text);
            var mean = new float[768];
            network.Embed(ids, [new BartText(0, ids.Length, ids.Length)], mean);
            Assert.InRange(BartModel.Deviation(mean, model.Mean(text)), 0, Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void OddSizesAndLengths_EqualCores(string device)
    {
        foreach (var (width, heads, hidden, layers) in (ReadOnlySpan<(int, int, int, int)>)[(30, 3, 50, 3), (6, 2, 7, 1), (72, 1, 100, 2)])
        {
            var weights = RandomBart.Weights(width, heads, hidden, layers, positions: 400);
            using var network = new TorchBartNetwork(TorchDevices.Of(device), weights, WeightPrecision.Single);
            using var core = BartNetwork.Create(weights, null, VectorWidths.Best);
            var (ids, texts) = Batch(weights, [1, 293, 2, 13, 280, 61, 290, 3, 59, 61]);
            float[] expected = new float[texts.Length * width], actual = new float[texts.Length * width];
            core.Embed(ids, texts, expected);
            network.Embed(ids, texts, actual);
            for (var i = 0; i < texts.Length; i++)
                Assert.InRange(BartModel.Deviation(actual.AsSpan(i * width, width), expected.AsSpan(i * width, width)), 0, 1e-5);
        }
    }

    /// <summary>libtorch multiplies one text with other routines than many, so the last digits may differ.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void TextAlone_IsTheSameInABatch(string device)
    {
        using var encoder = Open(device, Repository.Golden("bart-tiny"), Short);
        var texts = Enumerable.Range(0, 90).Select(i => string.Concat(Enumerable.Repeat(Texts[i % Texts.Length] + " ", 1 + i % 3))).ToArray();
        var together = Encode(encoder, texts);
        for (var i = 0; i < texts.Length; i++) Assert.InRange(BartModel.Deviation(Encode(encoder, texts[i])[0], together[i]), 0, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void EmptyTextAndLongText_EqualCores(string device)
    {
        using var encoder = Open(device, Repository.Golden("bart-tiny"), Short);
        using var core = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        foreach (var text in (string[])["", new string('q', 2_000)])
        {
            Assert.Equal(core.CountTokens(text), encoder.CountTokens(text));
            Assert.InRange(BartModel.Deviation(Encode(encoder, text)[0], Encode(core, text)[0]), 0, 1e-5);
        }
        Assert.Empty(Encode(encoder));
    }

    /// <summary>In half the bits an embedding keeps its direction, and says by its name that it is another.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void BFloat16_IsNear_AndAnotherEncoder(string device)
    {
        using var model = BartModel.Tiny();
        using var encoder = Open(device, model.Folder, Short with { WeightPrecision = WeightPrecision.BFloat16 });
        Assert.EndsWith("-90-bfloat16", encoder.Id, StringComparison.Ordinal);
        var vectors = Encode(encoder, Texts);
        for (var i = 0; i < Texts.Length; i++)
        {
            var deviation = BartModel.Deviation(vectors[i], model.Mean(i));
            Assert.InRange(deviation, 1e-5, 0.05);
        }
    }

    /// <summary>Single precision has Core's name: its vectors are the same but for rounding, so silos with and without GPU may mix.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Id_InSinglePrecision_IsCores(string device)
    {
        using var encoder = Open(device, Repository.Golden("bart-tiny"), Short);
        using var core = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        Assert.Equal(core.Id, encoder.Id);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void ManyCalls_LeaveNoTensorBehind(string device)
    {
        var before = torch.Tensor.TotalCount;
        using (var encoder = Open(device, Repository.Golden("bart-tiny"), Short))
        {
            Encode(encoder, Texts);
            var live = torch.Tensor.TotalCount;
            for (var i = 0; i < 100; i++) Encode(encoder, Texts);
            Assert.Equal(live, torch.Tensor.TotalCount);
        }
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void WrongUse_IsNamedBeforeLibtorchSeesIt()
    {
        var weights = RandomBart.Weights(8, 2, 8, 1, positions: 10);
        using var network = new TorchBartNetwork(TorchDevices.Of("torch-cpu"), weights, WeightPrecision.Single);
        var problem = Assert.Throws<ArgumentException>(() => network.Embed([weights.Config.Vocabulary], [new BartText(0, 1, 1)], new float[8]));
        Assert.Contains("vocabulary", problem.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => network.Embed([1, 2], [new BartText(0, 1, 1)], new float[8]));
        Assert.Throws<ArgumentException>(() => network.Embed(new int[11], [new BartText(0, 11, 11)], new float[8]));
        Assert.Throws<ArgumentException>(() => network.Embed([1], [new BartText(0, 1, 1)], new float[7]));
        var refused = Assert.Throws<InvalidDataException>(
            () => Open("torch-cpu", Repository.Golden("bart-tiny"), Short with { WeightPrecision = WeightPrecision.Int8 }));
        Assert.Contains("Embedding.WeightPrecision", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Catalog_OpensBartOnLibtorch_AndRefusesEnginesThatDoNotRunIt()
    {
        var catalog = EngineCatalog.OfCore().AddTorch();
        using (var encoder = catalog.FindForBart("torch-cpu").OpenBart!(Repository.Golden("bart-tiny"), Short, BartTokenizer.Open)) Assert.Equal(16, encoder.Dimensions);
        Assert.Equal(TorchDevice.ProblemOfCuda() is null ? "cuda" : "cpu", catalog.FindForBart("auto").Name);
        var problem = Assert.Throws<EngineUnavailableException>(() => catalog.FindForBart("reference"));
        Assert.Equal("the engine 'reference' does not run BART; cpu, torch-cpu, cuda and auto do", problem.Message);
    }

    private static (int[] Ids, BartText[] Texts) Batch(BartWeights weights, int[] lengths)
    {
        var texts = new List<BartText>();
        foreach (var length in lengths) texts.Add(new BartText(texts.Sum(text => text.Rows), length, length));
        return ([.. lengths.SelectMany(length => RandomBart.Ids(length, weights.Config.Vocabulary))], [.. texts]);
    }

    private static BartEncoder Open(string device, string folder, EmbeddingOptions options) => TorchEngines.OpenBart(TorchDevices.Of(device), folder, options);

    private static float[][] Encode(BartEncoder encoder, params string[] texts)
    {
        var vectors = new float[texts.Length * encoder.Dimensions];
        encoder.Encode(texts, vectors);
        return [.. vectors.Chunk(encoder.Dimensions)];
    }
}
