using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>
/// The network's weights as tensors of a safetensors file, with the names and shapes of PyTorch's state_dict: what
/// <c>torch.load_state_dict</c> takes and <c>model.state_dict()</c> gives. Which mode's network it is follows from the names.
/// </summary>
public static class StateDict
{
    private static readonly string[] Counters = ["bn1.num_batches_tracked", "bn2.num_batches_tracked"];

    /// <summary>Writes a safetensors file that holds the state_dict and nothing else.</summary>
    public static void Write(Stream stream, RecursionWeights weights)
    {
        var writer = new SafetensorsWriter { Metadata = { ["format"] = "pt" } };
        AddTo(writer, weights);
        writer.WriteTo(stream);
    }

    /// <param name="prefix">Put before each name.</param>
    public static void AddTo(SafetensorsWriter writer, RecursionWeights weights, string prefix = "")
    {
        foreach (var slot in weights.Layout.Parameters)
            writer.Add(prefix + slot.Name, slot.Shape, weights.Parameters.AsMemory(slot.Offset, slot.Length));
        foreach (var slot in weights.Layout.Statistics)
            writer.Add(prefix + slot.Name, slot.Shape, weights.Statistics.AsMemory(slot.Offset, slot.Length));
        if (weights.Shape.Mode != LearningMode.Notebook) return; // no BatchNorm, nothing to count
        foreach (var counter in Counters) writer.Add(prefix + counter, [], new[] { weights.BatchesTracked });
    }

