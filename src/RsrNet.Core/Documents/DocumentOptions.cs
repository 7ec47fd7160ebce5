namespace RsrNet.Core.Documents;

/// <summary>When a document's refinement ends and what is kept of its past.</summary>
public sealed record DocumentOptions
{
    /// <summary>A document has converged once residual y and z of a supervision step are both below this. Ratio; default 0.01; range (0, 1).</summary>
    public double Tolerance { get; init; } = 0.01;

    /// <summary>Supervision steps with one set of weights after which refinement gives up (status exhausted). Default 16; at least 1.</summary>
    public int MaxSteps { get; init; } = 16;

    /// <summary>
    /// m of Anderson acceleration of a document's (y, z) between two steps: steps remembered. Default 0, none; 0 to 20. It pays only where the plain iteration
    /// takes many steps: at the default tolerance it takes three in either mode, and there is nothing to save.
    /// </summary>
    public int Acceleration { get; init; }

    /// <summary>Points kept of each document's trajectory. Default 64; at least 4.</summary>
    public int TrajectoryLimit { get; init; } = 64;

    /// <summary>Documents that are refined together. Default 64; 1 to 4096. Larger is faster for each document and slower to answer.</summary>
    public int RefineBatch { get; init; } = 64;

    /// <summary>Whether finished documents are refined again with newer weights when there is nothing else to do. Default true.</summary>
    public bool RefreshWhenIdle { get; init; } = true;

    /// <summary>Weight versions that a finished document may be behind while learning goes on, before idle time goes to it. Default 100; at least 0.</summary>
    public int RefreshLag { get; init; } = 100;

    /// <summary>Learning counts as at rest after so long without an update; then every document is brought to the current weights. Seconds; default 5; at least 0.</summary>
    public double RefreshSettleSeconds { get; init; } = 5;
}
