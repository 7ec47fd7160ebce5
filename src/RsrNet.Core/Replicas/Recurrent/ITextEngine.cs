using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>
/// What computes a text model's steps: the network's sums, its loss and gradient, and Adam's update, which belongs here because weights that live on a device should stay
/// there. Not thread-safe. N = tokens of all sequences, B = sequences, laid out as <see cref="PackedSteps"/> says.
/// </summary>
/// <remarks>Engines differ by the rounding of single precision, and in dropout by the numbers that they draw.</remarks>
public interface ITextEngine : IDisposable
{
    /// <summary>Adam's step size in the next updates; a schedule writes here.</summary>
    double LearningRate { get; set; }

    /// <summary>The sums of the last layer, without dropout.</summary>
    /// <param name="tokens">[N]</param>
    /// <param name="state">Where the sequences go on, and what they are left in; null to start from zeros and forget.</param>
    /// <returns>[B, outputs], or [N, outputs] where every position has its own; valid until the next call.</returns>
    /// <exception cref="ArgumentException">Tokens, steps and state do not belong together, or a token has no row.</exception>
    ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null);

    /// <summary>What the last layer sees, without dropout.</summary>
    /// <returns>[B, columns], or [N, columns]; valid until the next call.</returns>
    /// <inheritdoc cref="Forward"/>
    ReadOnlySpan<float> Summarize(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null);

    /// <summary>Cross-entropy of the sums without dropout, as nn.CrossEntropyLoss.</summary>
    /// <param name="targets">[B] or [N]: a class for each row of sums, or <paramref name="ignored"/>.</param>
    /// <param name="ignored">Rows with this target do not count.</param>
    /// <inheritdoc cref="Forward"/>
    TapeLoss Evaluate(ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = NoTarget);

    /// <summary>The same in training, with dropout; keeps the gradient for <see cref="Apply"/>, which must come next.</summary>
    /// <inheritdoc cref="Evaluate"/>
    TapeLoss Differentiate(ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = NoTarget);

    /// <summary>Clips the gradient and steps; of the table of embeddings only the rows that were used, as torch.optim.SparseAdam.</summary>
    /// <param name="weightDecay">As AdamW's: every value then shrinks by so much of the learning rate. At least 0.</param>
    /// <returns>The gradient's norm before clipping; where it is not finite nothing was stepped.</returns>
    double Apply(double weightDecay = 0);

    /// <summary>Brings values and moments that live elsewhere into the network and the <see cref="AdamState"/> that the engine works for.</summary>
    void Synchronize();

    /// <summary>Goes on with another network, such as this one after it has grown; learning rate and dropout's numbers go on.</summary>
    /// <param name="optimizer">Adam's moments, of the network's length.</param>
    void Load(ITextNetwork network, AdamState optimizer);

    /// <summary>PyTorch's mark of a row without a target.</summary>
    const int NoTarget = -100;
}

/// <summary>Puts a network on an engine, which from then on works for it and steps it: values and moments must not be changed by others.</summary>
/// <param name="optimizer">Adam's moments, of the network's length.</param>
/// <param name="options">Adam's settings.</param>
/// <param name="seed">Of dropout.</param>
public delegate ITextEngine OpenTextEngine(ITextNetwork network, AdamState optimizer, CoordinationOptions options, int seed);
