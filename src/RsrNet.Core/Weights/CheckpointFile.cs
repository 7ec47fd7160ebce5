using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>
/// A checkpoint as a safetensors file: the state_dict's tensors, <c>adam.mean</c> and <c>adam.variance</c> over all parameters in <see
/// cref="ParameterLayout"/>'s order, and the rest in the metadata, sealed by a SHA-256. A bare state_dict is read as well.
/// </summary>
public static class CheckpointFile
{
    /// <summary>The newest format. A residual checkpoint has 2, which older readers could not read; the notebook's stays at 1.</summary>
    public const int FormatVersion = 2;

    private const string KeyPrefix = "rsrnet.";
    private const string FormatKey = "rsrnet.format";
    private const string VersionKey = "rsrnet.version";
    private const string EncoderKey = "rsrnet.encoder";
    private const string ModeKey = "rsrnet.mode";
    private const string CreatedKey = "rsrnet.created_at";
    private const string LossKey = "rsrnet.loss";
    private const string AdamStepKey = "rsrnet.adam_step";
    private const string AverageKey = "rsrnet.average_updates";
    private const string PinnedKey = "rsrnet.pinned";
    private const string PromotedKey = "rsrnet.promoted";
    private const string HashKey = "rsrnet.sha256";
    private const string ServedPrefix = "served.";
    private const string RegressionPrefix = "regression.";
    private const string MeanName = "adam.mean";
    private const string VarianceName = "adam.variance";

    /// <summary>The mode of a bare state_dict, which does not say how it was learned.</summary>
    public const string UnknownMode = "unknown";

    /// <exception cref="WeightsRejectedException">A number is not finite: such a file could not be read again.</exception>
    public static void Write(Stream stream, Checkpoint checkpoint)
    {
        var (weights, optimizer) = (checkpoint.Weights, checkpoint.Optimizer);
        StateDict.Check(weights);
        var writer = new SafetensorsWriter();
        writer.Metadata["format"] = "pt";
        writer.Metadata[FormatKey] = checkpoint.Residual is null ? "1" : "2";
        writer.Metadata[VersionKey] = checkpoint.Version.ToString(CultureInfo.InvariantCulture);
        writer.Metadata[ModeKey] = checkpoint.Mode;
        writer.Metadata[CreatedKey] = checkpoint.CreatedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
        if (checkpoint.EncoderId is { } encoder) writer.Metadata[EncoderKey] = encoder;
        if (checkpoint.Loss is { } loss) writer.Metadata[LossKey] = loss.ToString("R", CultureInfo.InvariantCulture);
        if (checkpoint.Pinned) writer.Metadata[PinnedKey] = "true";
        StateDict.AddTo(writer, weights);
        if (optimizer is not null)
        {
            StateDict.Check(optimizer, weights.Layout.ParameterCount);
            writer.Metadata[AdamStepKey] = optimizer.Step.ToString(CultureInfo.InvariantCulture);
            writer.Add(MeanName, [optimizer.Mean.Length], optimizer.Mean);
            writer.Add(VarianceName, [optimizer.Variance.Length], optimizer.Variance);
        }
        if (checkpoint.Residual is { } residual) Add(writer, residual);
        writer.Seal(HashKey);
        writer.WriteTo(stream);
    }

    /// <inheritdoc cref="Read(Stream)"/>
    public static Checkpoint Read(string path)
    {
        using var reader = SafetensorsReader.Open(path);
        return Read(reader);
    }

    /// <summary>
    /// Reads a checkpoint, or a bare state_dict: that one has version 0, no encoder, no optimiser, and was created at the Unix epoch.
    /// </summary>
    /// <param name="stream">Seekable; closed afterwards.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="WeightsRejectedException">The file is whole, but its tensors are not this network's.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote it.</exception>
    public static Checkpoint Read(Stream stream)
    {
        using (stream)
        {
            return Read(new SafetensorsReader(stream));
        }
    }

    /// <summary>Reads the header alone: quick, and blind to damage in the numbers.</summary>
    /// <exception cref="InvalidDataException">The header is damaged, or the file is cut off.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote it.</exception>
    internal static WeightSummary ReadSummary(string path)
    {
        using var reader = SafetensorsReader.Open(path);
        var stamp = Stamp.Read(reader.Header.Metadata);
        return new WeightSummary(
            stamp.Version, stamp.CreatedAt, stamp.Loss, stamp.EncoderId, stamp.Mode, new FileInfo(path).Length, Current: false)
        {
            Pinned = reader.Header.Metadata.ContainsKey(PinnedKey),
        };
    }

