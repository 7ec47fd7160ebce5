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
/// <param name="Learned">Fingerprints of what it was taught (<see cref="LearnedArticles"/>).</param>
/// <param name="Loss">Training loss of the update that made it; null before the first.</param>
public sealed record ModelCheckpoint(
    long Version, long Position, ModelOptions Options, VocabularyContent Vocabulary, IReadOnlyList<string> Classes, RecurrentNetwork Network,
    AdamState Optimizer, ModelScoreSnapshot Scores, IReadOnlyCollection<long> Learned, DateTimeOffset CreatedAt, float? Loss)
{
    /// <summary>The mode of its versions in lists: what kind of model it is.</summary>
    public static string ModeOf(ModelKind kind) => kind == ModelKind.Classifier ? "classifier" : "languageModel";

    /// <param name="bytes">Of its file.</param>
    public WeightSummary Summarize(long bytes) => new(Version, CreatedAt, Loss, null, ModeOf(Options.Kind), bytes, Current: false);
}

/// <summary>
/// A text model's checkpoint as a safetensors file: tensors with PyTorch's names, <c>adam.mean</c> and <c>adam.variance</c> over all of them, <c>learned</c>
/// with a number for each article it was taught, the rest as JSON in the metadata, sealed by a SHA-256.
/// </summary>
public static class ModelCheckpointFile
{
    private const int FormatVersion = 1;

    private const string FormatKey = "rsrnet.model.format", ContentKey = "rsrnet.model.content", HashKey = "rsrnet.sha256";
    private const string MeanName = "adam.mean", VarianceName = "adam.variance", LearnedName = "learned";

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>Tensors that are none of the network's.</summary>
    internal static IReadOnlyList<string> OtherTensors { get; } = [MeanName, VarianceName, LearnedName];

    /// <summary>What is no tensor.</summary>
    private sealed record Content(
        long Version, long Position, ModelOptions Options, VocabularyContent Vocabulary, IReadOnlyList<string> Classes, long AdamStep,
        ModelScoreSnapshot Scores, DateTimeOffset CreatedAt, int VocabularyRows, int Outputs, float? Loss = null);

    /// <exception cref="WeightsRejectedException">A number is not finite: such a file could not be read again.</exception>
    public static void Write(Stream stream, ModelCheckpoint checkpoint)
    {
        var (network, optimizer) = (checkpoint.Network, checkpoint.Optimizer);
        var writer = new SafetensorsWriter();
        writer.Metadata["format"] = "pt";
        writer.Metadata[FormatKey] = FormatVersion.ToString(CultureInfo.InvariantCulture);
        writer.Metadata[ContentKey] = JsonSerializer.Serialize(
            new Content(
                checkpoint.Version, checkpoint.Position, checkpoint.Options, checkpoint.Vocabulary, checkpoint.Classes, optimizer.Step, checkpoint.Scores,
                checkpoint.CreatedAt, network.Shape.Vocabulary, network.Shape.Outputs, checkpoint.Loss),
            Json);
        StateDict.Check(optimizer, network.Parameters.Values.Length);
        ModelStateDict.AddTo(writer, network);
        writer.Add(LearnedName, [checkpoint.Learned.Count], [.. checkpoint.Learned]);
        writer.Add(MeanName, [optimizer.Mean.Length], optimizer.Mean);
        writer.Add(VarianceName, [optimizer.Variance.Length], optimizer.Variance);
        writer.Seal(HashKey);
        writer.WriteTo(stream);
    }

    /// <returns>The file.</returns>
    /// <exception cref="WeightsRejectedException">A number is not finite: such a file could not be read again.</exception>
    public static byte[] Write(ModelCheckpoint checkpoint)
    {
        using var file = new MemoryStream();
        Write(file, checkpoint);
        return file.ToArray();
    }

    /// <exception cref="InvalidDataException">The file is damaged, or no text model's.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote it.</exception>
    public static ModelCheckpoint Read(string path) => Read(SafetensorsReader.Open(path), path);

    /// <param name="file">Seekable; closed afterwards.</param>
    /// <param name="name">For messages.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static ModelCheckpoint Read(Stream file, string name) => Read(new SafetensorsReader(file), name);

    private static ModelCheckpoint Read(SafetensorsReader opened, string name)
    {
        using var reader = opened;
        var content = FindContent(reader) ?? throw new InvalidDataException($"{name} is no checkpoint of a text model");
        reader.CheckSeal(HashKey);
        var network = ModelStateDict.Read(reader, TextModel.ShapeOf(content.Options, content.VocabularyRows, content.Outputs), OtherTensors);
        var optimizer = new AdamState(network.Parameters.Values.Length) { Step = content.AdamStep };
        reader.ReadFloats(MeanName, optimizer.Mean);
        reader.ReadFloats(VarianceName, optimizer.Variance);
        return new ModelCheckpoint(
            content.Version, content.Position, content.Options, content.Vocabulary, content.Classes, network, optimizer, content.Scores,
            reader.Header.Find(LearnedName) is null ? [] : reader.ReadLongs(LearnedName), content.CreatedAt, content.Loss);
    }

    /// <summary>Reads the header alone: quick, and blind to damage in the numbers.</summary>
    /// <exception cref="InvalidDataException">The header is damaged, or no text model's.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote it.</exception>
    internal static WeightSummary ReadSummary(string path)
    {
        using var reader = SafetensorsReader.Open(path);
        var content = FindContent(reader) ?? throw new InvalidDataException($"{path} is no checkpoint of a text model");
        return new WeightSummary(
            content.Version, content.CreatedAt, content.Loss, null, ModelCheckpoint.ModeOf(content.Options.Kind), new FileInfo(path).Length, Current: false);
    }

    /// <summary>Null where the file is no checkpoint of a text model.</summary>
    /// <inheritdoc cref="ReadSummary"/>
    internal static ModelSource? FindSource(SafetensorsReader reader)
    {
        if (FindContent(reader) is not { } content) return null;
        reader.CheckSeal(HashKey);
        return new ModelSource(content.Options, content.Vocabulary, content.Classes);
    }

    private static Content? FindContent(SafetensorsReader reader)
    {
        var metadata = reader.Header.Metadata;
        if (!metadata.TryGetValue(FormatKey, out var format) || !metadata.TryGetValue(ContentKey, out var json)) return null;
        if (!int.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw new InvalidDataException($"the metadata's {FormatKey} is no whole number from 0");
        if (number > FormatVersion)
            throw new NotSupportedException($"the checkpoint has format {number}, this program reads up to {FormatVersion}: use a newer one");
        try
        {
            return JsonSerializer.Deserialize<Content>(json, Json) ?? throw new JsonException("null");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"the metadata's {ContentKey} is damaged: {problem.Message}", problem);
        }
    }
}
