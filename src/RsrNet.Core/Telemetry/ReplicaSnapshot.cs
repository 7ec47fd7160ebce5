namespace RsrNet.Core.Telemetry;

/// <summary>One replica at one moment. In one process there is one, in a cluster one for each engine of each silo.</summary>
/// <param name="Name">Unique among the replicas.</param>
/// <param name="Silo">The machine or process it runs in.</param>
/// <param name="Engine">What computes, such as <c>ReferenceEngine</c>.</param>
/// <param name="BatchSize">Documents of a training batch, mean over the last 200 steps; null before the first.</param>
/// <param name="TrainSeconds">Time of a training step, mean over the last 200; null before the first.</param>
/// <param name="RefineSeconds">Time of a refinement step, mean over the last 200; null before the first.</param>
/// <param name="Staleness">Versions the weights had moved on when its gradients arrived, mean over the last 200; null before the first.</param>
/// <param name="Gradients">Gradients it delivered since the start, the refused ones among them.</param>
/// <param name="RefusedGradients">Those of them that were not applied.</param>
/// <param name="StepsPerSecond">Document supervision steps a second, over the last ten seconds.</param>
public sealed record ReplicaSnapshot(
    string Name, string Silo, string Engine, double? BatchSize, double? TrainSeconds, double? RefineSeconds, double? Staleness,
    long Gradients, long RefusedGradients, double StepsPerSecond);
