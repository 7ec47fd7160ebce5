using System.Runtime.InteropServices;
using System.Security.Cryptography;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Embedding;

/// <summary>A layer normalisation's scale and shift, each [d].</summary>
internal sealed record BartNorm(float[] Scale, float[] Shift);

/// <summary>A linear map: weight [outputs, inputs], row-major, and bias [outputs].</summary>
internal sealed record BartLinear(float[] Weight, float[] Bias)
{
    public int Outputs => Bias.Length;

    public int Inputs => Weight.Length / Bias.Length;
}

/// <summary>One layer: attention (query, key, value, output), normalisation, two linear maps (d to f to d), normalisation.</summary>
internal sealed record BartLayer(
    BartLinear Query, BartLinear Key, BartLinear Value, BartLinear Output, BartNorm AttentionNorm, BartLinear In, BartLinear Out, BartNorm FinalNorm);

/// <summary>The weights of a BART encoder, as they lie in its file.</summary>
/// <param name="Tokens">[V, d].</param>
/// <param name="Positions">[P + 2, d].</param>
/// <param name="Hash">SHA-256 over all numbers as single precision, so that one model has one identity in every file format.</param>
internal sealed record BartWeights(
    BartConfig Config, float[] Tokens, float[] Positions, BartNorm EmbeddingNorm, IReadOnlyList<BartLayer> Layers, byte[] Hash)
{
    private const string Safetensors = "model.safetensors";
    private const string Pytorch = "pytorch_model.bin";

    /// <summary>Whether a folder holds a file of weights.</summary>
    public static bool AreIn(string folder) => File.Exists(Path.Combine(folder, Safetensors)) || File.Exists(Path.Combine(folder, Pytorch));

    /// <summary>Reads the encoder out of a model folder; a decoder that is there too is left alone.</summary>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, or a tensor is missing or has the wrong shape; the message names it.
    /// </exception>
    public static BartWeights Read(string folder)
    {
        var config = BartConfig.Read(Path.Combine(folder, "config.json"));
        var path = Path.Combine(folder, Safetensors);
        if (!File.Exists(path)) path = Path.Combine(folder, Pytorch);
        if (!File.Exists(path)) throw new FileNotFoundException($"{folder}: the weights are missing; it needs {Safetensors} or {Pytorch}");
        using ITensorFile file = path.EndsWith(Safetensors, StringComparison.Ordinal) ? SafetensorsReader.Open(path) : PytorchFile.Open(path);
        try
        {
            using var reading = new Reading(file);
            return reading.Read(config);
        }
        catch (InvalidDataException exception) when (!exception.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    private sealed class Reading(ITensorFile file) : IDisposable
    {
        /// <summary>What stands before the names: a whole model's, one saved without its head, an encoder's alone.</summary>
        private static readonly string[] Prefixes = ["model.encoder.", "encoder.", ""];

        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly string prefix = Prefixes.FirstOrDefault(prefix => file.FindShape(prefix + "embed_positions.weight") is not null)
            ?? throw new InvalidDataException("it has no encoder.embed_positions.weight: these are not the weights of BART");

        public BartWeights Read(BartConfig config)
        {
            int d = config.Width, f = config.Hidden;
            // The encoder's own table is the shared one, which some files hold under one of its names only.
            var tokens = new[] { prefix + "embed_tokens.weight", "model.shared.weight", "shared.weight" }
                .FirstOrDefault(name => file.FindShape(name) is not null)
                ?? throw new InvalidDataException($"tensor '{prefix}embed_tokens.weight' or 'model.shared.weight' is missing");
            var embedding = Tensor(tokens, config.Vocabulary, d);
            var positions = Tensor(prefix + "embed_positions.weight", config.Positions + BartConfig.PositionOffset, d);
            var norm = Norm("layernorm_embedding", d);
            var layers = Enumerable.Range(0, config.Layers).Select(index => Layer($"layers.{index}.", d, f)).ToArray();
            return new BartWeights(config, embedding, positions, norm, layers, hash.GetHashAndReset());
        }

        public void Dispose() => hash.Dispose();

        private BartLayer Layer(string name, int d, int f) => new(
            Linear(name + "self_attn.q_proj", d, d),
            Linear(name + "self_attn.k_proj", d, d),
            Linear(name + "self_attn.v_proj", d, d),
            Linear(name + "self_attn.out_proj", d, d),
            Norm(name + "self_attn_layer_norm", d),
            Linear(name + "fc1", f, d),
            Linear(name + "fc2", d, f),
            Norm(name + "final_layer_norm", d));

        private BartLinear Linear(string name, int outputs, int inputs) =>
            new(Tensor(prefix + name + ".weight", outputs, inputs), Tensor(prefix + name + ".bias", outputs));

        private BartNorm Norm(string name, int width) =>
            new(Tensor(prefix + name + ".weight", width), Tensor(prefix + name + ".bias", width));

        private float[] Tensor(string name, params ReadOnlySpan<long> shape)
        {
            var found = file.FindShape(name) ?? throw new InvalidDataException($"tensor '{name}' is missing");
            if (!shape.SequenceEqual([.. found]))
            {
                throw new InvalidDataException(
                    $"tensor '{name}': its shape is [{string.Join(", ", found)}], config.json asks for [{string.Join(", ", shape.ToArray())}]");
            }
            long count = 1;
            foreach (var size in shape) count *= size;
            if (count > Array.MaxLength) throw new InvalidDataException($"tensor '{name}': {count} numbers are too many for one array");
            var values = new float[count];
            file.ReadFloats(name, values);
            foreach (var value in values)
            {
                if (!float.IsFinite(value)) throw new InvalidDataException($"tensor '{name}': it holds a number that is not finite");
            }
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }
}
