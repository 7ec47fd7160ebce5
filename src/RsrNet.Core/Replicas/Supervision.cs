using RsrNet.Core.Coordination;

namespace RsrNet.Core.Replicas;

/// <summary>The notebook's loop over one batch: deep recursion, loss, gradient, clip, Adam; y and z are carried to the next step.</summary>
/// <param name="engine">Computes the gradient; gets the coordinator's weights before the first step and after each.</param>
/// <param name="coordinator">Owns the weights.</param>
/// <param name="options">How many steps, and when to stop early.</param>
public sealed class Supervision(IRecursionEngine engine, Coordinator coordinator, RecursionOptions options)
{
    private readonly float[] gradient = new float[coordinator.Weights.Layout.LearnedCount];

    /// <summary>
    /// Up to N supervision steps, one each time the sequence is advanced; between two, the batch holds the state after the step before.
    /// Ends early where the batch's mean confidence is above the limit, and after a step whose gradient was refused: its batch holds
    /// something that is no number.
    /// </summary>
    /// <param name="batch">At least two rows (one in the residual mode), with T; Y and Z hold the state to begin with: zeros or stored ones.</param>
    /// <param name="lessons">What the batch teaches the regressions beside the network; taken with the first step.</param>
    public IEnumerable<SupervisionStep> Run(RecursionBatch batch, IReadOnlyList<Lesson>? lessons = null)
    {
        engine.Share(coordinator.Weights);
        for (var number = 0; number < options.SupervisionSteps; number++)
        {
            var step = Step(batch, number == 0 ? lessons : null);
            yield return step;
            if (!step.Applied || step.Confidence > options.StopConfidence) yield break;
        }
    }

    private SupervisionStep Step(RecursionBatch batch, IReadOnlyList<Lesson>? lessons)
    {
        var loss = engine.Train(batch, gradient);
        var norm = coordinator.Apply(gradient, loss, lessons);
        var applied = !double.IsNaN(norm);
        if (applied) engine.ReadStatistics(coordinator.Weights);
        engine.Share(coordinator.Weights); // after a refusal this takes the running statistics back, too
        double confidence = 0;
        for (var row = 0; row < batch.Rows; row++) confidence += batch.Confidence[row] / batch.Rows;
        return new SupervisionStep(coordinator.Version, loss, norm, confidence, applied);
    }
}

/// <param name="Version">The weight version after the step.</param>
/// <param name="Loss">Mean over the batch, with the weights from before the step.</param>
/// <param name="GradientNorm">Before clipping; NaN where the gradient was refused.</param>
/// <param name="Confidence">Mean q of the batch, in [0, 1].</param>
/// <param name="Applied">Whether the weights changed; false where the gradient was not finite.</param>
public readonly record struct SupervisionStep(long Version, float Loss, double GradientNorm, double Confidence, bool Applied);
