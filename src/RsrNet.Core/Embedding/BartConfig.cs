using System.Text.Json;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Sizes of a BART encoder, from the config.json that Hugging Face ships. What would need other code is refused, not passed over.
/// </summary>
public sealed record BartConfig
{
    /// <summary>Rows before the first position in the table of positions: BART counts from 2, as fairseq's padding index made it.</summary>
    public const int PositionOffset = 2;

    /// <summary>Added to the variance in every layer normalisation.</summary>
    public const float Epsilon = 1e-5f;

    /// <summary>d, the width of a token's vector.</summary>
    public required int Width { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    /// <summary>f, the width between the two linear maps of a layer.</summary>
    public required int Hidden { get; init; }

    /// <summary>V, tokens of the vocabulary.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>P, the longest text in tokens.</summary>
    public required int Positions { get; init; }

    /// <summary>What token vectors are multiplied with: 1, or the root of the width.</summary>
    public required float Scale { get; init; }

    /// <summary>Width of one head.</summary>
    public int HeadWidth => Width / Heads;

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no configuration of a BART that this code computes; the message names the key.
    /// </exception>
    public static BartConfig Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path} is missing: a model folder has config.json, the weights and the tokenizer's files");
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return Parse(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidDataException)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    private static BartConfig Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw new InvalidDataException("it is not a JSON object");
        Accept(root, "model_type", "bart");
        Accept(root, "activation_function", "gelu");
        // Keys of early releases, for variants that came out as models of their own.
        Accept(root, "normalize_before", false);
        Accept(root, "normalize_embedding", true);
        Accept(root, "static_position_embeddings", false);
        Accept(root, "add_final_layer_norm", false);

        var width = Size(root, "d_model", 16_384);
        var config = new BartConfig
        {
            Width = width,
            Layers = Size(root, "encoder_layers", 1_000),
            Heads = Size(root, "encoder_attention_heads", 1_024),
            Hidden = Size(root, "encoder_ffn_dim", 65_536),
            Vocabulary = Size(root, "vocab_size", 10_000_000),
            Positions = Size(root, "max_position_embeddings", 1_000_000),
            Scale = root.TryGetProperty("scale_embedding", out var scaled) && scaled.ValueKind == JsonValueKind.True ? MathF.Sqrt(width) : 1,
        };
        if (width % config.Heads != 0)
            throw new InvalidDataException($"d_model {width} cannot be shared out among encoder_attention_heads {config.Heads}");
        return config;
    }

    private static int Size(JsonElement root, string key, int most)
    {
        if (!root.TryGetProperty(key, out var value))
            throw new InvalidDataException($"{key} is missing: this is not a configuration of BART");
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var size) && size >= 1 && size <= most) return size;
        throw new InvalidDataException($"{key} is {value}, not a whole number from 1 to {most}");
    }

    private static void Accept(JsonElement root, string key, string only)
    {
        if (root.TryGetProperty(key, out var value) && !(value.ValueKind == JsonValueKind.String && value.GetString() == only))
            throw new InvalidDataException($"{key} is {value}; only {only} is supported");
    }

    private static void Accept(JsonElement root, string key, bool only)
    {
        if (root.TryGetProperty(key, out var value) && value.ValueKind != (only ? JsonValueKind.True : JsonValueKind.False))
            throw new InvalidDataException($"{key} is {value}; only {(only ? "true" : "false")} is supported");
    }
}
