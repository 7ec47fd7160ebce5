using System.Text.Json.Nodes;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Embedding;

public sealed class BartEncoderTests
{
    private static readonly EmbeddingOptions Short = new() { TokenLimit = 90, Threads = 2 };

    private static readonly string[] Texts = File.ReadAllText(Repository.Golden("bart-tiny/texts.txt")).TrimEnd('\n').Split('\n');

    [Fact]
    public void Encode_TextsOfTheGoldenModel_GivesPyTorchsEmbeddings()
    {
        using var model = BartModel.Tiny();
        using var encoder = BartEncoder.Open(model.Folder, Short);
        var vectors = Encode(encoder, Texts);
        for (var i = 0; i < Texts.Length; i++) Assert.InRange(BartModel.Deviation(vectors[i], model.Mean(i)), 0, 1e-5);
    }

    [Fact]
    public void Encode_PaddedMean_GivesTheNotebooksEmbeddings()
    {
        using var model = BartModel.Tiny();
        using var encoder = BartEncoder.Open(model.Folder, Short with { PaddedMean = true });
        var vectors = Encode(encoder, Texts);
        for (var i = 0; i < Texts.Length; i++) Assert.InRange(BartModel.Deviation(vectors[i], model.Padded(i)), 0, 1e-5);
        Assert.True(BartModel.Deviation(model.Padded(1), model.Mean(1)) > 0.01, "the two means differ where a text is shorter than its batch");
    }

    [Fact]
    public void Encode_TextAlone_IsTheSameInABatch()
    {
        using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        // Enough for several groups of the network.
        var texts = Enumerable.Range(0, 90).Select(i => string.Concat(Enumerable.Repeat(Texts[i % Texts.Length] + " ", 1 + i % 3))).ToArray();
        var together = Encode(encoder, texts);
        for (var i = 0; i < texts.Length; i++) Assert.Equal(Encode(encoder, texts[i])[0], together[i]);
    }

    [Fact]
    public void Encode_EmptyText_IsTheMeanOverTheMarksAroundIt()
    {
        using var model = BartModel.Tiny();
        using var encoder = BartEncoder.Open(model.Folder, Short);
        Assert.Equal(2, encoder.CountTokens(""));
        Assert.Equal(Mean(model.Folder, [0, 2]), Encode(encoder, "")[0], (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void Encode_LongText_IsCutAtTheLimit()
    {
        using var model = BartModel.Tiny();
        using var encoder = BartEncoder.Open(model.Folder, Short with { TokenLimit = 20 });
        var ids = BartTokenizer.Open(model.Folder).Encode(Texts[0], 20);
        Assert.Equal(20, ids.Length);
        Assert.Equal(Mean(model.Folder, ids), Encode(encoder, Texts[0])[0], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(20, encoder.CountTokens(Texts[0]));
    }

    [Fact]
    public void Encode_WeightsOf8Bits_StaysNearSingle()
    {
        if (!Int8Weights.IsFast)
        {
            Assert.Contains("Single", Assert.Throws<InvalidDataException>(Int8).Message, StringComparison.Ordinal);
            return;
        }
        using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        using var int8 = Int8();
        var vectors = Encode(encoder, Texts);
        var near = Encode(int8, Texts);
        for (var i = 0; i < Texts.Length; i++) Assert.InRange(BartModel.Deviation(near[i], vectors[i]), 1e-6, 0.05);

        static BartEncoder Int8() => BartEncoder.Open(Repository.Golden("bart-tiny"), Short with { WeightPrecision = WeightPrecision.Int8 });
    }

    [Fact]
    public void Encode_ManyThreads_GiveTheSameVectors()
    {
        using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        var expected = Encode(encoder, Texts);
        Parallel.For(0, 50, i => Assert.Equal(expected[i % Texts.Length], Encode(encoder, Texts[i % Texts.Length])[0]));
    }

    [Fact]
    public void Id_SaysModelLimitAndMean_NotTheNumberOfThreads()
    {
        string Id(EmbeddingOptions options)
        {
            using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), options);
            return encoder.Id;
        }
        var id = Id(Short);
        Assert.Matches("^bart-16-[0-9a-f]{12}-90$", id);
        Assert.Equal(id, Id(Short with { Threads = 1 }));
        Assert.NotEqual(id, Id(Short with { TokenLimit = 91 }));
        Assert.NotEqual(id, Id(Short with { PaddedMean = true }));
        if (Int8Weights.IsFast) Assert.NotEqual(id, Id(Short with { WeightPrecision = WeightPrecision.Int8 }));
    }

    [Fact]
    public void Id_OneWeightChanged_IsAnother()
    {
        using var folder = Copy();
        var bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);
        using var changed = BartEncoder.Open(folder.Path, Short);
        using var original = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        Assert.NotEqual(original.Id, changed.Id);
    }

    [Fact]
    public void Encode_AfterDispose_Throws()
    {
        var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Encode(encoder, "a"));
    }