    /// <summary>Reads the tensors whose names begin with the prefix; d, h and L follow from their shapes.</summary>
    /// <param name="prefix">Taken off each name; empty for the whole file.</param>
    /// <param name="others">Names under the prefix that are known to be something else.</param>
    /// <param name="auxRequired">Whether fc_aux must be there; where it need not and is not, it is zero.</param>
    /// <exception cref="WeightsRejectedException">A tensor is missing, unknown, of another type or shape, or holds numbers that are not
    /// finite.</exception>
    public static RecursionWeights Read(
        SafetensorsReader reader, string prefix = "", IReadOnlyList<string>? others = null, bool auxRequired = true)
    {
        var header = reader.Header;
        var shape = FindShape(header, prefix);
        var layout = ParameterLayout.Of(shape);
        ParameterSlot[] slots = [.. layout.Parameters, .. layout.Statistics];
        foreach (var entry in header.Entries)
        {
            if (!entry.Name.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var name = entry.Name[prefix.Length..];
            if (!slots.Any(slot => slot.Name == name) && !Counters.Contains(name) && others?.Contains(name) != true)
                throw new WeightsRejectedException(
                    $"tensor '{entry.Name}' is unknown: the network has {string.Join(", ", slots.Select(slot => slot.Name))}");
        }
        foreach (var slot in slots)
        {
            var entry = header.Find(prefix + slot.Name);
            if (entry is null && (auxRequired || !slot.Name.StartsWith("fc_aux.", StringComparison.Ordinal)))
                throw new WeightsRejectedException($"tensor '{prefix}{slot.Name}' is missing");
            if (entry is not null && !entry.Shape.SequenceEqual(slot.Shape))
            {
                throw new WeightsRejectedException(
                    $"tensor '{entry.Name}' has shape [{string.Join(", ", entry.Shape)}], not [{string.Join(", ", slot.Shape)}]" +
                    $" (d = {shape.D}, h = {shape.H}, L = {shape.L})");
            }
        }
        var weights = new RecursionWeights(shape);
        foreach (var slot in layout.Parameters) ReadTensor(reader, prefix, slot, weights.Parameters);
        foreach (var slot in layout.Statistics) ReadTensor(reader, prefix, slot, weights.Statistics);
        weights.BatchesTracked = ReadCounter(reader, prefix);
        Check(weights, prefix);
        return weights;
    }

    /// <summary>Reads a safetensors file that holds a state_dict and nothing else.</summary>
    /// <param name="stream">Seekable; closed afterwards.</param>
    /// <exception cref="WeightsRejectedException">The file is damaged, or a tensor does not fit.</exception>
    public static RecursionWeights Read(Stream stream)
    {
        try
        {
            using (stream) return Read(new SafetensorsReader(stream));
        }
        catch (InvalidDataException exception)
        {
            throw new WeightsRejectedException(exception.Message);
        }
    }

    /// <exception cref="WeightsRejectedException">A number is not finite, or a running variance is negative; the message names the
    /// tensor.</exception>
    public static void Check(RecursionWeights weights, string prefix = "")
    {
        foreach (var slot in weights.Layout.Parameters) CheckFinite(prefix + slot.Name, slot.Of(weights.Parameters));
        foreach (var slot in weights.Layout.Statistics)
        {
            CheckFinite(prefix + slot.Name, slot.Of(weights.Statistics));
            if (slot.Name.EndsWith("running_var", StringComparison.Ordinal))
                CheckNotNegative(prefix + slot.Name, slot.Of(weights.Statistics));
        }
    }

    /// <exception cref="WeightsRejectedException">A moment does not have one number per parameter, a number is not finite, or a variance is
    /// negative.</exception>
    public static void Check(AdamState state, int parameters)
    {
        if (state.Mean.Length != parameters)
            throw new WeightsRejectedException(
                $"the optimiser's state has {state.Mean.Length} numbers, the network {parameters} parameters");
        CheckFinite("adam.mean", state.Mean);
        CheckFinite("adam.variance", state.Variance);
        CheckNotNegative("adam.variance", state.Variance);
        if (state.Step < 0) throw new WeightsRejectedException($"the optimiser's step {state.Step} is negative");
    }

    /// <summary>h from fc2 [h, h], L from fc_latent [L, h], d from fc_out [d, h]; in the residual mode h from fc1 and d from the mean of x. Everything is
    /// checked against them afterwards.</summary>
    private static RecursionShape FindShape(SafetensorsHeader header, string prefix)
    {
        long Rows(string name)
        {
            var entry = header.Find(prefix + name) ?? throw new WeightsRejectedException($"tensor '{prefix}{name}' is missing");
            if (entry.Shape is not [> 0 and < int.MaxValue, > 0])
                throw new WeightsRejectedException(
                    $"tensor '{entry.Name}' has shape [{string.Join(", ", entry.Shape)}], not that of a matrix");
            return entry.Shape[0];
        }
        if (header.Find(prefix + "fc_weight.weight") is not null)
        {
            var mean = header.Find(prefix + "mean.x") ?? throw new WeightsRejectedException($"tensor '{prefix}mean.x' is missing");
            if (mean.Shape is not [> 0 and < 1 << 24]) throw new WeightsRejectedException($"tensor '{mean.Name}' has shape [{string.Join(", ", mean.Shape)}], not that of a vector");
            return new RecursionShape((int)mean.Shape[0], (int)Rows("fc1.weight"), (int)Rows("fc_latent.weight")) { Mode = LearningMode.Residual };
        }
        var (d, h, l) = (Rows("fc_out.weight"), Rows("fc2.weight"), Rows("fc_latent.weight"));
        Int128 parameters = (Int128)h * (2 * d + l + 5 + h + l + 2 * d) + l + 2 * d;
        if (parameters > Array.MaxLength)
            throw new WeightsRejectedException(
                $"a network with d = {d}, h = {h}, L = {l} has {parameters} parameters; at most {Array.MaxLength} fit");
        return new RecursionShape((int)d, (int)h, (int)l);
    }

    private static void ReadTensor(SafetensorsReader reader, string prefix, ParameterSlot slot, float[] buffer)
    {
        if (reader.Header.Find(prefix + slot.Name) is null) return; // fc_aux, where it is not required
        try
        {
            reader.ReadFloats(prefix + slot.Name, slot.Of(buffer));
        }
        catch (InvalidDataException exception)
        {
            throw new WeightsRejectedException(exception.Message);
        }
    }

    /// <summary>PyTorch counts for each layer; both layers see every batch, so one number is enough. 0 where it is left out.</summary>
    private static long ReadCounter(SafetensorsReader reader, string prefix)
    {
        long tracked = 0;
        foreach (var counter in Counters)
        {
            if (reader.Header.Find(prefix + counter) is not { } entry) continue;
            if (entry.Count != 1) throw new WeightsRejectedException($"tensor '{entry.Name}' has {entry.Count} numbers, not 1");
            double value;
            try
            {
                value = entry.Dtype == "I64" ? reader.ReadLongs(entry.Name)[0] : reader.ReadFloats(entry.Name)[0];
            }
            catch (InvalidDataException exception)
            {
                throw new WeightsRejectedException(exception.Message);
            }
            if (!(value is >= 0 and < long.MaxValue)) throw new WeightsRejectedException($"tensor '{entry.Name}' is {value}, not a count");
            tracked = Math.Max(tracked, (long)value);
        }
        return tracked;
    }

    /// <exception cref="WeightsRejectedException">A number is not finite.</exception>
    internal static void CheckFinite(string name, ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                throw new WeightsRejectedException($"tensor '{name}' holds {values[i]} at index {i}: every number must be finite");
        }
    }

    private static void CheckNotNegative(string name, ReadOnlySpan<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] < 0)
                throw new WeightsRejectedException($"tensor '{name}' holds {values[i]} at index {i}: a variance is not negative");
        }
    }
}
