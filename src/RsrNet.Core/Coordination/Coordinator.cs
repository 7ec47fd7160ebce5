using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Owns the weights, the optimiser's state and the version: the only place where weights change. In the residual mode the average that is served and
/// the regressions beside the network are part of a version, too. Used by one thread at a time.
/// </summary>
public sealed class Coordinator
{
    private readonly ResidualOptions? configured;
    private CoordinationOptions options;
    private readonly WeightAverage? average;

    /// <summary>Whether parameters that take part in no loss have moments and move on without a gradient: none of ours does, somebody else's may.</summary>
    private bool othersMove;

    /// <param name="weights">Taken over, not copied.</param>
    /// <param name="residual">For a network in the residual mode, which needs it; its learning rate counts.</param>
    /// <exception cref="ArgumentException">An option of the optimiser is out of range.</exception>
    public Coordinator(RecursionWeights weights, CoordinationOptions options, ResidualOptions? residual = null)
        : this(residual is null ? options : options with { LearningRate = residual.LearningRate }, weights)
    {
        if (weights.Shape.Mode == LearningMode.Residual != residual is not null)
            throw new ArgumentException("a network in the residual mode goes with residual options, and no other does", nameof(residual));
        Residual = configured = residual;
        if (residual is null) return;
        Regressions = new StreamRegressions(weights.Shape.D, residual);
        Regressions.Publish(weights);
        average = new WeightAverage(weights, residual.AverageDecay);
    }

    private Coordinator(CoordinationOptions options, RecursionWeights weights)
    {
        Require(options.LearningRate > 0, nameof(options.LearningRate), "above 0", options.LearningRate);
        Require(options.Beta1 is >= 0 and < 1, nameof(options.Beta1), "at least 0 and below 1", options.Beta1);
        Require(options.Beta2 is >= 0 and < 1, nameof(options.Beta2), "at least 0 and below 1", options.Beta2);
        Require(options.Epsilon > 0, nameof(options.Epsilon), "above 0", options.Epsilon);
        Require(options.ClipNorm > 0, nameof(options.ClipNorm), "above 0", options.ClipNorm);
        this.options = options;
        Weights = weights;
        Optimizer = new AdamState(weights.Layout.ParameterCount);
    }

    /// <summary>One that a replica steps weights of its own with, between two averagings: network, moments and the weights' decay, and nothing beside them.</summary>
    /// <param name="published">With moments.</param>
    internal static Coordinator OfReplica(PublishedWeights published, CoordinationOptions options)
    {
        var moments = published.Optimizer ?? throw new ArgumentException("weights without Adam's moments cannot be stepped from", nameof(published));
        return new Coordinator(options with { LearningRate = published.LearningRate }, published.Weights.Clone())
        {
            Optimizer = moments.Clone(), Version = published.Version, Residual = published.Residual,
        };
    }

    /// <summary>The current weights, in place: the next <see cref="Apply"/> changes them.</summary>
    public RecursionWeights Weights { get; }

    /// <summary>The weights that refine documents, in place: the average of the trained ones where there is one.</summary>
    public RecursionWeights Served => average?.Weights ?? Weights;

    /// <summary>What is learned beside the network; null in the notebook's mode.</summary>
    public StreamRegressions? Regressions { get; }

    /// <summary>Adam's step size.</summary>
    internal double LearningRate => options.LearningRate;

    /// <summary>How the residual mode learns now: as configured, or as the promoted challenger does. Null in the notebook's mode.</summary>
    public ResidualOptions? Residual { get; private set; }

    /// <summary>Adam's moments, in place.</summary>
    public AdamState Optimizer
    {
        get;
        private set
        {
            field = value;
            othersMove = Moves(value, Weights.Layout.LearnedCount);
        }
    }

    /// <summary>Updates so far.</summary>
    public long Version { get; private set; }

    /// <summary>Training loss of the update that made this version; null before the first.</summary>
    public float? Loss { get; private set; }

    /// <summary>Gradients, and what articles teach the regressions beside them, refused since the start because a number in them was not finite.</summary>
    public long RefusedGradients { get; private set; }

