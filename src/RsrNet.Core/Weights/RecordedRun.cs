using RsrNet.Core.Coordination;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Weights;

/// <summary>
/// A run of the notebook's algorithm recorded in PyTorch: <c>init.*</c> and <c>final.*</c>, the state_dict before and after; for batch b
/// and supervision step s <c>x.b</c>, <c>t.b</c> [B, d], <c>loss.b.s</c>, <c>gradnorm.b.s</c> [1], <c>y.b.s</c> [B, d], <c>z.b.s</c> [B,
/// L], <c>q.b.s</c> [B]; <c>eval.y</c>, <c>eval.z</c>, <c>eval.q</c> of the last x from zero state with the final weights. Replayed with
/// any engine, it says how far the engine is from PyTorch. What a run leaves out of gradnorm, y, z, q, eval and fc_aux is not compared.
/// </summary>
/// <remarks>
/// The replay runs freely from <c>init</c>, and a free run parts for good where a ReLU is within rounding of its edge: PyTorch itself, with
/// its sums in another order, came out above the tolerance in 4 of 12 runs of the notebook's sizes with batch 8. An engine in double does
/// so less often than one in float. Batches of 2 cannot be compared at all: BatchNorm makes +1 and -1 of any two rows.
/// </remarks>
public sealed class RecordedRun
{
    private readonly RecursionWeights initial;
    private readonly RecursionWeights final;
    private readonly bool hasAux;
    private readonly List<RecordedBatch> batches;
    private readonly Dictionary<string, float[]> eval;

    private RecordedRun(SafetensorsReader reader)
    {
        initial = StateDict.Read(reader, "init.", auxRequired: false);
        final = StateDict.Read(reader, "final.", auxRequired: false);
        if (final.Shape != initial.Shape) throw new InvalidDataException($"final.* has shape {final.Shape}, init.* {initial.Shape}");
        hasAux = reader.Header.Find("init.fc_aux.weight") is not null && reader.Header.Find("final.fc_aux.weight") is not null;
        batches = [];
        while (reader.Header.Find($"x.{batches.Count}") is not null) batches.Add(RecordedBatch.Read(reader, batches.Count, Shape));
        if (batches.Count == 0) throw new InvalidDataException("tensor 'x.0' is missing: the run has no batch");
        eval = ReadEval(reader, Shape, batches[^1].Rows);
    }

    public RecursionShape Shape => initial.Shape;

    public int Batches => batches.Count;

    /// <summary>Supervision steps over all batches.</summary>
    public int Steps => batches.Sum(batch => batch.Steps.Count);

    /// <summary>Reads a whole run into memory.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or a tensor that a replay needs is missing or has another shape; the
    /// message names it.</exception>
    public static RecordedRun Read(string path)
    {
        using var reader = SafetensorsReader.Open(path);
        try
        {
            return new RecordedRun(reader);
        }
        catch (Exception exception) when (exception is InvalidDataException or WeightsRejectedException)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    /// <summary>Runs the same again and compares.</summary>
    /// <param name="createEngine">Makes the engine to be judged; it is disposed afterwards.</param>
    /// <param name="depth">n and T of the run; null for the notebook's. N, h and L are the run's own.</param>
    /// <param name="tolerance">Largest relative deviation for everything; null for 1e-4 on losses and 1e-3 on the rest.</param>
    public RecordedRunReport Replay(
        Func<RecursionShape, RecursionOptions, IRecursionEngine> createEngine, RecursionOptions? depth = null, double? tolerance = null)
    {
        var options = (depth ?? new RecursionOptions()) with { Hidden = Shape.H, Latent = Shape.L };
        using var engine = createEngine(Shape, options);
        var coordinator = new Coordinator(initial.Clone(), new CoordinationOptions());
        var deviations = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var recorded in batches)
        {
            var batch = recorded.Load(Shape);
            var everyStep = options with { SupervisionSteps = recorded.Steps.Count, StopConfidence = double.PositiveInfinity };
            var number = 0;
            foreach (var step in new Supervision(engine, coordinator, everyStep).Run(batch))
                recorded.Steps[number++].Compare(step, batch, deviations);
            // A gradient that is not finite ends the batch.
            for (; number < recorded.Steps.Count; number++) deviations["loss." + recorded.Steps[number].At] = double.PositiveInfinity;
        }
        CompareFinal(coordinator.Weights, deviations);
        Evaluate(engine, deviations);
        return new RecordedRunReport(Shape, Batches, Steps, deviations, tolerance);
    }

    /// <summary>
    /// A bias before a BatchNorm has no effect in training, so its gradient is zero; PyTorch's is the rounding of a sum that should be
    /// zero, and Adam makes steps of up to the learning rate of it. The running means follow the bias. These four are compared beyond that
    /// drift.
    /// </summary>
    private void CompareFinal(RecursionWeights weights, SortedDictionary<string, double> deviations)
    {
        var drift = new CoordinationOptions().LearningRate * Steps;
        foreach (var slot in weights.Layout.Parameters)
        {
            if (!hasAux && slot.Name.StartsWith("fc_aux.", StringComparison.Ordinal)) continue;
            var forgiven = slot.Name is "fc1.bias" or "fc2.bias" ? drift : 0;
            deviations["final." + slot.Name] = Deviation.Of(slot.Of(weights.Parameters), slot.Of(final.Parameters), forgiven);
        }
        foreach (var slot in weights.Layout.Statistics)
        {
            var forgiven = slot.Name.EndsWith("running_mean", StringComparison.Ordinal) ? drift : 0;
            deviations["final." + slot.Name] = Deviation.Of(slot.Of(weights.Statistics), slot.Of(final.Statistics), forgiven);
        }
    }

    /// <summary>
    /// With the recorded final weights, so that this judges the engine outside training alone: its own would bring the drift of <see
    /// cref="CompareFinal"/> along.
    /// </summary>
    private void Evaluate(IRecursionEngine engine, SortedDictionary<string, double> deviations)
    {
        if (eval.Count == 0) return;
        var batch = batches[^1].Load(Shape);
        engine.Load(final);
        engine.Refine(batch);
        if (eval.TryGetValue("eval.y", out var y)) deviations["eval.y"] = Deviation.Of(batch.Y, y);
        if (eval.TryGetValue("eval.z", out var z)) deviations["eval.z"] = Deviation.Of(batch.Z, z);
        if (eval.TryGetValue("eval.q", out var q)) deviations["eval.q"] = Deviation.Of(batch.Confidence, q);
    }

    private static Dictionary<string, float[]> ReadEval(SafetensorsReader reader, RecursionShape shape, int rows)
    {
        var eval = new Dictionary<string, float[]>();
        if (RecordedBatch.ReadOptional(reader, "eval.y", rows, shape.D) is { } y) eval["eval.y"] = y;
        if (RecordedBatch.ReadOptional(reader, "eval.z", rows, shape.L) is { } z) eval["eval.z"] = z;
        if (RecordedBatch.ReadOptional(reader, "eval.q", rows) is { } q) eval["eval.q"] = q;
        return eval;
    }
}
