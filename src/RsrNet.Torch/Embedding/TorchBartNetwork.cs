using RsrNet.Core.Embedding;
using RsrNet.Torch.Replicas;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RsrNet.Torch.Embedding;

/// <summary>
/// BART's encoder by libtorch's operations, on a processor or a GPU. Texts of nearly the same length go through it together; shorter ones
/// are filled up to the longest, and what fills them is neither attended to nor counted. B texts, T tokens of the longest, d width, h heads.
/// </summary>
/// <remarks>
/// Attention is spelled out in products and a softmax rather than taken from libtorch's fused kernels, which differ from version to version.
/// Differs from <see cref="BartNetwork"/> by rounding: 1e-6 of an embedding in single precision.
/// </remarks>
internal sealed unsafe class TorchBartNetwork : IBartNetwork
{
    /// <summary>
    /// Share of a text's rows that padding may add: more would be computed for nothing, less would part the texts into more batches.
    /// </summary>
    private const double Padding = 1.0 / 8;

    private readonly TorchDevice device;
    private readonly ScalarType precision;
    private readonly Tensor tokens, positions;
    private readonly Norm embeddingNorm;
    private readonly Layer[] layers;

    /// <param name="device">Not disposed with the network.</param>
    /// <param name="precision">What it computes in; the mean over a text's tokens is always taken in single precision.</param>
    /// <exception cref="InvalidDataException">The precision is not one of libtorch's engines.</exception>
    public TorchBartNetwork(TorchDevice device, BartWeights weights, WeightPrecision precision)
    {
        this.device = device;
        this.precision = precision switch
        {
            WeightPrecision.Single => ScalarType.Float32,
            WeightPrecision.BFloat16 => ScalarType.BFloat16,
            _ => throw new InvalidDataException($"Embedding.WeightPrecision is {precision}, which needs Embedding.Engine cpu; {device.Name} has Single and BFloat16"),
        };
        Config = weights.Config;
        var (d, f) = (Config.Width, Config.Hidden);
        (tokens, positions, embeddingNorm, layers) = device.Run(() => (
            Place(weights.Tokens, Config.Vocabulary, d), Place(weights.Positions, Config.Positions + BartConfig.PositionOffset, d),
            Place(weights.EmbeddingNorm), weights.Layers.Select(layer => new Layer(
                Place([.. layer.Query.Weight, .. layer.Key.Weight, .. layer.Value.Weight], 3 * d, d),
                Place([.. layer.Query.Bias, .. layer.Key.Bias, .. layer.Value.Bias], 3 * d),
                Place(layer.Output.Weight, d, d), Place(layer.Output.Bias, d), Place(layer.AttentionNorm),
                Place(layer.In.Weight, f, d), Place(layer.In.Bias, f), Place(layer.Out.Weight, d, f), Place(layer.Out.Bias, d),
                Place(layer.FinalNorm))).ToArray()));
    }

    public BartConfig Config { get; }

    /// <summary>
    /// A GPU wants many tokens at once, at 200 MB of attention's scores in single precision for texts of 512; on a processor, the device's
    /// other users should not wait long.
    /// </summary>
    public int GroupTokens => device.Device.type == DeviceType.CUDA ? 8192 : 1024;

    /// <inheritdoc/>
    public void Embed(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts, Span<float> means)
    {
        // libtorch would end the process, or on a GPU all further work.
        BartText.EnsureCover(ids, texts, Config);
        if (means.Length != texts.Length * Config.Width)
            throw new ArgumentException($"{texts.Length} texts need {texts.Length * Config.Width} floats, the destination has {means.Length}", nameof(means));
        var (heldIds, heldTexts) = (ids.ToArray(), texts.ToArray());
        fixed (float* start = means)
        {
            // The caller waits, so the memory stays where it is until the thread has written it.
            var (pointer, length) = ((nint)start, means.Length);
            device.Run(() => EmbedHere(heldIds, heldTexts, new Span<float>((float*)pointer, length)));
        }
    }

    public void Dispose() => device.Run(() =>
    {
        tokens.Dispose();
        positions.Dispose();
        embeddingNorm.Dispose();
        foreach (var layer in layers) layer.Dispose();
    });

    private void EmbedHere(int[] ids, BartText[] texts, Span<float> means)
    {
        using var noGradient = no_grad();
        foreach (var batch in Batches(texts))
        {
            using var scope = NewDisposeScope();
            var rows = Array.ConvertAll(batch, text => texts[text].Rows);
            var mean = Mean(Hidden(ids, Array.ConvertAll(batch, text => texts[text])), rows);
            var values = new float[batch.Length * Config.Width];
            RecursionModule.Read(mean, values);
            for (var i = 0; i < batch.Length; i++) values.AsSpan(i * Config.Width, Config.Width).CopyTo(means[(batch[i] * Config.Width)..]);
        }
    }

