using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>One batch of a recorded run. B = rows.</summary>
/// <param name="X">[B, d]</param>
/// <param name="T">[B, d]</param>
internal sealed record RecordedBatch(int Number, int Rows, float[] X, float[] T, List<RecordedStep> Steps)
{
    /// <summary>Batch b with as many supervision steps as it has losses.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public static RecordedBatch Read(SafetensorsReader reader, int number, RecursionShape shape)
    {
        var entry = reader.Header.Find($"x.{number}")!;
        if (entry.Shape is not [>= 2 and <= 1_000_000, var width] || width != shape.D)
            throw new InvalidDataException(
                $"tensor 'x.{number}' has shape [{string.Join(", ", entry.Shape)}], not [B, {shape.D}] with B of at least 2");
        var rows = (int)entry.Shape[0];
        var steps = new List<RecordedStep>();
        while (reader.Header.Find($"loss.{number}.{steps.Count}") is not null)
        {
            var at = $"{number}.{steps.Count}";
            steps.Add(new RecordedStep(
                at,
                ReadScalar(reader, "loss." + at)!.Value,
                ReadScalar(reader, "gradnorm." + at),
                ReadOptional(reader, "y." + at, rows, shape.D),
                ReadOptional(reader, "z." + at, rows, shape.L),
                ReadOptional(reader, "q." + at, rows)));
        }
        if (steps.Count == 0) throw new InvalidDataException($"tensor 'loss.{number}.0' is missing: the batch has no supervision step");
        return new RecordedBatch(number, rows, reader.ReadFloats(entry.Name), Require(reader, $"t.{number}", rows, shape.D), steps);
    }

    /// <summary>A batch to run, with zero state.</summary>
    public RecursionBatch Load(RecursionShape shape)
    {
        var batch = new RecursionBatch(shape, Rows);
        X.CopyTo(batch.X, 0);
        T.CopyTo(batch.T, 0);
        return batch;
    }

    /// <returns>Null where the run has no such tensor.</returns>
    /// <exception cref="InvalidDataException">It has another shape.</exception>
    public static float[]? ReadOptional(SafetensorsReader reader, string name, params ReadOnlySpan<long> shape)
    {
        if (reader.Header.Find(name) is not { } entry) return null;
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
            throw new InvalidDataException(
                $"tensor '{name}' has shape [{string.Join(", ", entry.Shape)}], not [{string.Join(", ", shape.ToArray())}]");
        return reader.ReadFloats(name);
    }

    private static float[] Require(SafetensorsReader reader, string name, params ReadOnlySpan<long> shape) =>
        ReadOptional(reader, name, shape) ?? throw new InvalidDataException($"tensor '{name}' is missing");

    /// <summary>One number, of shape [1] or [].</summary>
    private static float? ReadScalar(SafetensorsReader reader, string name)
    {
        if (reader.Header.Find(name) is not { } entry) return null;
        if (entry.Count != 1) throw new InvalidDataException($"tensor '{name}' has {entry.Count} numbers, not 1");
        return reader.ReadFloats(name)[0];
    }
}

/// <summary>What PyTorch had after one supervision step; null where it was not recorded.</summary>
/// <param name="At">b.s</param>
internal sealed record RecordedStep(string At, float Loss, float? GradientNorm, float[]? Y, float[]? Z, float[]? Q)
{
    public void Compare(SupervisionStep step, RecursionBatch batch, SortedDictionary<string, double> deviations)
    {
        deviations["loss." + At] = Deviation.Of([step.Loss], [Loss]);
        if (GradientNorm is { } norm) deviations["gradnorm." + At] = Deviation.Of([(float)step.GradientNorm], [norm]);
        if (Y is not null) deviations["y." + At] = Deviation.Of(batch.Y, Y);
        if (Z is not null) deviations["z." + At] = Deviation.Of(batch.Z, Z);
        if (Q is not null) deviations["q." + At] = Deviation.Of(batch.Confidence, Q);
    }
}
