using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;

namespace RsrNet.Grains.Documents;

/// <summary>Vectors of two encoders are never mixed in one store.</summary>
public static class StoreEncoder
{
    /// <summary>Claims a store without documents for an encoder, and checks that any other was embedded by the same.</summary>
    /// <exception cref="WeightsRejectedException">It was not, or is being embedded anew.</exception>
    public static async Task Check(IDocumentStore store, ITextEncoder encoder, CancellationToken cancellation)
    {
        if (await Reembedding.UnfinishedGoal(store, cancellation) is { } goal)
        {
            throw new WeightsRejectedException(
                $"the documents in this store are being embedded anew by '{goal}', and that was cut off; run `rsrnet documents reembed` to its end");
        }
        if (await store.ReadSetting(Reembedding.EncoderSetting, cancellation) is not { } known) await store.WriteSetting(Reembedding.EncoderSetting, encoder.Id, cancellation);
        else if (known != encoder.Id)
        {
            throw new WeightsRejectedException(
                $"the documents in this store were embedded by '{known}', and vectors of '{encoder.Id}' cannot be mixed with them; "
                + $"use the encoder '{known}' or another store, or change the documents over with `rsrnet documents reembed`");
        }
    }
}
