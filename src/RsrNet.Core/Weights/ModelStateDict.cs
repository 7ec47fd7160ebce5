using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Weights;

/// <summary>What a text model's numbers stand for: without it a row of the table is no word, and an output no class.</summary>
/// <param name="Classes">Of a classifier, in the order of its outputs.</param>
public sealed record ModelSource(ModelOptions Options, VocabularyContent Vocabulary, IReadOnlyList<string> Classes);

/// <param name="Source">Null in a bare state_dict: it is for a model that has the vocabulary and the classes already.</param>
public sealed record ModelWeights(RecurrentNetwork Network, ModelSource? Source);

/// <summary>
/// A text model's network as tensors of a safetensors file, with the names and shapes of PyTorch's state_dict. Vocabulary and classes stand in the metadata,
/// which PyTorch passes over.
/// </summary>
public static class ModelStateDict
{
    private const string SourceKey = "rsrnet.model.source", HashKey = "rsrnet.sha256";

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    /// <exception cref="WeightsRejectedException">A number is not finite: such a file could not be read again.</exception>
    public static void Write(Stream stream, RecurrentNetwork network, ModelSource source)
    {
        var writer = new SafetensorsWriter { Metadata = { ["format"] = "pt", [SourceKey] = JsonSerializer.Serialize(source, Json) } };
        AddTo(writer, network);
        writer.Seal(HashKey);
        writer.WriteTo(stream);
    }

    /// <summary>Reads what <see cref="Write"/> wrote, a checkpoint of a model, or a bare state_dict.</summary>
    /// <param name="stream">Seekable; closed afterwards.</param>
    /// <param name="options">Of the model that it is for. Rows of the table and outputs follow from the tensors, all else must be as these say.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="WeightsRejectedException">
    /// A tensor is missing, unknown, of another type or shape, or holds numbers that are not finite; or it is another kind of model's.
    /// </exception>
    public static ModelWeights Read(Stream stream, ModelOptions options)
    {
        using var reader = new SafetensorsReader(stream);
        var source = ReadSource(reader);
        if (source is not null) Check(source.Options, options);
        var shape = TextModel.ShapeOf(options, RowsOf(reader.Header, "embedding.weight"), RowsOf(reader.Header, "fc.weight"));
        if (options.Kind == ModelKind.LanguageModel && shape.Outputs != shape.Vocabulary)
            throw new WeightsRejectedException($"a language model has an output for each row of its table, not {shape.Outputs} for {shape.Vocabulary}");
        if (source is not null && source.Classes.Count > shape.Outputs)
            throw new WeightsRejectedException($"the file names {source.Classes.Count} classes, and its network has {shape.Outputs} outputs");
        return new ModelWeights(Read(reader, shape, ModelCheckpointFile.OtherTensors), source);
    }

    internal static void AddTo(SafetensorsWriter writer, RecurrentNetwork network)
    {
        foreach (var parameter in network.Parameters.Parameters)
        {
            StateDict.CheckFinite(parameter.Name, parameter.Values);
            writer.Add(parameter.Name, ShapeOf(parameter), network.Parameters.Values.AsMemory(parameter.Offset, parameter.Length));
        }
    }

    /// <param name="others">Names that are known to be something else.</param>
    /// <exception cref="WeightsRejectedException">As above.</exception>
    internal static RecurrentNetwork Read(SafetensorsReader reader, RecurrentShape shape, IReadOnlyList<string> others)
    {
        var network = new RecurrentNetwork(shape);
        foreach (var entry in reader.Header.Entries)
        {
            if (network.Parameters.Find(entry.Name) is null && !others.Contains(entry.Name))
                throw new WeightsRejectedException(
                    $"tensor '{entry.Name}' is unknown: the network has {string.Join(", ", network.Parameters.Parameters.Select(parameter => parameter.Name))}");
        }
        foreach (var parameter in network.Parameters.Parameters)
        {
            var entry = reader.Header.Find(parameter.Name) ?? throw new WeightsRejectedException($"tensor '{parameter.Name}' is missing");
            if (!entry.Shape.SequenceEqual(ShapeOf(parameter)))
                throw new WeightsRejectedException($"tensor '{entry.Name}' has shape [{string.Join(", ", entry.Shape)}], not [{string.Join(", ", ShapeOf(parameter))}]");
            try
            {
                reader.ReadFloats(parameter.Name, parameter.Values);
            }
            catch (InvalidDataException problem)
            {
                throw new WeightsRejectedException(problem.Message);
            }
            StateDict.CheckFinite(parameter.Name, parameter.Values);
        }
        network.Parameters.OnChanged();
        return network;
    }

    private static ImmutableArray<long> ShapeOf(Parameter parameter) => parameter.Columns == 0 ? [parameter.Rows] : [parameter.Rows, parameter.Columns];

    private static int RowsOf(SafetensorsHeader header, string name)
    {
        var entry = header.Find(name) ?? throw new WeightsRejectedException($"tensor '{name}' is missing");
        return entry.Shape is [> 0 and < int.MaxValue, > 0]
            ? (int)entry.Shape[0]
            : throw new WeightsRejectedException($"tensor '{name}' has shape [{string.Join(", ", entry.Shape)}], not that of a matrix");
    }

    private static ModelSource? ReadSource(SafetensorsReader reader)
    {
        if (ModelCheckpointFile.FindSource(reader) is { } checkpoint) return checkpoint;
        if (!reader.Header.Metadata.TryGetValue(SourceKey, out var json)) return null;
        reader.CheckSeal(HashKey);
        try
        {
            return JsonSerializer.Deserialize<ModelSource>(json, Json) ?? throw new JsonException("null");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"the metadata's {SourceKey} is damaged: {problem.Message}", problem);
        }
    }

    /// <summary>What cannot be told from shapes: the same tensors mean something else in another cell.</summary>
    private static void Check(ModelOptions theirs, ModelOptions ours)
    {
        Same("kind", theirs.Kind, ours.Kind);
        Same("cell", theirs.Cell, ours.Cell);
        Same("vocabulary", theirs.Vocabulary, ours.Vocabulary);
        if (ours.Kind == ModelKind.Classifier) Same("summary", theirs.Summary, ours.Summary);

        static void Same<T>(string what, T theirs, T ours)
            where T : struct, Enum
        {
            if (!theirs.Equals(ours)) throw new WeightsRejectedException($"the weights are of a model whose {what} is {theirs}, and this one's is {ours}");
        }
    }
}
