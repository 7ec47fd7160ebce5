using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Weights;

/// <summary>A version of a text model with all that learning needs to go on from it, and how far in the stream it has come: both or neither survive a crash.</summary>
/// <param name="Version">Updates so far.</param>
/// <param name="Position">Sequence of the last article that was learned from or passed over.</param>
/// <param name="Classes">Of a classifier.</param>
public sealed record ModelCheckpoint(
    long Version, long Position, ModelOptions Options, VocabularyContent Vocabulary, IReadOnlyList<string> Classes, RecurrentNetwork Network,
    AdamState Optimizer, ModelScoreSnapshot Scores, DateTimeOffset CreatedAt);

/// <summary>
/// A text model's checkpoint as a safetensors file: tensors with PyTorch's names, <c>adam.mean</c> and <c>adam.variance</c> over all of them, the rest as
/// JSON in the metadata, sealed by a SHA-256.
/// </summary>
public static class ModelCheckpointFile
{
    private const int FormatVersion = 1;

    private const string FormatKey = "rsrnet.model.format", ContentKey = "rsrnet.model.content", HashKey = "rsrnet.sha256";
    private const string MeanName = "adam.mean", VarianceName = "adam.variance";

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>What is no tensor.</summary>
    private sealed record Content(
        long Version, long Position, ModelOptions Options, VocabularyContent Vocabulary, IReadOnlyList<string> Classes, long AdamStep,
        ModelScoreSnapshot Scores, DateTimeOffset CreatedAt, int VocabularyRows, int Outputs);

    public static void Write(Stream stream, ModelCheckpoint checkpoint)
    {
        var (network, optimizer) = (checkpoint.Network, checkpoint.Optimizer);
        var writer = new SafetensorsWriter();
        writer.Metadata["format"] = "pt";
        writer.Metadata[FormatKey] = FormatVersion.ToString(CultureInfo.InvariantCulture);
        writer.Metadata[ContentKey] = JsonSerializer.Serialize(
            new Content(
                checkpoint.Version, checkpoint.Position, checkpoint.Options, checkpoint.Vocabulary, checkpoint.Classes, optimizer.Step, checkpoint.Scores,
                checkpoint.CreatedAt, network.Shape.Vocabulary, network.Shape.Outputs),
            Json);
        AddTensors(writer, network);
        writer.Add(MeanName, [optimizer.Mean.Length], optimizer.Mean);
        writer.Add(VarianceName, [optimizer.Variance.Length], optimizer.Variance);
        writer.Seal(HashKey);
        writer.WriteTo(stream);
    }

    /// <summary>The tensors alone, as PyTorch's state_dict.</summary>
    public static void WriteStateDict(Stream stream, RecurrentNetwork network)
    {
        var writer = new SafetensorsWriter { Metadata = { ["format"] = "pt" } };
        AddTensors(writer, network);
        writer.WriteTo(stream);
    }

    /// <exception cref="InvalidDataException">The file is damaged, or no text model's.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote it.</exception>
    public static ModelCheckpoint Read(string path)
    {
        using var reader = SafetensorsReader.Open(path);
        var metadata = reader.Header.Metadata;
        if (!metadata.TryGetValue(FormatKey, out var format) || !metadata.TryGetValue(ContentKey, out var json))
            throw new InvalidDataException($"{path} is no checkpoint of a text model");
        if (int.Parse(format, CultureInfo.InvariantCulture) > FormatVersion)
            throw new NotSupportedException($"{path} has format {format}, this program reads up to {FormatVersion}: use a newer one");
        reader.CheckSeal(HashKey);
        Content content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(json, Json) ?? throw new InvalidDataException($"{path}: the metadata is empty");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{path}: the metadata is damaged: {problem.Message}", problem);
        }
        var network = new RecurrentNetwork(TextModel.ShapeOf(content.Options, content.VocabularyRows, content.Outputs));
        foreach (var parameter in network.Parameters.Parameters) reader.ReadFloats(parameter.Name, parameter.Values);
        network.Parameters.OnChanged();
        var optimizer = new AdamState(network.Parameters.Values.Length) { Step = content.AdamStep };
        reader.ReadFloats(MeanName, optimizer.Mean);
        reader.ReadFloats(VarianceName, optimizer.Variance);
        return new ModelCheckpoint(
            content.Version, content.Position, content.Options, content.Vocabulary, content.Classes, network, optimizer, content.Scores, content.CreatedAt);
    }

    private static void AddTensors(SafetensorsWriter writer, RecurrentNetwork network)
    {
        foreach (var parameter in network.Parameters.Parameters)
        {
            writer.Add(
                parameter.Name, parameter.Columns == 0 ? [parameter.Rows] : [parameter.Rows, parameter.Columns],
                network.Parameters.Values.AsMemory(parameter.Offset, parameter.Length));
        }
    }
}
