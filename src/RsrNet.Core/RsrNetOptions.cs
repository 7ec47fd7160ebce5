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

    public ShadowOptions Shadow { get; init; } = new();

    public WeightOptions Weights { get; init; } = new();

    /// <summary>Sizes and depth in the mode that is set.</summary>
    internal RecursionOptions Recursion => Learning == LearningMode.Residual ? Residual.Recursion : Replicas;

    /// <summary>The network's sizes in the mode that is set.</summary>
    /// <param name="dimensions">d, the encoder's.</param>
    internal RecursionShape Shape(int dimensions) => new(dimensions, Recursion.Hidden, Recursion.Latent) { Mode = Learning };

    /// <summary>How batches are shared in the mode that is set: in the residual mode no row depends on others, and a share may be one document.</summary>
    internal CoordinationOptions Sharing => Learning == LearningMode.Residual ? Coordination with { MinimumBatch = 1 } : Coordination;

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
        AtLeast("Documents.Acceleration", Documents.Acceleration, 0, 20);
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

        Check("Residual", Residual);
        Check("Shadow.Challenger", Shadow.Challenger);
        AtLeast("Shadow.Window", Shadow.Window, 20);
        AtLeast("Shadow.PromoteGain", Shadow.PromoteGain, 0);
        var (own, other) = (Residual.Recursion, Shadow.Challenger.Recursion);
        if (Shadow.Enabled && own with { Seed = 0 } != other with { Seed = 0 })
            problems.Add("Shadow.Challenger has another Hidden, Latent, Calls, LatentRecursions or SupervisionSteps than Residual; it must have the same");
        if (Shadow.Enabled && Learning != LearningMode.Residual) problems.Add("Shadow.Enabled is true; it must be false where Learning is Notebook");

        AtLeast("Coordination.BatchSize", Coordination.BatchSize, 2);
        AtLeast("Coordination.MinimumBatch", Coordination.MinimumBatch, 2);
        AtLeast("Coordination.BatchWaitMs", Coordination.BatchWaitMs, 0);
        Between("Coordination.LearningRate", Coordination.LearningRate, 0, double.PositiveInfinity);
        AtLeast("Coordination.Beta1", Coordination.Beta1, 0, Math.BitDecrement(1.0));
        AtLeast("Coordination.Beta2", Coordination.Beta2, 0, Math.BitDecrement(1.0));
        Between("Coordination.Epsilon", Coordination.Epsilon, 0, double.PositiveInfinity);
        Between("Coordination.ClipNorm", Coordination.ClipNorm, 0, double.PositiveInfinity);
        AtLeast("Coordination.Replicas", Coordination.Replicas, 1, 1024);
        AtLeast("Coordination.StalenessBound", Coordination.StalenessBound, 0);
        AtLeast("Coordination.AveragingPeriod", Coordination.AveragingPeriod, 1);

        AtLeast("Drift.KeepArticles", Drift.KeepArticles, 1);

        AtLeast("Weights.CheckpointUpdates", Weights.CheckpointUpdates, 1);
        Between("Weights.CheckpointSeconds", Weights.CheckpointSeconds, 0, double.PositiveInfinity);
        AtLeast("Weights.Keep", Weights.Keep, 2);
        return problems;

        void Check(string section, ResidualOptions residual)
        {
            AtLeast($"{section}.Hidden", residual.Hidden, 1);
            AtLeast($"{section}.Latent", residual.Latent, 1);
            AtLeast($"{section}.Calls", residual.Calls, 1);
            AtLeast($"{section}.LatentRecursions", residual.LatentRecursions, 1);
            AtLeast($"{section}.SupervisionSteps", residual.SupervisionSteps, 1);
            Between($"{section}.LearningRate", residual.LearningRate, 0, double.PositiveInfinity);
            AtLeast($"{section}.WeightDecay", residual.WeightDecay, 0, Math.BitDecrement(1 / residual.LearningRate));
            AtLeast($"{section}.AverageDecay", residual.AverageDecay, 0, Math.BitDecrement(1.0));
            AtLeast($"{section}.Replays", residual.Replays, 0);
            AtLeast($"{section}.ReservoirSize", residual.ReservoirSize, 1);
            AtLeast($"{section}.Anchor", residual.Anchor, 0);
            AtLeast($"{section}.Forgetting", residual.Forgetting, double.Epsilon, 1);
            AtLeast($"{section}.ReadoutWindow", residual.ReadoutWindow, 20);
            AtLeast($"{section}.Phrases", residual.Phrases, 0);
        }

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
