namespace RsrNet.Core.Replicas;

/// <summary>How deep the recursion goes. Defaults are the notebook's.</summary>
public sealed record RecursionOptions
{
    /// <summary>h, width of the hidden layers. Default 128; at least 1.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>L, width of the latent. Default 64; at least 1.</summary>
    public int Latent { get; init; } = 64;

    /// <summary>n, calls of the network in a latent recursion. Default 4; at least 1.</summary>
    public int Calls { get; init; } = 4;

    /// <summary>T, latent recursions in a deep recursion; only the last one gets gradients. Default 3; at least 1.</summary>
    public int LatentRecursions { get; init; } = 3;

    /// <summary>N, supervision steps for each batch of labelled documents. Default 3; at least 1.</summary>
    public int SupervisionSteps { get; init; } = 3;

    /// <summary>Mean confidence of the batch above which the remaining supervision steps are left out. Default 0.95; above 1 never stops early.</summary>
    public double StopConfidence { get; init; } = 0.95;

    /// <summary>
    /// Which engine runs the network, by its name in <see cref="EngineCatalog"/>: reference, cpu, and in the full edition torch-cpu and cuda; auto
    /// takes the fastest that this machine can run for the notebook's network, and cpu for the residual mode's small one. Default auto.
    /// </summary>
    public string Engine { get; init; } = EngineCatalog.Auto;

    /// <summary>Seed of the initial weights. Default 42.</summary>
    public int Seed { get; init; } = 42;
}
