using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>
/// A network over token sequences, with PyTorch's names: what it is made of, and how our own tape runs it. Other engines know the kinds there are and have a twin of each.
/// </summary>
public interface ITextNetwork
{
    /// <summary>One table of token embeddings first, then the rest.</summary>
    ParameterSet Parameters { get; }

    /// <summary>The sums of the last layer.</summary>
    /// <param name="tokens">[N], where <paramref name="steps"/> says.</param>
    /// <param name="state">Where the sequences go on, and what they are left in: its first rows. Null to start from zeros and forget.</param>
    /// <param name="training">With dropout.</param>
    /// <returns>[B, outputs]; [N, outputs] where every position has its own.</returns>
    TapeMatrix Forward(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false);

    /// <summary>What the last layer sees.</summary>
    /// <returns>[B, columns] or [N, columns]</returns>
    TapeMatrix Summarize(Tape tape, ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null, bool training = false);

    /// <summary>Zero: before the first token.</summary>
    /// <param name="batch">B, sequences.</param>
    RecurrentState NewState(int batch);
}
