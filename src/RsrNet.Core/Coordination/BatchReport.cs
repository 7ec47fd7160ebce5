namespace RsrNet.Core.Coordination;

/// <summary>What came of one training batch.</summary>
/// <param name="Documents">Labelled documents in it.</param>
/// <param name="Loss">Of the last supervision step, a mean over the batch; null where nothing could be learned.</param>
/// <param name="Similarity">Mean cosine to t of the predictions made before learning.</param>
/// <param name="Error">Mean squared error of those predictions to t.</param>
/// <param name="WeightVersion">After the batch.</param>
public sealed record BatchReport(int Documents, float? Loss, double Similarity, double Error, long WeightVersion);
