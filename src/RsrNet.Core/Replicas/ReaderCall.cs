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

    private double[] hidden = [];  // [n, h] after relu
    private double[] cosines = []; // [n] cos(s_i, u) of the input
    private double[] latent = [];  // [L] z of the input
    private double[] mean = [];    // [h]

    /// <summary>[n] weight_i.</summary>
    public double[] Weights { get; private set; } = [];

    /// <summary>[n] u' . s_i</summary>
    public double[] Products { get; private set; } = [];

    /// <summary>||u'||</summary>
    public double Norm { get; private set; }

    /// <summary>[n] cos(s_i, u') = the next call's input.</summary>
    public double[] Cosines { get; private set; } = [];

    /// <summary>[L] z'</summary>
    public double[] Latent { get; private set; } = [];

    /// <param name="start">[n] u0 . s_i</param>
    /// <param name="inputCosines">[n] cos(s_i, u)</param>
    /// <param name="inputLatent">[L] z</param>
    public void Forward(ReaderParameters p, SentenceReading reading, double[] start, double[] inputCosines, double[] inputLatent)
    {
        var (n, h, l) = (reading.Count, shape.H, shape.L);
        (cosines, latent) = (inputCosines, inputLatent);
        hidden = new double[n * h];
        mean = new double[h];
        Weights = new double[n];
        Latent = new double[l];
        var shared = new double[h]; // W1's part that all sentences share: z and the bias
        for (var j = 0; j < h; j++)
        {
            shared[j] = p.Bias1[j];
            for (var k = 0; k < l; k++) shared[j] += p.Weight1[j * shape.Input + F + 1 + k] * latent[k];
        }
        for (var i = 0; i < n; i++)
        {
            var features = reading.Features.AsSpan(i * F, F);
            Weights[i] = p.Bias2[0];
            for (var j = 0; j < h; j++)
            {
                var row = p.Weight1.AsSpan(j * shape.Input, F + 1);
                var sum = shared[j] + row[F] * cosines[i];
                for (var k = 0; k < F; k++) sum += row[k] * features[k];
                if (sum <= 0) continue;
                hidden[i * h + j] = sum;
                mean[j] += sum / n;
                Weights[i] += p.Weight2[j] * sum;
            }
        }
        for (var k = 0; k < l; k++)
        {
            double sum = p.Bias3[k];
            for (var j = 0; j < h; j++) sum += p.Weight3[k * h + j] * mean[j];
            Latent[k] = Math.Tanh(sum);
        }
        Products = new double[n];
        double square = 1;
        for (var i = 0; i < n; i++)
        {
            Products[i] = start[i];
            for (var k = 0; k < n; k++) Products[i] += reading.Products[i * n + k] * Weights[k];
            square += Weights[i] * (start[i] + Products[i]); // |u0|^2 + 2 w.u0s + w'Gw
        }
        Norm = Math.Sqrt(Math.Max(square, 1e-12));
        Cosines = new double[n];
        for (var i = 0; i < n; i++) Cosines[i] = Products[i] / Norm;
    }

    /// <summary>Adds this call's part to the gradient of the parameters.</summary>
    /// <param name="gradient">The network's gradient, added to.</param>
    /// <param name="ofWeights">[n] gradient of weight_i from what stands behind this call other than through its cosines; overwritten.</param>
    /// <param name="ofCosines">[n] gradient of cos(s_i, u'); replaced by that of the input's cos(s_i, u).</param>
    /// <param name="ofLatent">[L] gradient of z'; replaced by that of z.</param>
    public void Backward(ReaderParameters p, ReaderParameters gradient, SentenceReading reading, double[] ofWeights, double[] ofCosines, double[] ofLatent)
    {
        var (n, h, l) = (reading.Count, shape.H, shape.L);
        // cos_i = products_i / norm; d products / d weight = G; d norm / d weight = products / norm.
        double along = 0;
        for (var i = 0; i < n; i++) along += ofCosines[i] * Products[i];
        for (var i = 0; i < n; i++)
        {
            var sum = -along / (Norm * Norm * Norm) * Products[i];
            for (var k = 0; k < n; k++) sum += reading.Products[i * n + k] * ofCosines[k] / Norm;
            ofWeights[i] += sum;
        }
        var ofMean = new double[h];
        for (var k = 0; k < l; k++)
        {
            var inside = ofLatent[k] * (1 - Latent[k] * Latent[k]);
            gradient.Bias3[k] += inside;
            for (var j = 0; j < h; j++)
            {
                gradient.Weight3[k * h + j] += inside * mean[j];
                ofMean[j] += inside * p.Weight3[k * h + j];
            }
        }
        Array.Clear(ofLatent);
        var ofShared = new double[h];
        for (var i = 0; i < n; i++)
        {
            var features = reading.Features.AsSpan(i * F, F);
            gradient.Bias2[0] += ofWeights[i];
            ofCosines[i] = 0;
            for (var j = 0; j < h; j++)
            {
                var active = hidden[i * h + j];
                if (active == 0) continue;
                gradient.Weight2[j] += ofWeights[i] * active;
                var inside = ofWeights[i] * p.Weight2[j] + ofMean[j] / n;
                var row = gradient.Weight1.AsSpan(j * shape.Input, F + 1);
                for (var k = 0; k < F; k++) row[k] += inside * features[k];
                row[F] += inside * cosines[i];
                ofCosines[i] += inside * p.Weight1[j * shape.Input + F];
                ofShared[j] += inside;
            }
        }
        for (var j = 0; j < h; j++)
        {
            gradient.Bias1[j] += ofShared[j];
            for (var k = 0; k < l; k++)
            {
                var at = j * shape.Input + F + 1 + k;
                gradient.Weight1[at] += ofShared[j] * latent[k];
                ofLatent[k] += ofShared[j] * p.Weight1[at];
            }
        }
    }
}

/// <summary>The reader's tensors, or their gradients, in double: plain loops are the truth here, and fast enough for networks of this size.</summary>
internal sealed class ReaderParameters(RecursionShape shape)
{
    public double[] Weight1 { get; } = new double[shape.H * shape.Input];

    public double[] Bias1 { get; } = new double[shape.H];

    public double[] Weight2 { get; } = new double[shape.H];

    public double[] Bias2 { get; } = new double[1];

    public double[] Weight3 { get; } = new double[shape.L * shape.H];

    public double[] Bias3 { get; } = new double[shape.L];

    // In the layout's order.
    private double[][] Tensors => [Weight1, Bias1, Weight2, Bias2, Weight3, Bias3];

    public void Read(RecursionWeights weights)
    {
        var at = 0;
        foreach (var tensor in Tensors)
        {
            for (var i = 0; i < tensor.Length; i++) tensor[i] = weights.Parameters[at++];
        }
    }

    public void Write(Span<float> buffer)
    {
        var at = 0;
        foreach (var tensor in Tensors)
        {
            foreach (var value in tensor) buffer[at++] = (float)value;
        }
    }

    public void Clear()
    {
        foreach (var tensor in Tensors) Array.Clear(tensor);
    }
}