    /// <returns>Indexes of the texts that go through together, the longest first.</returns>
    private IEnumerable<int[]> Batches(BartText[] texts)
    {
        var order = Enumerable.Range(0, texts.Length).OrderByDescending(text => texts[text].Rows).ToArray();
        for (var from = 0; from < order.Length;)
        {
            var longest = texts[order[from]].Rows;
            var end = from + 1;
            while (end < order.Length && texts[order[end]].Rows >= longest * (1 - Padding) && (end - from + 1) * longest <= GroupTokens) end++;
            yield return order[from..end];
            from = end;
        }
    }

    /// <returns>[B, T, d], the last hidden states.</returns>
    private Tensor Hidden(int[] ids, BartText[] texts)
    {
        var (b, t, d) = (texts.Length, texts[0].Rows, Config.Width);
        var padded = new long[b * t];
        var absent = new bool[b * t];
        for (var i = 0; i < b; i++)
        {
            for (var column = 0; column < texts[i].Rows; column++) padded[i * t + column] = ids[texts[i].Row + column];
            Array.Fill(absent, true, i * t + texts[i].Tokens, t - texts[i].Tokens);
        }
        var mask = absent.Contains(true)
            ? zeros(b, 1, 1, t, dtype: precision, device: device.Device).masked_fill_(tensor(absent, b, 1, 1, t, device: device.Device), float.NegativeInfinity)
            : null;
        var x = tokens.index_select(0, tensor(padded, device: device.Device)).view(b, t, d);
        x = embeddingNorm.Of(x * Config.Scale + positions.narrow(0, BartConfig.PositionOffset, t));
        foreach (var layer in layers)
        {
            // What a layer needs in between is let go at its end.
            using var scope = NewDisposeScope();
            var attended = layer.AttentionNorm.Of(x + functional.linear(Attend(x, layer, mask), layer.OutputWeight, layer.OutputBias));
            var hidden = functional.gelu(functional.linear(attended, layer.InWeight, layer.InBias));
            x = scope.MoveToOuter(layer.FinalNorm.Of(attended + functional.linear(hidden, layer.OutWeight, layer.OutBias)));
        }
        return x;
    }

    /// <summary>softmax(q k / sqrt(head width)) v, each head by itself.</summary>
    /// <param name="x">[B, T, d]</param>
    /// <param name="mask">[B, 1, 1, T], minus infinity where a text has no token; null where all have.</param>
    /// <returns>[B, T, d]</returns>
    private Tensor Attend(Tensor x, Layer layer, Tensor? mask)
    {
        var (b, t, d) = (x.shape[0], x.shape[1], x.shape[2]);
        var parts = functional.linear(x, layer.ProjectionWeight, layer.ProjectionBias)
            .view(b, t, 3, Config.Heads, Config.HeadWidth).permute(2, 0, 3, 1, 4).unbind(0);
        var scores = parts[0].matmul(parts[1].transpose(-2, -1)).mul_(1 / Math.Sqrt(Config.HeadWidth));
        if (mask is not null) scores.add_(mask);
        return functional.softmax(scores, -1).matmul(parts[2]).permute(0, 2, 1, 3).reshape(b, t, d);
    }

    /// <param name="hidden">[B, T, d]</param>
    /// <param name="rows">[B], how many rows of each text count.</param>
    /// <returns>[B, d] in single precision.</returns>
    private Tensor Mean(Tensor hidden, int[] rows)
    {
        var (b, t) = (rows.Length, hidden.shape[1]);
        var shares = new float[b * t];
        for (var i = 0; i < b; i++) Array.Fill(shares, 1f / rows[i], (int)(i * t), rows[i]);
        return (hidden.to_type(ScalarType.Float32) * tensor(shares, b, t, 1, device: device.Device)).sum(1);
    }

    private Norm Place(BartNorm norm) => new(Place(norm.Scale, norm.Scale.Length), Place(norm.Shift, norm.Shift.Length));

    /// <summary>The only tensors that outlive a call.</summary>
    private Tensor Place(float[] values, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return tensor(values, shape).to(precision).to(device.Device).DetachFromDisposeScope();
    }

    private sealed record Norm(Tensor Scale, Tensor Shift) : IDisposable
    {
        public Tensor Of(Tensor x) => functional.layer_norm(x, [Scale.shape[0]], Scale, Shift, BartConfig.Epsilon);

        public void Dispose()
        {
            Scale.Dispose();
            Shift.Dispose();
        }
    }

    private sealed record Layer(
        Tensor ProjectionWeight, Tensor ProjectionBias, Tensor OutputWeight, Tensor OutputBias, Norm AttentionNorm,
        Tensor InWeight, Tensor InBias, Tensor OutWeight, Tensor OutBias, Norm FinalNorm) : IDisposable
    {
        public void Dispose()
        {
            foreach (var tensor in (Tensor[])[ProjectionWeight, ProjectionBias, OutputWeight, OutputBias, InWeight, InBias, OutWeight, OutBias]) tensor.Dispose();
            AttentionNorm.Dispose();
            FinalNorm.Dispose();
        }
    }
}
