using Orleans.Runtime;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Grains.Coordination;

namespace RsrNet.Grains.Documents;

/// <summary>Summaries in words, made where they are asked for, by what the coordinator's regressions say; it is asked each time whether they say something new.</summary>
internal sealed class ClusterReadout(IGrainFactory grains, ITextEncoder encoder)
{
    private readonly Readout readout = new(encoder);
    private PublishedWeights? known;

    public async Task<ReadoutSummary> Of(Document document)
    {
        var weights = known;
        try
        {
            weights = await grains.GetGrain<ICoordinatorGrain>(0).ReadReadout(weights?.Term ?? 0, weights?.Version ?? 0) ?? weights;
        }
        catch (Exception problem) when (weights is not null && problem is OrleansException or TimeoutException)
        {
            // The coordinator is moving to another silo. What it said last will do.
        }
        if (weights is null) return readout.Of(document);
        known = weights;
        return readout.Of(document, weights.Residual!.NewReadout(), new ResidualStatistics(weights.Served));
    }
}