    [Fact]
    public void Encode_DestinationOfAnotherLength_Throws()
    {
        using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), Short);
        Assert.Throws<ArgumentException>(() => encoder.Encode(["a"], new float[15]));
    }

    [Theory]
    [InlineData("activation_function", "\"relu\"", "activation_function")]
    [InlineData("model_type", "\"bert\"", "model_type")]
    [InlineData("d_model", "20", "d_model|shape")]
    [InlineData("d_model", "-1", "d_model")]
    [InlineData("encoder_layers", "3", "layers.2")]
    [InlineData("encoder_attention_heads", "3", "encoder_attention_heads")]
    [InlineData("encoder_ffn_dim", "33", "fc1.weight")]
    [InlineData("vocab_size", "500", "embed_tokens|shared")]
    [InlineData("max_position_embeddings", "1000", "embed_positions")]
    [InlineData("normalize_before", "true", "normalize_before")]
    public void Open_ConfigurationOfAnotherModel_NamesKeyOrTensor(string key, string value, string named)
    {
        using var folder = Copy();
        var config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder.File("config.json"), config.ToJsonString());
        var message = Assert.Throws<InvalidDataException>(() => BartEncoder.Open(folder.Path, Short)).Message;
        Assert.Matches(named, message);
        Assert.StartsWith(folder.Path, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("vocab.json")]
    public void Open_FileMissing_NamesIt(string name)
    {
        using var folder = Copy();
        File.Delete(folder.File(name));
        Assert.Contains(name, Assert.Throws<FileNotFoundException>(() => BartEncoder.Open(folder.Path, Short)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WeightThatIsNotFinite_NamesTheTensor()
    {
        using var folder = Copy();
        var bytes = File.ReadAllBytes(folder.File("model.safetensors"));
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);
        Assert.Contains("tensor 'model.encoder", Assert.Throws<InvalidDataException>(() => BartEncoder.Open(folder.Path, Short)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_LimitAboveTheModels_IsTheModels()
    {
        using var encoder = BartEncoder.Open(Repository.Golden("bart-tiny"), new EmbeddingOptions { Threads = 1 });
        Assert.Equal(96, encoder.CountTokens(new string('q', 2_000)));
        Assert.Equal(16, Encode(encoder, new string('q', 2_000))[0].Length);
        Assert.EndsWith("-96", encoder.Id, StringComparison.Ordinal);
    }

    private static TemporaryFolder Copy()
    {
        var folder = new TemporaryFolder();
        foreach (var name in new[] { "config.json", "model.safetensors", "vocab.json", "merges.txt" })
            File.Copy(Repository.Golden("bart-tiny/" + name), folder.File(name));
        return folder;
    }

    private static float[] Mean(string folder, int[] ids)
    {
        var hidden = ReferenceBart.Encode(BartWeights.Read(folder), ids);
        return [.. Enumerable.Range(0, 16).Select(i => Enumerable.Range(0, ids.Length).Average(row => hidden[row * 16 + i]))];
    }

    private static float[][] Encode(BartEncoder encoder, params string[] texts)
    {
        var vectors = new float[texts.Length * encoder.Dimensions];
        encoder.Encode(texts, vectors);
        return [.. vectors.Chunk(encoder.Dimensions)];
    }
}
