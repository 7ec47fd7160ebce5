using System.Runtime.CompilerServices;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// A BatchNorm layer in training, forward and backward, for rows that are shared among threads. Sums over the batch are made of blocks of
/// <see cref="BlockRows"/> rows: each block by one thread, then all blocks in order by every thread for itself, so that the result does not
/// depend on how many threads there are. Between the two steps the threads must meet at a barrier.
/// </summary>
/// <param name="features">h, a multiple of a panel's width; padded features have a weight of 0.</param>
/// <param name="passes">Forward passes whose statistics are kept for the backward pass.</param>
/// <param name="members">Threads.</param>
internal sealed unsafe class CpuBatchNorm<TSimd, TVector>(int features, int passes, int members) : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    public const int BlockRows = 32;

    private readonly AlignedBuffer _weight = new(features);
    private readonly AlignedBuffer _bias = new(features);

    /// <summary>[blocks][2, h]: mean and squared distances of each block.</summary>
    private readonly AlignedBuffer _blocks = new();

    /// <summary>The same for the backward pass: sum of the gradient, and of the gradient times the normalised values.</summary>
    private readonly AlignedBuffer _backwardBlocks = new();

    /// <summary>[members][passes][2, h]: mean and 1 / sqrt(var + eps). Each thread has its own copy.</summary>
    private readonly AlignedBuffer _statistics = new((long)members * passes * 2 * features);

    /// <summary>[members][2, h]: means over the batch that the backward pass takes away.</summary>
    private readonly AlignedBuffer _means = new((long)members * 2 * features);

    public static int Blocks(int rows) => (rows + BlockRows - 1) / BlockRows;

    public void Load(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias)
    {
        weight.CopyTo(_weight.Span);
        bias.CopyTo(_bias.Span);
    }

    public void Reserve(int rows)
    {
        _blocks.Reserve((long)Blocks(rows) * 2 * features);
        _backwardBlocks.Reserve((long)Blocks(rows) * 2 * features);
    }

    /// <summary>First step: the sums of blocks [from, to).</summary>
    /// <param name="values">[B, h] before the layer.</param>
    /// <param name="rows">B.</param>
    public void SumBlocks(float* values, int rows, int from, int to)
    {
        for (var block = from; block < to; block++)
        {
            var first = block * BlockRows;
            SumBlock(values + (nint)first * features, Math.Min(BlockRows, rows - first), _blocks.Pointer + (nint)block * 2 * features);
        }
    }

    /// <summary>Second step, after a barrier: mean and variance of the batch, for the member that asks.</summary>
    /// <param name="runningMean">[h], moved one step; empty for all members but one.</param>
    /// <param name="runningVariance">[h], likewise.</param>
    public void Combine(int rows, int pass, int member, Span<float> runningMean, Span<float> runningVariance)
    {
        var mean = Statistics(member, pass);
        var scale = mean + features;
        CombineBlocks(rows, mean, scale);
        for (var i = 0; i < runningMean.Length; i++)
        {
            const double Momentum = ReferenceBatchNorm.Momentum;
            runningMean[i] = (float)((1 - Momentum) * runningMean[i] + Momentum * mean[i]);
            runningVariance[i] = (float)((1 - Momentum) * runningVariance[i] + Momentum * scale[i] / (rows - 1));
        }
        TVector count = TSimd.Create(rows), epsilon = TSimd.Create((float)ReferenceBatchNorm.Epsilon), one = TSimd.Create(1);
        for (var i = 0; i < features; i += TSimd.Count)
        {
            var variance = TSimd.Divide(TSimd.Load(scale + i), count);
            TSimd.Store(scale + i, TSimd.Divide(one, TSimd.Sqrt(TSimd.Add(variance, epsilon))));
        }
    }

    /// <summary>Third step: output = relu(weight (value - mean) scale + bias) for some rows.</summary>
    /// <param name="output">[rows, h] at a stride of its own.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* values, int rows, float* output, nint outputRow, int pass, int member)
    {
        var mean = Statistics(member, pass);
        var scale = mean + features;
        var zero = TSimd.Create(0);
        for (var i = 0; i < features; i += TSimd.Count)
        {
            TVector m = TSimd.Load(mean + i), b = TSimd.Load(_bias.Pointer + i);
            var factor = TSimd.Multiply(TSimd.Load(_weight.Pointer + i), TSimd.Load(scale + i));
            float* from = values + i, to = output + i;
            for (var row = 0; row < rows; row++)
            {
                TSimd.Store(to, TSimd.Max(zero, TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(from), m), factor, b)));
                from += features;
                to += outputRow;
            }
        }
    }

    /// <summary>First step back: closes the rectifier, and sums blocks [from, to).</summary>
    /// <param name="gradient">[B, h] of the rectifier's output; becomes that of its input.</param>
    /// <param name="output">[B, h] of the forward pass.</param>
    /// <param name="values">[B, h] before the layer, of the forward pass.</param>
    public void SumBlocksBack(float* gradient, float* output, nint outputRow, float* values, int rows, int from, int to, int pass, int member)
    {
        for (var block = from; block < to; block++)
        {
            var first = block * BlockRows;
            SumBlockBack(
                gradient + (nint)first * features,
                output + first * outputRow,
                outputRow,
                values + (nint)first * features,
                Math.Min(BlockRows, rows - first),
                Statistics(member, pass),
                _backwardBlocks.Pointer + (nint)block * 2 * features);
        }
    }

    /// <summary>Second step back, after a barrier: the batch's means, and the gradient of weight and bias where asked for (one member only).</summary>
    /// <param name="weightGradient">[h] or empty; added to.</param>
    /// <param name="biasGradient">[h] or empty; added to.</param>
    public void CombineBack(int rows, int member, Span<float> weightGradient, Span<float> biasGradient)
    {
        var sum = _means.Pointer + (nint)member * 2 * features;
        var product = sum + features;
        new Span<float>(sum, 2 * features).Clear();
        for (var block = 0; block < Blocks(rows); block++)
        {
            var of = _backwardBlocks.Pointer + (nint)block * 2 * features;
            for (var i = 0; i < 2 * features; i += TSimd.Count) TSimd.Store(sum + i, TSimd.Add(TSimd.Load(sum + i), TSimd.Load(of + i)));
        }
        for (var i = 0; i < biasGradient.Length; i++)
        {
            biasGradient[i] += sum[i];
            weightGradient[i] += product[i];
        }
        var share = TSimd.Create(1f / rows);
        for (var i = 0; i < 2 * features; i += TSimd.Count) TSimd.Store(sum + i, TSimd.Multiply(TSimd.Load(sum + i), share));
    }

    /// <summary>Third step back: gradient = weight scale (gradient - mean of gradient - normalised * mean of gradient * normalised).</summary>
    /// <param name="gradient">[rows, h]; becomes that of the layer's input.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ApplyBack(float* gradient, float* values, int rows, int pass, int member)
    {
        var mean = Statistics(member, pass);
        var scale = mean + features;
        var sums = _means.Pointer + (nint)member * 2 * features;
        for (var i = 0; i < features; i += TSimd.Count)
        {
            TVector m = TSimd.Load(mean + i), s = TSimd.Load(scale + i);
            var factor = TSimd.Multiply(TSimd.Load(_weight.Pointer + i), s);
            // normalised * mean product = (value - m) * (s * mean product)
            TVector average = TSimd.Load(sums + i), slope = TSimd.Multiply(s, TSimd.Load(sums + features + i));
            float* g = gradient + i, x = values + i;
            for (var row = 0; row < rows; row++)
            {
                var rest = TSimd.Subtract(TSimd.Load(g), average);
                rest = TSimd.Subtract(rest, TSimd.Multiply(TSimd.Subtract(TSimd.Load(x), m), slope));
                TSimd.Store(g, TSimd.Multiply(factor, rest));
                g += features;
                x += features;
            }
        }
    }

    public void Dispose()
    {
        foreach (var buffer in (AlignedBuffer[])[_weight, _bias, _blocks, _backwardBlocks, _statistics, _means]) buffer.Dispose();
    }

    private float* Statistics(int member, int pass) => _statistics.Pointer + ((nint)member * passes + pass) * 2 * features;

    /// <summary>Mean and squared distances from it, two passes over rows that the first cache still holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumBlock(float* values, int rows, float* sums)
    {
        var share = TSimd.Create(1f / rows);
        for (var i = 0; i < features; i += 2 * TSimd.Count)
        {
            TVector sum0 = TSimd.Create(0), sum1 = sum0;
            var from = values + i;
            for (var row = 0; row < rows; row++)
            {
                sum0 = TSimd.Add(sum0, TSimd.Load(from));
                sum1 = TSimd.Add(sum1, TSimd.Load(from + TSimd.Count));
                from += features;
            }
            TVector mean0 = TSimd.Multiply(sum0, share), mean1 = TSimd.Multiply(sum1, share);
            TVector square0 = TSimd.Create(0), square1 = square0;
            from = values + i;
            for (var row = 0; row < rows; row++)
            {
                TVector distance0 = TSimd.Subtract(TSimd.Load(from), mean0), distance1 = TSimd.Subtract(TSimd.Load(from + TSimd.Count), mean1);
                square0 = TSimd.MultiplyAdd(distance0, distance0, square0);
                square1 = TSimd.MultiplyAdd(distance1, distance1, square1);
                from += features;
            }
            TSimd.Store(sums + i, mean0);
            TSimd.Store(sums + i + TSimd.Count, mean1);
            TSimd.Store(sums + features + i, square0);
            TSimd.Store(sums + features + i + TSimd.Count, square1);
        }
    }

    /// <summary>Chan, Golub, LeVeque (1979): squared distances of a whole from those of its parts and the distances of their means.</summary>
    private void CombineBlocks(int rows, float* mean, float* squares)
    {
        var blocks = Blocks(rows);
        for (var i = 0; i < features; i += TSimd.Count)
        {
            var sum = TSimd.Create(0);
            for (var block = 0; block < blocks; block++)
            {
                var of = _blocks.Pointer + (nint)block * 2 * features + i;
                sum = TSimd.MultiplyAdd(TSimd.Create(Math.Min(BlockRows, rows - block * BlockRows)), TSimd.Load(of), sum);
            }
            var all = TSimd.Multiply(sum, TSimd.Create(1f / rows));
            var square = TSimd.Create(0);
            for (var block = 0; block < blocks; block++)
            {
                var of = _blocks.Pointer + (nint)block * 2 * features + i;
                var distance = TSimd.Subtract(TSimd.Load(of), all);
                var weighted = TSimd.Multiply(distance, TSimd.Create(Math.Min(BlockRows, rows - block * BlockRows)));
                square = TSimd.Add(square, TSimd.MultiplyAdd(weighted, distance, TSimd.Load(of + features)));
            }
            TSimd.Store(mean + i, all);
            TSimd.Store(squares + i, square);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumBlockBack(float* gradient, float* output, nint outputRow, float* values, int rows, float* statistics, float* sums)
    {
        for (var i = 0; i < features; i += 2 * TSimd.Count)
        {
            TVector mean0 = TSimd.Load(statistics + i), mean1 = TSimd.Load(statistics + i + TSimd.Count);
            TVector sum0 = TSimd.Create(0), sum1 = sum0, product0 = sum0, product1 = sum0;
            float* g = gradient + i, o = output + i, x = values + i;
            for (var row = 0; row < rows; row++)
            {
                TVector open0 = TSimd.WherePositive(TSimd.Load(o), TSimd.Load(g));
                TVector open1 = TSimd.WherePositive(TSimd.Load(o + TSimd.Count), TSimd.Load(g + TSimd.Count));
                TSimd.Store(g, open0);
                TSimd.Store(g + TSimd.Count, open1);
                sum0 = TSimd.Add(sum0, open0);
                sum1 = TSimd.Add(sum1, open1);
                product0 = TSimd.MultiplyAdd(open0, TSimd.Subtract(TSimd.Load(x), mean0), product0);
                product1 = TSimd.MultiplyAdd(open1, TSimd.Subtract(TSimd.Load(x + TSimd.Count), mean1), product1);
                g += features;
                o += outputRow;
                x += features;
            }
            var scale = statistics + features + i;
            TSimd.Store(sums + i, sum0);
            TSimd.Store(sums + i + TSimd.Count, sum1);
            TSimd.Store(sums + features + i, TSimd.Multiply(product0, TSimd.Load(scale)));
            TSimd.Store(sums + features + i + TSimd.Count, TSimd.Multiply(product1, TSimd.Load(scale + TSimd.Count)));
        }
    }
}