    private static Checkpoint Read(SafetensorsReader reader)
    {
        var metadata = reader.Header.Metadata;
        var stamp = Stamp.Read(metadata);
        if (metadata.ContainsKey(FormatKey)) CheckHash(reader);
        var weights = StateDict.Read(
            reader, others: [MeanName, VarianceName, .. reader.Header.Entries.Select(entry => entry.Name).Where(IsResidual)]);
        var optimizer = ReadOptimizer(reader, weights.Layout.ParameterCount);
        return new Checkpoint(stamp.Version, stamp.EncoderId, stamp.Mode, weights, optimizer, stamp.CreatedAt, stamp.Loss)
        {
            Residual = metadata.ContainsKey(AverageKey) ? ReadResidual(reader) : null,
            Pinned = metadata.ContainsKey(PinnedKey),
        };
    }

    private static bool IsResidual(string name) =>
        name.StartsWith(ServedPrefix, StringComparison.Ordinal) || name.StartsWith(RegressionPrefix, StringComparison.Ordinal);

    private static void Add(SafetensorsWriter writer, ResidualState residual)
    {
        StateDict.Check(residual.Served);
        writer.Metadata[AverageKey] = residual.Updates.ToString(CultureInfo.InvariantCulture);
        if (residual.Promoted is { } promoted) writer.Metadata[PromotedKey] = JsonSerializer.Serialize(promoted);
        StateDict.AddTo(writer, residual.Served, ServedPrefix);
        foreach (var (name, values) in residual.Regressions)
        {
            if (Array.Exists(values, value => !double.IsFinite(value)))
                throw new WeightsRejectedException($"the regressions' tensor '{name}' holds a number that is not finite");
            writer.Add(RegressionPrefix + name, [values.Length], values);
        }
    }

    private static ResidualState ReadResidual(SafetensorsReader reader) => new(
        StateDict.Read(reader, ServedPrefix),
        Stamp.Number(reader.Header.Metadata, AverageKey),
        reader.Header.Entries.Where(entry => entry.Name.StartsWith(RegressionPrefix, StringComparison.Ordinal)).ToDictionary(
            entry => entry.Name[RegressionPrefix.Length..], entry => reader.ReadDoubles(entry.Name), StringComparer.Ordinal))
    {
        Promoted = reader.Header.Metadata.TryGetValue(PromotedKey, out var promoted) ? ReadPromoted(promoted) : null,
    };

    private static ResidualOptions ReadPromoted(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<ResidualOptions>(json) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"the metadata's {PromotedKey} holds no options: {exception.Message}");
        }
    }

    private static AdamState? ReadOptimizer(SafetensorsReader reader, int parameters)
    {
        if (reader.Header.Find(MeanName) is null && reader.Header.Find(VarianceName) is null) return null;
        var state = new AdamState(parameters) { Step = Stamp.Number(reader.Header.Metadata, AdamStepKey) };
        reader.ReadFloats(MeanName, state.Mean);
        reader.ReadFloats(VarianceName, state.Variance);
        StateDict.Check(state, parameters);
        return state;
    }

    private static void CheckHash(SafetensorsReader reader)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        reader.Header.AppendTo(hash, HashKey);
        reader.AppendTo(hash);
        if (reader.Header.Metadata.GetValueOrDefault(HashKey) != Convert.ToHexStringLower(hash.GetHashAndReset()))
            throw new InvalidDataException("the content does not match its SHA-256: the file is damaged");
    }

    /// <summary>What the metadata says of a checkpoint.</summary>
    private readonly record struct Stamp(long Version, string? EncoderId, string Mode, DateTimeOffset CreatedAt, float? Loss)
    {
        public static Stamp Read(IReadOnlyDictionary<string, string> metadata)
        {
            // A key of ours without the format is a checkpoint whose header was hit, not a state_dict.
            if (!metadata.Keys.Any(key => key.StartsWith(KeyPrefix, StringComparison.Ordinal)))
                return new Stamp(0, null, UnknownMode, DateTimeOffset.UnixEpoch, null);
            var format = Number(metadata, FormatKey);
            if (format > FormatVersion)
                throw new NotSupportedException(
                    $"the checkpoint has format {format}, this program reads up to {FormatVersion}: use a newer one");
            var culture = CultureInfo.InvariantCulture;
            if (!DateTimeOffset.TryParseExact(Text(metadata, CreatedKey), "O", culture, DateTimeStyles.None, out var created))
                throw new InvalidDataException($"the metadata's {CreatedKey} is no point in time");
            float? loss = null;
            if (metadata.TryGetValue(LossKey, out var text))
            {
                if (!float.TryParse(text, NumberStyles.Float, culture, out var value))
                    throw new InvalidDataException($"the metadata's {LossKey} is no number");
                loss = value;
            }
            return new Stamp(Number(metadata, VersionKey), metadata.GetValueOrDefault(EncoderKey), Text(metadata, ModeKey), created, loss);
        }

        public static long Number(IReadOnlyDictionary<string, string> metadata, string key) =>
            long.TryParse(Text(metadata, key), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new InvalidDataException($"the metadata's {key} is no whole number from 0");

        private static string Text(IReadOnlyDictionary<string, string> metadata, string key) =>
            metadata.GetValueOrDefault(key) ?? throw new InvalidDataException($"the metadata has no {key}");
    }
}
