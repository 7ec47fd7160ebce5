namespace RsrNet.Core.Documents;

/// <summary>What the recursion carries for one document from one supervision step to the next. Arrays are never changed after construction.</summary>
/// <param name="Y">[d] the summary embedding.</param>
/// <param name="Z">[L] the latent.</param>
/// <param name="Step">Supervision steps so far, over all weight versions.</param>
/// <param name="WeightVersion">The weights of the last step.</param>
/// <param name="ResidualY">||y_k - y_{k-1}|| / ||y_k|| of the last step; 1 at the first.</param>
/// <param name="ResidualZ">The same for z.</param>
/// <param name="Confidence">q, in [0, 1].</param>
/// <param name="Loss">The training loss of the last step that trained; null where none did.</param>
/// <param name="Similarity">Cosine of y to t; null without highlights.</param>
public sealed record RefinementState(
    float[] Y, float[] Z, int Step, long WeightVersion, float ResidualY, float ResidualZ, float Confidence, float? Loss, float? Similarity);
