using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>The residual learning mode. The figures in brackets are held-out cosine and MRR on CNN/DailyMail; the README says how they were measured.</summary>
public sealed record ResidualOptions
{
    /// <summary>Sizes and depth of the reader network. Defaults: hidden 32, latent 64, n 2, T 1, N 1: deeper costs more than it brings on news.</summary>
    public RecursionOptions Recursion { get; init; } = new() { Hidden = 32, Latent = 64, Calls = 2, LatentRecursions = 1, SupervisionSteps = 1, StopConfidence = 2 };

    /// <summary>Adam's step size. Default 0.003; above 0.</summary>
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>Decay of the average of weights that is served. Default 0.99; in [0, 1); 0 serves the trained weights.</summary>
    public double AverageDecay { get; init; } = 0.99;

    /// <summary>Older labelled articles that are learned again with each new one. Default 1; at least 0.</summary>
    public int Replays { get; init; } = 1;

    /// <summary>Labelled articles kept to learn from again. Default 1,000; at least 1.</summary>
    public int ReservoirSize { get; init; } = 1_000;

    /// <summary>
    /// How much of the article itself is mixed into y. Default 1.5; at least 0. 0 is nearest to the highlights; more finds the article's own summary better
    /// among others.
    /// </summary>
    public double Anchor { get; init; } = 1.5;

    /// <summary>What an article's weight in the regressions is multiplied with at each later one. Default 0.9998; in (0, 1]; 1 forgets nothing.</summary>
    public double Forgetting { get; init; } = 0.9998;

    /// <summary>Labelled articles over which the learned readout must have been better than the first sentences to serve. Default 200; at least 20.</summary>
    public int ReadoutWindow { get; init; } = 200;

    /// <summary>How much a sentence's score falls for each unit of cosine to one already chosen. Default 0.3; at least 0.</summary>
    public double Redundancy { get; init; } = 0.3;

    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public void Check()
    {
        Require(LearningRate > 0, nameof(LearningRate), "above 0", LearningRate);
        Require(AverageDecay is >= 0 and < 1, nameof(AverageDecay), "at least 0 and below 1", AverageDecay);
        Require(Replays >= 0, nameof(Replays), "at least 0", Replays);
        Require(ReservoirSize >= 1, nameof(ReservoirSize), "at least 1", ReservoirSize);
        Require(Anchor >= 0 && double.IsFinite(Anchor), nameof(Anchor), "at least 0", Anchor);
        Require(Forgetting is > 0 and <= 1, nameof(Forgetting), "above 0 and at most 1", Forgetting);
        Require(ReadoutWindow >= 20, nameof(ReadoutWindow), "at least 20", ReadoutWindow);
        Require(Redundancy >= 0 && double.IsFinite(Redundancy), nameof(Redundancy), "at least 0", Redundancy);
    }

    private static void Require(bool holds, string name, string range, double value)
    {
        if (!holds) throw new ArgumentException($"Residual.{name} must be {range}, not {value}");
    }
}
