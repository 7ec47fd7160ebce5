using RsrNet.Core.Replicas;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Replicas;

/// <summary>
/// The residual mode's reader network as a TorchSharp module, with the names that Core's files have. One call over B articles of up to n sentences:
/// hidden = relu(fc1([features, cos(s, u), z])); weight = fc_weight(hidden); z' = tanh(fc_latent(mean of hidden)); u' = u0 + sum of weighted sentences, of
/// which its products with the sentences and its length are all that is needed. F = features, h = hidden, L = latent.
/// </summary>
public sealed class ReaderModule : Module
{
    private readonly Linear fc1, fcWeight, fcLatent;

    /// <param name="shape">Of the residual mode.</param>
    /// <exception cref="ArgumentException">The shape is of another mode.</exception>
    public ReaderModule(RecursionShape shape, Device? device = null) : base(nameof(ReaderModule))
    {
        if (shape.Mode != LearningMode.Residual)
            throw new ArgumentException($"a network of the mode {shape.Mode} is not a reader; take {nameof(RecursionModule)}", nameof(shape));
        Shape = shape;
        fc1 = Linear(shape.Input, shape.H, device: device);
        fcWeight = Linear(shape.H, 1, device: device);
        fcLatent = Linear(shape.H, shape.L, device: device);
        register_module("fc1", fc1);
        register_module("fc_weight", fcWeight);
        register_module("fc_latent", fcLatent);
    }

    public RecursionShape Shape { get; }

    /// <summary>Takes over a copy of these weights' parameters; what they know of regressions is the engine's.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void Load(RecursionWeights weights)
    {
        if (weights.Shape != Shape) throw new ArgumentException($"weights of shape {weights.Shape} do not fit a network of shape {Shape}", nameof(weights));
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var tensors = state_dict();
        foreach (var slot in weights.Layout.Parameters) RecursionModule.Write(tensors[slot.Name], slot.Of(weights.Parameters));
    }

    /// <summary>One call of the network.</summary>
    /// <param name="rows">What stays the same from call to call.</param>
    /// <param name="cosines">[B, n] cos(s_i, u)</param>
    /// <param name="latent">[B, L] z</param>
    public ReaderOutcome Call(ReaderRows rows, Tensor cosines, Tensor latent)
    {
        using var scope = NewDisposeScope();
        // The latent's part of fc1 is the same for all sentences of an article.
        var own = fc1.weight.narrow(1, 0, Shape.Input - Shape.L);
        var shared = functional.linear(latent, fc1.weight.narrow(1, Shape.Input - Shape.L, Shape.L), fc1.bias);
        var hidden = functional.relu(functional.linear(cat([rows.Features, cosines.unsqueeze(2)], 2), own) + shared.unsqueeze(1));
        var weights = functional.linear(hidden, fcWeight.weight, fcWeight.bias).squeeze(2) * rows.Mask;
        var mean = (hidden * rows.Mask.unsqueeze(2)).sum(1) / rows.Count;
        var products = rows.Start + matmul(rows.Products, weights.unsqueeze(2)).squeeze(2);
        var norm = (1 + (weights * (rows.Start + products)).sum(1)).clamp(min: 1e-12).sqrt(); // |u0|^2 + 2 w.u0s + w'Gw
        var outcome = new ReaderOutcome(weights, norm, products / norm.unsqueeze(1), functional.linear(mean, fcLatent.weight, fcLatent.bias).tanh());
        scope.MoveToOuter(outcome.Weights, outcome.Norm, outcome.Cosines, outcome.Latent);
        return outcome;
    }
}

/// <summary>B articles side by side; where one has fewer than n sentences, the rest is zero.</summary>
/// <param name="Features">[B, n, F]</param>
/// <param name="Products">[B, n, n] cosines between sentences.</param>
/// <param name="Start">[B, n] u0 . s_i</param>
/// <param name="Mask">[B, n] 1 where there is a sentence.</param>
/// <param name="Count">[B, 1] sentences, at least 1.</param>
public sealed record ReaderRows(Tensor Features, Tensor Products, Tensor Start, Tensor Mask, Tensor Count);

/// <param name="Weights">[B, n] how much of each sentence is added.</param>
/// <param name="Norm">[B] ||u'||</param>
/// <param name="Cosines">[B, n] cos(s_i, u')</param>
/// <param name="Latent">[B, L] z'</param>
public sealed record ReaderOutcome(Tensor Weights, Tensor Norm, Tensor Cosines, Tensor Latent);
