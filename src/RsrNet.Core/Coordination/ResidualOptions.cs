using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>The residual learning mode. The figures in brackets are held-out cosine and MRR on CNN/DailyMail; the README says how they were measured.</summary>
public sealed record ResidualOptions
{
    /// <summary>h, width of the reader network's hidden layer. Default 32; at least 1.</summary>
    public int Hidden { get; init; } = 32;

    /// <summary>L, width of its latent. Default 64; at least 1.</summary>
    public int Latent { get; init; } = 64;

    /// <summary>n, calls of the network in a latent recursion. Default 2: deeper costs more than it brings on news; at least 1.</summary>
    public int Calls { get; init; } = 2;

    /// <summary>T, latent recursions in a supervision step; only the last one gets gradients. Default 1; at least 1.</summary>
    public int LatentRecursions { get; init; } = 1;

    /// <summary>N, supervision steps for each batch of labelled documents. Default 1; at least 1.</summary>
    public int SupervisionSteps { get; init; } = 1;

    /// <summary>Seed of the initial weights and of what is learned again. Default 42.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>The sizes and the depth in one; documents halt one by one, so a batch never stops early.</summary>
    internal RecursionOptions Recursion => new()
    {
        Hidden = Hidden, Latent = Latent, Calls = Calls, LatentRecursions = LatentRecursions, SupervisionSteps = SupervisionSteps, StopConfidence = 2, Seed = Seed,
    };

    /// <summary>Adam's step size. Default 0.003; above 0.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>
    /// Share of each weight, times the learning rate, that an update takes away (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019). Default 1;
    /// at least 0. Without it the recursion's gain grows with every update, until after some thousand it no longer contracts and documents do not converge.
    /// </summary>
    public double WeightDecay { get; init; } = 1;

    /// <summary>Decay of the average of weights that is served. Default 0.99; in [0, 1); 0 serves the trained weights.</summary>
    public double AverageDecay { get; init; } = 0.99;

    /// <summary>
    /// Older labelled articles that are learned again with each new one. Default 0: on news one more brings nothing that can be told from chance and costs a third
    /// of the throughput; at least 0.
    /// </summary>
    public int Replays { get; init; }

    /// <summary>Labelled articles kept to learn from again; none where <see cref="Replays"/> is 0. Default 1,000; at least 1.</summary>
    public int ReservoirSize { get; init; } = 1_000;

    /// <summary>
    /// How much of the article itself is mixed into y. Default 3; at least 0. 0 is nearest to the highlights; more finds the article's own summary better
    /// among others.
    /// </summary>
    public double Anchor { get; init; } = 3;

    /// <summary>What an article's weight in the regressions is multiplied with at each later one. Default 0.9998; in (0, 1]; 1 forgets nothing.</summary>
    public double Forgetting { get; init; } = 0.9998;

    /// <summary>Labelled articles over which the learned readout must have been better than the first sentences to serve. Default 200; at least 20.</summary>
    public int ReadoutWindow { get; init; } = 200;

    /// <summary>
    /// What the expected ROUGE-2 counts for beside the expected ROUGE-1 where the learned readout chooses: the more, the nearer to whole phrases of the highlights.
    /// Default 4; at least 0.
    /// </summary>
    public double Phrases { get; init; } = 4;

    /// <summary>The learned readout as these options want it.</summary>
    internal SentenceReadout NewReadout() => new(phrases: Phrases);

    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public void Check()
    {
        Require(LearningRate > 0, nameof(LearningRate), "above 0", LearningRate);
        Require(WeightDecay >= 0 && WeightDecay * LearningRate < 1, nameof(WeightDecay), "at least 0, and below 1 times the learning rate", WeightDecay);
        Require(AverageDecay is >= 0 and < 1, nameof(AverageDecay), "at least 0 and below 1", AverageDecay);
        Require(Replays >= 0, nameof(Replays), "at least 0", Replays);
        Require(ReservoirSize >= 1, nameof(ReservoirSize), "at least 1", ReservoirSize);
        Require(Anchor >= 0 && double.IsFinite(Anchor), nameof(Anchor), "at least 0", Anchor);
        Require(Forgetting is > 0 and <= 1, nameof(Forgetting), "above 0 and at most 1", Forgetting);
        Require(ReadoutWindow >= 20, nameof(ReadoutWindow), "at least 20", ReadoutWindow);
        Require(Phrases >= 0 && double.IsFinite(Phrases), nameof(Phrases), "at least 0", Phrases);
    }

    private static void Require(bool holds, string name, string range, double value)
    {
        if (!holds) throw new ArgumentException($"Residual.{name} must be {range}, not {value}");
    }
}
