using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>The regressions of one weight version as a value: readable from any thread while learning goes on.</summary>
/// <param name="Statistics">What readout and confidence are computed with; not to be changed.</param>
/// <param name="Calibration">How q has done over the latest labelled articles.</param>
/// <param name="Judged">Articles behind the calibration.</param>
/// <param name="ReadoutGain">Mean gain of the learned readout over the first sentences in its window: mean of ROUGE-1 and -2 F1, in [-1, 1].</param>
/// <param name="ReadoutOpen">Whether the learned readout serves.</param>
internal sealed record ServedRegressions(ResidualStatistics Statistics, Calibration Calibration, int Judged, double ReadoutGain, bool ReadoutOpen)
{
    /// <returns>Null in the notebook's mode.</returns>
    public static ServedRegressions? Of(Coordinator coordinator)
    {
        if (coordinator.Regressions is not { } regressions) return null;
        var statistics = new ResidualStatistics(coordinator.Served.Clone());
        return new ServedRegressions(
            statistics, regressions.Calibration.Read(), regressions.Calibration.Count, regressions.ReadoutGain, statistics.ReadoutOpen > 0);
    }
}
