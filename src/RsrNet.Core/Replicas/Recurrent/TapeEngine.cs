using RsrNet.Core.Coordination;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>Text models on our own tape, on the caller's thread. Values, moments and gradient are the network's own buffers: nothing is copied.</summary>
public sealed class TapeEngine : ITextEngine
{
    private readonly MatrixProduct product = MatrixProduct.Create();
    private readonly Tape tape;
    private readonly CoordinationOptions options;
    private ParameterAdam optimizer;

    /// <inheritdoc cref="OpenTextEngine"/>
    public TapeEngine(ITextNetwork network, AdamState optimizer, CoordinationOptions options, int seed)
        : this(network, optimizer, options, unchecked((ulong)seed))
    {
    }

    private TapeEngine(ITextNetwork network, AdamState? optimizer, CoordinationOptions options, ulong seed)
    {
        Network = network;
        this.options = options;
        this.optimizer = new ParameterAdam(network.Parameters, options, optimizer);
        tape = new Tape(product, seed);
    }

    /// <summary>One that only gives gradients, which somebody else adds up and applies.</summary>
    internal static TapeEngine ForGradients(ITextNetwork network, ulong seed) => new(network, null, new CoordinationOptions(), seed);

    public ITextNetwork Network { get; private set; }

    public double LearningRate
    {
        get => optimizer.LearningRate;
        set => optimizer.LearningRate = value;
    }

    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null)
    {
        tape.Clear();
        return Network.Forward(tape, tokens, steps, state).Values;
    }

    public ReadOnlySpan<float> Summarize(ReadOnlySpan<int> tokens, PackedSteps steps, RecurrentState? state = null)
    {
        tape.Clear();
        return Network.Summarize(tape, tokens, steps, state).Values;
    }

    public TapeLoss Evaluate(
        ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = ITextEngine.NoTarget)
    {
        tape.Clear();
        return tape.CrossEntropy(Network.Forward(tape, tokens, steps, state), targets, ignored, learn: false);
    }

    public TapeLoss Differentiate(
        ReadOnlySpan<int> tokens, PackedSteps steps, ReadOnlySpan<int> targets, RecurrentState? state = null, int ignored = ITextEngine.NoTarget)
    {
        tape.Clear();
        var loss = tape.CrossEntropy(Network.Forward(tape, tokens, steps, state, training: true), targets, ignored);
        tape.Backward();
        return loss;
    }

    public double Apply(double weightDecay = 0)
    {
        var norm = optimizer.Apply();
        if (weightDecay == 0 || !double.IsFinite(norm)) return norm;
        VectorMath.Scale(Network.Parameters.Values, (float)(1 - LearningRate * weightDecay));
        Network.Parameters.OnChanged();
        return norm;
    }

    /// <summary>Nothing lives elsewhere.</summary>
    public void Synchronize()
    {
    }

    public void Load(ITextNetwork network, AdamState optimizer) => Follow(network, new ParameterAdam(network.Parameters, options, optimizer));

    /// <summary>As <see cref="Load"/>, for one that only gives gradients.</summary>
    internal void Follow(ITextNetwork network) => Follow(network, new ParameterAdam(network.Parameters, options));

    private void Follow(ITextNetwork network, ParameterAdam next)
    {
        next.LearningRate = LearningRate;
        (Network, optimizer) = (network, next);
    }

    public void Dispose()
    {
        tape.Dispose();
        product.Dispose();
    }
}
