using System.Text.Json;
using RsrNet.Core.Numerics;
using RsrNet.Core.Weights;

namespace RsrNet.Cli.Bench;

/// <summary>
/// A model folder of BART-base's size with random weights, for both sides to read. Its vocabulary is short, which no speed depends on: a
/// token for each byte and no merges, so that a text has as many tokens as bytes, and two around it.
/// </summary>
internal sealed class RandomBart : IDisposable
{
    public const int Width = 768, Hidden = 3072, Layers = 6, Heads = 12, Positions = 1024;

    private static readonly string[] Specials = ["<s>", "<pad>", "</s>", "<unk>"];

    private readonly DirectoryInfo folder = System.IO.Directory.CreateTempSubdirectory("rsrnet-bench-");

    public RandomBart()
    {
        var tokens = Specials.Concat(Enumerable.Range('!', 94).Select(code => ((char)code).ToString())).Append("<mask>").ToArray();
        File.WriteAllText(At("vocab.json"), JsonSerializer.Serialize(tokens.Index().ToDictionary(token => token.Item, token => token.Index)));
        File.WriteAllText(At("merges.txt"), "");
        File.WriteAllText(At("config.json"), JsonSerializer.Serialize(new
        {
            model_type = "bart",
            activation_function = "gelu",
            d_model = Width,
            encoder_layers = Layers,
            encoder_attention_heads = Heads,
            encoder_ffn_dim = Hidden,
            max_position_embeddings = Positions,
            vocab_size = tokens.Length,
        }));
        using var file = File.Create(WeightsPath);
        Weights(tokens.Length).WriteTo(file);
    }

    public string Directory => folder.FullName;

    public string WeightsPath => At("model.safetensors");

    public void Dispose() => folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(folder.FullName, name);

    private static SafetensorsWriter Weights(int vocabulary)
    {
        var file = new SafetensorsWriter();
        var random = new SplitMix64(1);
        void Add(string name, double bound, double mean, params long[] shape)
        {
            var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
            foreach (ref var value in values.AsSpan()) value = (float)(mean + random.NextUniform(bound));
            file.Add("model." + name, [.. shape], values);
        }
        void Norm(string name)
        {
            Add(name + ".weight", 0.2, 1, Width);
            Add(name + ".bias", 0.2, 0, Width);
        }
        void Linear(string name, long outputs, long inputs)
        {
            // Variance 1 / inputs: what goes in keeps its size.
            Add(name + ".weight", Math.Sqrt(3.0 / inputs), 0, outputs, inputs);
            Add(name + ".bias", 0.1, 0, outputs);
        }

        Add("shared.weight", 1, 0, vocabulary, Width);
        Add("encoder.embed_positions.weight", 1, 0, Positions + 2, Width);
        Norm("encoder.layernorm_embedding");
        for (var layer = 0; layer < Layers; layer++)
        {
            var name = $"encoder.layers.{layer}.";
            foreach (var part in (string[])["q_proj", "k_proj", "v_proj", "out_proj"]) Linear($"{name}self_attn.{part}", Width, Width);
            Norm(name + "self_attn_layer_norm");
            Linear(name + "fc1", Hidden, Width);
            Linear(name + "fc2", Width, Hidden);
            Norm(name + "final_layer_norm");
        }
        return file;
    }
}
