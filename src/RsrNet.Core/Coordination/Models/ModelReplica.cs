using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>A thread that computes gradients of its share of a text model's batch, on our own tape: the values are the model's, tape and gradient its own.</summary>
/// <remarks>
/// Not through <see cref="GradientExchange"/>: that carries whole vectors and BatchNorm's statistics from anywhere, and of an embedding's gradient all is zero but the
/// rows of a batch's tokens. Replicas of one process add up what they touched.
/// </remarks>
internal sealed class ModelReplica : IDisposable
{
    private readonly SequenceBatch batch = new();
    private readonly ComputeThread thread;
    private readonly TapeEngine engine;

    /// <param name="network">The model's.</param>
    /// <param name="seed">Of dropout; each replica has its own numbers.</param>
    public ModelReplica(RecurrentNetwork network, int seed, int number)
    {
        engine = TapeEngine.ForGradients(network.Replicate(), unchecked((ulong)seed + 7919 * (ulong)number));
        thread = new ComputeThread($"model replica {number}");
    }

    /// <summary>Leaves the gradient of a share's loss in the replica.</summary>
    public Task<TapeLoss> Run<TShare>(TShare share, Func<ITextEngine, SequenceBatch, TShare, TapeLoss> differentiate) =>
        thread.Run(() => differentiate(engine, batch, share));

    /// <summary>Goes on with the model's network after it has grown.</summary>
    public void Follow(RecurrentNetwork network) => engine.Follow(network.Replicate());

    /// <summary>Adds the gradient, times its share, to another and clears it.</summary>
    public void AddTo(ParameterSet sum, float share)
    {
        foreach (var own in engine.Network.Parameters.Parameters)
        {
            var theirs = sum[own.Name];
            if (!own.IsTable) WeightedSum.Add(theirs.Gradient, own.Gradient, share);
            else
            {
                foreach (var row in own.TouchedRows) WeightedSum.Add(theirs.GradientRow(row), own.Gradient.Slice(row * own.Columns, own.Columns), share);
            }
        }
        engine.Network.Parameters.ClearGradient();
    }

    /// <summary>The mean over all predictions.</summary>
    public static TapeLoss Join(IReadOnlyList<TapeLoss> losses)
    {
        var count = losses.Sum(loss => loss.Count);
        return new TapeLoss(count == 0 ? 0 : losses.Sum(loss => loss.Value * loss.Count) / count, count, losses.Sum(loss => loss.Hits));
    }

    public void Dispose()
    {
        thread.Dispose();
        engine.Dispose();
    }
}
