using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// One call of the reader network for one document, forward and backward. n = sentences, F = <see cref="SentenceFeatures.Count"/>, h = hidden, L = latent.
/// <para>
/// hidden_i = relu(W1 [features_i, cos(s_i, u), z] + b1); weight_i = w2 . hidden_i + b2; u' = u0 + sum weight_i s_i; z' = tanh(W3 mean_i hidden_i + b3).
/// Everything about u' that is needed are its products with the sentences, u' . s_i = u0 . s_i + (G weight)_i with G the sentences' products, and its length.
/// </para>
/// </summary>
internal sealed class ReaderCall(RecursionShape shape)
{
    private const int F = SentenceFeatures.Count;

    // Kept from article to article, so that a call allocates nothing: n of them count.
    private double[] hidden = [];  // [n, h] after relu
    private double[] inputs = [];  // [n] cos(s_i, u) of the input
    private double[] weights = [];
    private double[] products = [];
    private double[] cosines = [];
    private int n;
    private readonly double[] inputLatent = new double[shape.L];
    private readonly double[] latent = new double[shape.L];
    private readonly double[] mean = new double[shape.H];
    private readonly double[] shared = new double[shape.H];
    private readonly double[] ofMean = new double[shape.H];
    private readonly double[] ofShared = new double[shape.H];
    private readonly double[] inner = new double[shape.H];

    /// <summary>[n] weight_i.</summary>
    public ReadOnlySpan<double> Weights => weights.AsSpan(0, n);

    /// <summary>[n] u' . s_i</summary>
    public ReadOnlySpan<double> Products => products.AsSpan(0, n);

    /// <summary>||u'||</summary>
    public double Norm { get; private set; }

    /// <summary>[n] cos(s_i, u') = the next call's input.</summary>
    public ReadOnlySpan<double> Cosines => cosines.AsSpan(0, n);

    /// <summary>[L] z'</summary>
    public ReadOnlySpan<double> Latent => latent;

    /// <param name="start">[n] u0 . s_i</param>
    /// <param name="inputCosines">[n] cos(s_i, u)</param>
    /// <param name="inputLatent">[L] z</param>
    public void Forward(
        ReaderParameters p, SentenceReading reading, ReadOnlySpan<double> start, ReadOnlySpan<double> inputCosines, ReadOnlySpan<double> inputLatent)
    {
        Begin(reading.Count, inputCosines, inputLatent);
        var (h, l) = (shape.H, shape.L);
        Span<double> input = stackalloc double[F + 1];
        Array.Clear(mean);
        p.Bias1.CopyTo(shared, 0); // W1's part that all sentences share: z and the bias
        DoubleMath.AddProduct(shared, this.inputLatent, p.Inputs()[((F + 1) * h)..]);
        for (var i = 0; i < n; i++)
        {
            var own = hidden.AsSpan(i * h, h);
            shared.CopyTo(own);
            reading.Features.Slice(i * F, F).CopyTo(input);
            input[F] = inputs[i];
            DoubleMath.AddProduct(own, input, p.Inputs(F + 1));
            DoubleMath.Rectify(own);
            DoubleMath.AddScaled(mean, own, 1.0 / n);
            weights[i] = p.Bias2[0] + DoubleMath.Dot(p.Weight2, own);
        }
        for (var k = 0; k < l; k++) latent[k] = Math.Tanh(p.Bias3[k] + DoubleMath.Dot(p.Weight3.AsSpan(k * h, h), mean));
        double square = 1;
        for (var i = 0; i < n; i++)
        {
            products[i] = start[i] + reading.ProductWithSum(i, Weights);
            square += weights[i] * (start[i] + products[i]); // |u0|^2 + 2 w.u0s + w'Gw
        }
        Norm = Math.Sqrt(Math.Max(square, 1e-12));
        for (var i = 0; i < n; i++) cosines[i] = products[i] / Norm;
    }

    /// <summary>Makes room, and takes the inputs in: of a single call they are what it wrote itself the last time.</summary>
    private void Begin(int sentences, ReadOnlySpan<double> inputCosines, ReadOnlySpan<double> inputLatent)
    {
        inputLatent.CopyTo(this.inputLatent);
        n = sentences;
        if (inputs.Length < n)
        {
            inputs = new double[n];
            inputCosines.CopyTo(inputs);
            (hidden, weights, products, cosines) = (new double[n * shape.H], new double[n], new double[n], new double[n]);
        }
        else inputCosines.CopyTo(inputs);
    }