    /// <summary>
    /// Clips the gradient, steps Adam, and counts one version up. A gradient or loss that is not finite is refused: counted, and nothing
    /// else changes.
    /// </summary>
    /// <param name="gradient">[parameters], or those alone that take part in the loss; not clipped.</param>
    /// <param name="loss">The step's loss.</param>
    /// <param name="lessons">What the batch teaches the regressions; part of the same version.</param>
    /// <returns>The gradient's norm before clipping; NaN where it was refused.</returns>
    public double Apply(ReadOnlySpan<float> gradient, float loss, IReadOnlyList<Lesson>? lessons = null)
    {
        var norm = FusedAdam.Norm(gradient);
        if (!double.IsFinite(norm) || !float.IsFinite(loss))
        {
            RefusedGradients++;
            return double.NaN;
        }
        if (Residual is { WeightDecay: > 0 } residual) VectorMath.Scale(Weights.Parameters, (float)(1 - options.LearningRate * residual.WeightDecay));
        Step(gradient, GradientClip.Coefficient(norm, options.ClipNorm));
        average?.Add(Weights);
        Observe(lessons);
        Version++;
        Loss = loss;
        return norm;
    }

    /// <summary>
    /// Goes on from the mean of what replicas made of the current weights by themselves. Their moments are averaged as the weights are, so that the
    /// next averaging, or a checkpoint, goes on from one optimiser. Where a number is not finite, it is refused: counted, and nothing else changes.
    /// </summary>
    /// <param name="values">[3 * parameters]: parameters, Adam's means, Adam's variances.</param>
    /// <param name="updates">Supervision steps behind it; the version advances by as many.</param>
    /// <param name="lessons">What the batches teach the regressions; part of the same version.</param>
    /// <returns>Whether it was taken.</returns>
    public bool Average(ReadOnlySpan<float> values, int updates, float loss, IReadOnlyList<Lesson>? lessons = null)
    {
        var parameters = Weights.Layout.ParameterCount;
        if (values.Length != 3 * parameters)
            throw new ArgumentException($"an average has {3 * parameters} elements for this network, not {values.Length}", nameof(values));
        if (!double.IsFinite(GradientClip.Norm(values)) || !float.IsFinite(loss))
        {
            RefusedGradients++;
            return false;
        }
        values[..parameters].CopyTo(Weights.Parameters);
        values[parameters..(2 * parameters)].CopyTo(Optimizer.Mean);
        values[(2 * parameters)..].CopyTo(Optimizer.Variance);
        Optimizer.Step += updates;
        othersMove = Moves(Optimizer, Weights.Layout.LearnedCount);
        average?.Add(Weights, updates);
        Observe(lessons);
        Version += updates;
        Loss = loss;
        return true;
    }

    /// <inheritdoc cref="StreamRegressions.Forget"/>
    /// <remarks>With the reservoir and whatever else keeps the past, in the residual mode alone.</remarks>
    public void Forget(int articles) => Regressions?.Forget(articles);

    /// <summary>A copy of everything, to be written while learning goes on.</summary>
    public Checkpoint Snapshot(string? encoderId, string mode, DateTimeOffset at) =>
        new(Version, encoderId, mode, Weights.Clone(), Optimizer.Clone(), at, Loss)
        {
            Residual = average is null ? null : new ResidualState(average.Weights.Clone(), average.Updates, Regressions!.Tensors()) { Promoted = Residual == configured ? null : Residual },
        };

    /// <summary>Goes on from a checkpoint, with its version.</summary>
    /// <exception cref="WeightsRejectedException">Shapes or numbers do not fit; nothing changed.</exception>
    public void Restore(Checkpoint checkpoint) => TakeOver(checkpoint, checkpoint.Version);

    /// <summary>Goes on from other weights as the next version, so that no version number stands for two sets of weights.</summary>
    /// <exception cref="WeightsRejectedException">Shapes or numbers do not fit; nothing changed.</exception>
    /// <returns>The new version.</returns>
    public long Adopt(Checkpoint checkpoint)
    {
        TakeOver(checkpoint, Version + 1);
        return Version;
    }

