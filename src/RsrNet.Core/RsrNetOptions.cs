using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core;

/// <summary>All settings of a learner, a section for each stage. Unknown keys in a configuration file are errors.</summary>
public sealed record RsrNetOptions
{
    /// <summary>
    /// How the server learns. Default Residual, which beats its baselines on articles it has not seen; Notebook is the recipe of the notebook this project
    /// comes from, exactly.
    /// </summary>
    public LearningMode Learning { get; init; } = LearningMode.Residual;

    public ArticleLimits Articles { get; init; } = new();

    public EmbeddingOptions Embedding { get; init; } = new();

    public DocumentOptions Documents { get; init; } = new();

    /// <summary>The notebook's network; <see cref="Residual"/> is the residual mode's.</summary>
    public RecursionOptions Replicas { get; init; } = new();

    public ResidualOptions Residual { get; init; } = new();

    public CoordinationOptions Coordination { get; init; } = new();

    public DriftOptions Drift { get; init; } = new();

    public WeightOptions Weights { get; init; } = new();

    /// <summary>Sizes and depth in the mode that is set.</summary>
    internal RecursionOptions Recursion => Learning == LearningMode.Residual ? Residual.Recursion : Replicas;

    /// <summary>
    /// What is out of its range, each naming the option and the range; empty where all is well. The ranges are those the options'
    /// docstrings state.
    /// </summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();

        AtLeast("Articles.IdLength", Articles.IdLength, 32);
        AtLeast("Articles.TitleLength", Articles.TitleLength, 1);
        AtLeast("Articles.TextLength", Articles.TextLength, 1);
        AtLeast("Articles.Highlights", Articles.Highlights, 0);
        AtLeast("Articles.Labels", Articles.Labels, 0);
        AtLeast("Articles.BodyBytes", Articles.BodyBytes, 1024);
        AtLeast("Articles.BatchLines", Articles.BatchLines, 1);
        AtLeast("Articles.Backlog", Articles.Backlog, 1);

        AtLeast("Embedding.TokenLimit", Embedding.TokenLimit, 2, 1024);
        AtLeast("Embedding.Threads", Embedding.Threads, 0, 1024);
        AtLeast("Embedding.CacheTexts", Embedding.CacheTexts, 0);

        Between("Documents.Tolerance", Documents.Tolerance, 0, 1);
        AtLeast("Documents.MaxSteps", Documents.MaxSteps, 1);
        AtLeast("Documents.TrajectoryLimit", Documents.TrajectoryLimit, 4);
        AtLeast("Documents.RefineBatch", Documents.RefineBatch, 1, 4096);
        AtLeast("Documents.RefreshLag", Documents.RefreshLag, 0);
        AtLeast("Documents.RefreshSettleSeconds", Documents.RefreshSettleSeconds, 0);

        AtLeast("Replicas.Hidden", Replicas.Hidden, 1);
        AtLeast("Replicas.Latent", Replicas.Latent, 1);
        AtLeast("Replicas.Calls", Replicas.Calls, 1);
        AtLeast("Replicas.LatentRecursions", Replicas.LatentRecursions, 1);
        AtLeast("Replicas.SupervisionSteps", Replicas.SupervisionSteps, 1);
        AtLeast("Replicas.StopConfidence", Replicas.StopConfidence, 0);

        AtLeast("Residual.Hidden", Residual.Hidden, 1);
        AtLeast("Residual.Latent", Residual.Latent, 1);
        AtLeast("Residual.Calls", Residual.Calls, 1);
        AtLeast("Residual.LatentRecursions", Residual.LatentRecursions, 1);
        AtLeast("Residual.SupervisionSteps", Residual.SupervisionSteps, 1);
        Between("Residual.LearningRate", Residual.LearningRate, 0, double.PositiveInfinity);
        AtLeast("Residual.AverageDecay", Residual.AverageDecay, 0, Math.BitDecrement(1.0));
        AtLeast("Residual.Replays", Residual.Replays, 0);
        AtLeast("Residual.ReservoirSize", Residual.ReservoirSize, 1);
        AtLeast("Residual.Anchor", Residual.Anchor, 0);
        AtLeast("Residual.Forgetting", Residual.Forgetting, double.Epsilon, 1);
        AtLeast("Residual.ReadoutWindow", Residual.ReadoutWindow, 20);
        AtLeast("Residual.Redundancy", Residual.Redundancy, 0);

        AtLeast("Coordination.BatchSize", Coordination.BatchSize, 2);
        AtLeast("Coordination.MinimumBatch", Coordination.MinimumBatch, 2);
        AtLeast("Coordination.BatchWaitMs", Coordination.BatchWaitMs, 0);
        Between("Coordination.LearningRate", Coordination.LearningRate, 0, double.PositiveInfinity);
        AtLeast("Coordination.Beta1", Coordination.Beta1, 0, Math.BitDecrement(1.0));
        AtLeast("Coordination.Beta2", Coordination.Beta2, 0, Math.BitDecrement(1.0));
        Between("Coordination.Epsilon", Coordination.Epsilon, 0, double.PositiveInfinity);
        Between("Coordination.ClipNorm", Coordination.ClipNorm, 0, double.PositiveInfinity);
        AtLeast("Coordination.Replicas", Coordination.Replicas, 1, 1024);
        if (Learning == LearningMode.Residual && Coordination.Replicas > 1)
            problems.Add($"Coordination.Replicas is {Coordination.Replicas}; the residual mode learns with 1: set Learning to Notebook for more");
        AtLeast("Coordination.StalenessBound", Coordination.StalenessBound, 0);
        AtLeast("Coordination.AveragingPeriod", Coordination.AveragingPeriod, 1);

        Between("Drift.RateFactor", Drift.RateFactor, 0, double.PositiveInfinity);
        AtLeast("Drift.ForArticles", Drift.ForArticles, 1);
        AtLeast("Drift.KeepReservoir", Drift.KeepReservoir, 0);

        AtLeast("Weights.CheckpointUpdates", Weights.CheckpointUpdates, 1);
        Between("Weights.CheckpointSeconds", Weights.CheckpointSeconds, 0, double.PositiveInfinity);
        AtLeast("Weights.Keep", Weights.Keep, 2);
        return problems;

        void AtLeast(string name, double value, double least, double most = double.MaxValue)
        {
            if (value >= least && value <= most) return;
            var range = most == double.MaxValue ? $"at least {least}" : most < 1 ? $"at least {least} and below 1" : $"{least} to {most}";
            Add(name, value, range);
        }

        // Both ends are excluded.
        void Between(string name, double value, double above, double below)
        {
            if (value > above && value < below) return;
            Add(name, value, double.IsInfinity(below) ? $"above {above}" : $"above {above} and below {below}");
        }

        void Add(string name, double value, string range) => problems.Add(
            FormattableString.Invariant($"{name} is {value}; it must be {range}"));
    }
}
