namespace RsrNet.Core.Replicas;

/// <summary>
/// The five layers that a call runs through. fc_aux is left out: nothing reads its output and the loss does not know it, so its gradient is
/// zero.
/// </summary>
internal sealed class ReferenceNetwork(RecursionWeights weights, double[] gradient)
{
    public RecursionShape Shape => weights.Shape;

    public ReferenceLinear Fc1 { get; } = new(weights, gradient, "fc1");

    public ReferenceBatchNorm Bn1 { get; } = new(weights, gradient, "bn1");

    public ReferenceLinear Fc2 { get; } = new(weights, gradient, "fc2");

    public ReferenceBatchNorm Bn2 { get; } = new(weights, gradient, "bn2");

    public ReferenceLinear FcLatent { get; } = new(weights, gradient, "fc_latent");

    public ReferenceLinear FcOut { get; } = new(weights, gradient, "fc_out");
}
