using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>What came of one training batch.</summary>
/// <param name="Documents">Labelled documents in it.</param>
/// <param name="Loss">Of the last supervision step, a mean over the batch; null where nothing could be learned.</param>
/// <param name="Similarity">Mean cosine to t of the predictions made before learning.</param>
/// <param name="Error">Mean squared error of those predictions to t.</param>
/// <param name="WeightVersion">After the batch.</param>
public sealed record BatchReport(int Documents, float? Loss, double Similarity, double Error, long WeightVersion)
{
    internal static BatchReport Of(int documents, float? loss, IReadOnlyList<Prediction> predictions, long version) => new(
        documents, loss, predictions.Select(prediction => (double)prediction.Similarity).DefaultIfEmpty().Average(),
        predictions.Select(prediction => (double)prediction.Error).DefaultIfEmpty().Average(), version);

    /// <summary>Several replicas' parts as one: means over the documents.</summary>
    internal static BatchReport Join(IReadOnlyList<BatchReport> parts)
    {
        var documents = parts.Sum(part => part.Documents);
        var learned = parts.Where(part => part.Loss is not null).ToList();
        return new BatchReport(
            documents,
            learned.Count == 0 ? null : (float)(learned.Sum(part => (double)part.Loss! * part.Documents) / learned.Sum(part => part.Documents)),
            parts.Sum(part => part.Similarity * part.Documents) / documents,
            parts.Sum(part => part.Error * part.Documents) / documents,
            parts.Max(part => part.WeightVersion));
    }
}