    /// <summary>Adds this call's part to the gradient of the parameters.</summary>
    /// <param name="gradient">The network's gradient, added to.</param>
    /// <param name="ofWeights">[n] gradient of weight_i from what stands behind this call other than through its cosines; overwritten.</param>
    /// <param name="ofCosines">[n] gradient of cos(s_i, u'); replaced by that of the input's cos(s_i, u).</param>
    /// <param name="ofLatent">[L] gradient of z'; replaced by that of z.</param>
    public void Backward(
        ReaderParameters p, ReaderParameters gradient, SentenceReading reading, Span<double> ofWeights, Span<double> ofCosines, Span<double> ofLatent)
    {
        var (h, l) = (shape.H, shape.L);
        // cos_i = products_i / norm; d products / d weight = G; d norm / d weight = products / norm.
        double along = 0;
        for (var i = 0; i < n; i++) along += ofCosines[i] * products[i];
        for (var i = 0; i < n; i++)
        {
            ofWeights[i] += reading.ProductWithSum(i, ofCosines) / Norm - along / (Norm * Norm * Norm) * products[i];
        }
        Array.Clear(ofMean);
        for (var k = 0; k < l; k++)
        {
            var inside = ofLatent[k] * (1 - latent[k] * latent[k]);
            if (inside == 0) continue; // the last call's z' stands behind nothing
            gradient.Bias3[k] += inside;
            DoubleMath.AddScaled(gradient.Weight3.AsSpan(k * h, h), mean, inside);
            DoubleMath.AddScaled(ofMean, p.Weight3.AsSpan(k * h, h), inside);
        }
        Array.Clear(ofShared);
        Span<double> input = stackalloc double[F + 1];
        for (var i = 0; i < n; i++)
        {
            var own = hidden.AsSpan(i * h, h);
            gradient.Bias2[0] += ofWeights[i];
            DoubleMath.AddScaled(gradient.Weight2, own, ofWeights[i]);
            for (var j = 0; j < h; j++) inner[j] = own[j] > 0 ? ofWeights[i] * p.Weight2[j] + ofMean[j] / n : 0;
            reading.Features.Slice(i * F, F).CopyTo(input);
            input[F] = inputs[i];
            DoubleMath.AddOuter(gradient.Inputs(F + 1), input, inner);
            DoubleMath.AddScaled(ofShared, inner, 1);
            ofCosines[i] = DoubleMath.Dot(p.Input(F), inner);
        }
        DoubleMath.AddScaled(gradient.Bias1, ofShared, 1);
        for (var k = 0; k < l; k++)
        {
            DoubleMath.AddScaled(gradient.Input(F + 1 + k), ofShared, inputLatent[k]);
            ofLatent[k] = DoubleMath.Dot(p.Input(F + 1 + k), ofShared);
        }
    }
}

/// <summary>
/// The reader's tensors, or their gradients, in double; fc1's weight is kept [inputs, h], so that one input's part of all hidden units lies together. Plain
/// sums are the truth here, and fast enough for a network of this size.
/// </summary>
internal sealed class ReaderParameters(RecursionShape shape)
{
    private readonly double[] weight1 = new double[shape.Input * shape.H];

    public double[] Bias1 { get; } = new double[shape.H];

    public double[] Weight2 { get; } = new double[shape.H];

    public double[] Bias2 { get; } = new double[1];

    public double[] Weight3 { get; } = new double[shape.L * shape.H];

    public double[] Bias3 { get; } = new double[shape.L];

    // In the layout's order, behind fc1's weight.
    private double[][] Tensors => [Bias1, Weight2, Bias2, Weight3, Bias3];

    /// <summary>[count, h] fc1's weights of the first inputs.</summary>
    public Span<double> Inputs(int count) => weight1.AsSpan(0, count * shape.H);

    /// <summary>[inputs, h] those of all.</summary>
    public Span<double> Inputs() => weight1;

    /// <summary>[h] fc1's weights of one input.</summary>
    public Span<double> Input(int index) => weight1.AsSpan(index * shape.H, shape.H);

    public void Read(RecursionWeights weights)
    {
        var at = 0;
        for (var j = 0; j < shape.H; j++)
        {
            for (var k = 0; k < shape.Input; k++) weight1[k * shape.H + j] = weights.Parameters[at++];
        }
        foreach (var tensor in Tensors)
        {
            for (var i = 0; i < tensor.Length; i++) tensor[i] = weights.Parameters[at++];
        }
    }

    public void Write(Span<float> buffer)
    {
        var at = 0;
        for (var j = 0; j < shape.H; j++)
        {
            for (var k = 0; k < shape.Input; k++) buffer[at++] = (float)weight1[k * shape.H + j];
        }
        foreach (var tensor in Tensors)
        {
            foreach (var value in tensor) buffer[at++] = (float)value;
        }
    }

    public void Clear()
    {
        Array.Clear(weight1);
        foreach (var tensor in Tensors) Array.Clear(tensor);
    }
}