    private void TakeOver(Checkpoint checkpoint, long version)
    {
        if (checkpoint.Weights.Shape.Mode != Weights.Shape.Mode)
        {
            throw new WeightsRejectedException(
                $"the weights were learned in the mode '{NameOf(checkpoint.Weights.Shape.Mode)}', and this learner's is '{NameOf(Weights.Shape.Mode)}': "
                + $"start with `--learning {NameOf(checkpoint.Weights.Shape.Mode)}` (Learning in the configuration), or use another data folder");
        }
        if (checkpoint.Weights.Shape != Weights.Shape)
            throw new WeightsRejectedException(
                $"weights of shape {checkpoint.Weights.Shape} do not fit a network of shape {Weights.Shape}");
        StateDict.Check(checkpoint.Weights);
        if (checkpoint.Optimizer is { } optimizer) StateDict.Check(optimizer, Weights.Layout.ParameterCount);
        if (checkpoint.Residual is { } state && Regressions is not null)
        {
            if (state.Served.Shape != Weights.Shape) throw new WeightsRejectedException($"the served weights have the shape {state.Served.Shape}, not {Weights.Shape}");
            StateDict.Check(state.Served);
            (state.Promoted ?? configured!).Check();
            Regressions.Restore(state.Regressions);
            average!.Restore(state.Served, state.Updates);
            Learn(state.Promoted ?? configured!);
        }
        else average?.Restore(checkpoint.Weights, 0);
        Weights.CopyFrom(checkpoint.Weights);
        // Of a bare state_dict the regressions are not known; those that are here go on, over its network.
        if (checkpoint.Residual is null && Regressions is not null) Publish();
        Optimizer = checkpoint.Optimizer?.Clone() ?? new AdamState(Weights.Layout.ParameterCount);
        Version = version;
        Loss = checkpoint.Loss;
    }

    /// <summary>Learns otherwise from now on. Sizes and depth stay.</summary>
    private void Learn(ResidualOptions otherwise)
    {
        if (otherwise == Residual) return;
        otherwise.Check();
        Residual = otherwise;
        options = options with { LearningRate = otherwise.LearningRate };
        average!.Decay = otherwise.AverageDecay;
        Regressions!.Options = otherwise;
    }

    /// <summary>Whether Adam moves parameters from one on where their gradient is zero.</summary>
    private static bool Moves(AdamState state, int from) =>
        state.Mean.AsSpan(from).ContainsAnyExcept(0f) || state.Variance.AsSpan(from).ContainsAnyExcept(0f);

    /// <summary>Adam's step; of the parameters in the loss alone where the others neither have a gradient nor move without one.</summary>
    private void Step(ReadOnlySpan<float> gradient, float coefficient)
    {
        var (learned, all) = (Weights.Layout.LearnedCount, Weights.Layout.ParameterCount);
        if (gradient.Length == learned && !othersMove)
        {
            FusedAdam.Step(Weights.Parameters, gradient, coefficient, Optimizer, options, [(0, learned)]);
            return;
        }
        if (gradient.Length < all)
        {
            var whole = new float[all];
            gradient.CopyTo(whole);
            gradient = whole;
        }
        othersMove |= gradient[learned..].ContainsAnyExcept(0f);
        FusedAdam.Step(Weights.Parameters, gradient, coefficient, Optimizer, options);
    }

    private void Observe(IReadOnlyList<Lesson>? lessons)
    {
        if (lessons is not { Count: > 0 } || Regressions is null) return;
        foreach (var lesson in lessons)
        {
            if (!Regressions.Observe(lesson)) RefusedGradients++;
        }
        Publish();
    }

    private void Publish()
    {
        Regressions!.Publish(Weights);
        Regressions.Publish(Served);
    }

#pragma warning disable CA1308 // the name as everybody sees it
    internal static string NameOf(LearningMode mode) => mode.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    private static void Require(bool holds, string name, string range, double value)
    {
        if (!holds) throw new ArgumentException($"Coordination.{name} must be {range}, not {value}");
    }
}
