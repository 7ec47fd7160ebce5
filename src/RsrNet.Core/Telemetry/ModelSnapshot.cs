using RsrNet.Core.Coordination.Models;

namespace RsrNet.Core.Telemetry;

/// <summary>A text model's numbers at one moment.</summary>
/// <param name="Version">Updates so far.</param>
/// <param name="CheckpointVersion">That of the newest durable checkpoint.</param>
/// <param name="Articles">Learned from.</param>
/// <param name="Accuracy">Prequential, in [0, 1], over about the last 500 articles; null before the first.</param>
/// <param name="Loss">Likewise; of a language model per token.</param>
/// <param name="Perplexity">Likewise, of a language model.</param>
/// <param name="RefusedGradients">Gradients that were not finite, since the start.</param>
/// <param name="Problem">Why it does not learn now; null where all is well.</param>
public sealed record ModelSnapshot(
    string Name, long Version, long CheckpointVersion, long Articles, double? Accuracy, double? Loss, double? Perplexity, long RefusedGradients, string? Problem)
{
    public static ModelSnapshot Of(ModelStatus status) => new(
        status.Name, status.Version, status.DurableVersion, status.Scores.Articles, status.Scores.Accuracy, status.Scores.Loss, status.Perplexity,
        status.RefusedGradients, status.Problem);

    /// <summary>Sets the gauges of this process to these numbers, wherever the model is learned.</summary>
    public void Show() => ModelInstruments.OnSeen(this);
}
