using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Coordination.Models;

/// <summary>Who computes gradients of a text model: the values are the model's, tape, gradient and thread its own.</summary>
/// <remarks>
/// Not through <see cref="GradientExchange"/>: that carries whole vectors and BatchNorm's statistics from anywhere, and of an embedding's gradient all is zero but the
/// rows of a batch's tokens. Replicas of one process add up what they touched.
/// </remarks>
internal sealed class ModelReplica : IDisposable
{
    private readonly MatrixProduct product = MatrixProduct.Create();
    private readonly ComputeThread? thread;

    /// <param name="seed">Of dropout.</param>
    /// <param name="number">Null for one that works on its caller's thread.</param>
    public ModelReplica(RecurrentNetwork network, ulong seed, int? number = null)
    {
        Network = network;
        Tape = new Tape(product, seed);
        if (number is not null) thread = new ComputeThread($"model replica {number}");
    }

    public RecurrentNetwork Network { get; set; }

    public Tape Tape { get; }

    public SequenceBatch Batch { get; } = new();

    /// <summary>Leaves the gradient of a share's loss in the network's.</summary>
    public TapeLoss Differentiate<TShare>(TShare share, Func<ModelReplica, TShare, TapeLoss> record)
    {
        Tape.Clear();
        var loss = record(this, share);
        Tape.Backward();
        return loss;
    }

    /// <summary>The same on the replica's thread.</summary>
    public Task<TapeLoss> Run<TShare>(TShare share, Func<ModelReplica, TShare, TapeLoss> record) => thread!.Run(() => Differentiate(share, record));

    /// <summary>Adds the gradient, times its share, to another and clears it.</summary>
    public void AddTo(ParameterSet sum, float share)
    {
        foreach (var own in Network.Parameters.Parameters)
        {
            var theirs = sum[own.Name];
            if (!own.IsTable) WeightedSum.Add(theirs.Gradient, own.Gradient, share);
            else
            {
                foreach (var row in own.TouchedRows) WeightedSum.Add(theirs.GradientRow(row), own.Gradient.Slice(row * own.Columns, own.Columns), share);
            }
        }
        Network.Parameters.ClearGradient();
    }

    /// <summary>The mean over all predictions.</summary>
    public static TapeLoss Join(IReadOnlyList<TapeLoss> losses)
    {
        var count = losses.Sum(loss => loss.Count);
        return new TapeLoss(count == 0 ? 0 : losses.Sum(loss => loss.Value * loss.Count) / count, count, losses.Sum(loss => loss.Hits));
    }

    public void Dispose()
    {
        thread?.Dispose();
        Tape.Dispose();
        product.Dispose();
    }
}
