using System.Runtime.CompilerServices;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// A BatchNorm layer in training, forward and backward, for rows that are shared among threads. Sums over the batch are made of blocks of
/// <see cref="CpuShare.BlockRows"/> rows: each block by one thread, then all blocks in order by every thread for itself, so that the result does not
/// depend on how many threads there are. Between the two steps the threads must meet at a barrier.
/// </summary>
/// <param name="shape">Padded features have a weight of 0.</param>
/// <param name="passes">Forward passes whose statistics are kept for the backward pass.</param>
/// <param name="members">Threads.</param>
internal sealed unsafe class CpuBatchNorm<TSimd, TVector>(CpuShape shape, int passes, int members) : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private readonly int _features = shape.H;
    private readonly AlignedBuffer _weight = new(shape.H);
    private readonly AlignedBuffer _bias = new(shape.H);

    /// <summary>[blocks][2, h]: mean and squared distances of each block.</summary>
    private readonly AlignedBuffer _blocks = new();

    /// <summary>The same for the backward pass: sum of the gradient, and of the gradient times the normalised values.</summary>
    private readonly AlignedBuffer _backwardBlocks = new();

    /// <summary>[members][passes][2, h]: mean and 1 / sqrt(var + eps). Each thread has its own copy.</summary>
    private readonly AlignedBuffer _statistics = new((long)members * passes * 2 * shape.H);

    /// <summary>[members][2, h]: means over the batch that the backward pass takes away.</summary>
    private readonly AlignedBuffer _means = new((long)members * 2 * shape.H);

    public void Load(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias)
    {
        weight.CopyTo(_weight.Span);
        bias.CopyTo(_bias.Span);
    }

    public void Reserve(int rows)
    {
        _blocks.Reserve((long)CpuShare.Blocks(rows) * 2 * _features);
        _backwardBlocks.Reserve((long)CpuShare.Blocks(rows) * 2 * _features);
    }

    /// <summary>First step, for each block of a thread.</summary>
    /// <param name="values">[B, h] before the layer.</param>
    public void SumBlock(float* values, in CpuRowRange block) =>
        SumRows(values + block.Row * _features, block.Rows, _blocks.Pointer + (nint)block.Block * 2 * _features);

    /// <summary>Second step, after a barrier: mean and variance of the batch, for the member that asks.</summary>
    /// <param name="running">The running statistics, moved one step; null for all members but one.</param>
    /// <param name="runningMean">Where in them the layer's means begin.</param>
    /// <param name="runningVariance">Where its variances do.</param>
    public void Combine(int rows, int pass, int member, float[]? running, int runningMean, int runningVariance)
    {
        const double Momentum = ReferenceBatchNorm.Momentum;
        var mean = Statistics(member, pass);
        var scale = mean + _features;
        CombineBlocks(rows, mean, scale);
        if (running is not null)
        {
            fixed (float* statistics = running)
            {
                Move(statistics + runningMean, mean, Momentum);
                Move(statistics + runningVariance, scale, Momentum / (rows - 1));
            }
        }
        TVector count = TSimd.Create(rows), epsilon = TSimd.Create((float)ReferenceBatchNorm.Epsilon), one = TSimd.Create(1);
        for (var i = 0; i < _features; i += TSimd.Count)
        {
            var variance = TSimd.Divide(TSimd.Load(scale + i), count);
            TSimd.Store(scale + i, TSimd.Divide(one, TSimd.Sqrt(TSimd.Add(variance, epsilon))));
        }
    }

    /// <summary>running = (1 - momentum) running + share * value.</summary>
    private void Move(float* running, float* values, double share)
    {
        const float Keep = (float)(1 - ReferenceBatchNorm.Momentum);
        TVector keep = TSimd.Create(Keep), part = TSimd.Create((float)share);
        var i = 0;
        for (; i + TSimd.Count <= shape.Shape.H; i += TSimd.Count)
        {
            TSimd.Store(running + i, TSimd.MultiplyAdd(part, TSimd.Load(values + i), TSimd.Multiply(keep, TSimd.Load(running + i))));
        }
        for (; i < shape.Shape.H; i++) running[i] = Keep * running[i] + (float)share * values[i];
    }

    /// <summary>Third step: output = relu(weight (value - mean) scale + bias) for a block.</summary>
    /// <param name="values">[B, h]</param>
    /// <param name="output">[B, h] at a stride of its own.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* values, float* output, nint outputRow, in CpuRowRange block, int pass, int member)
    {
        var mean = Statistics(member, pass);
        var scale = mean + _features;
        var zero = TSimd.Create(0);
        for (var i = 0; i < _features; i += 2 * TSimd.Count)
        {
            var j = i + TSimd.Count;
            TVector mean0 = TSimd.Load(mean + i), mean1 = TSimd.Load(mean + j);
            TVector bias0 = TSimd.Load(_bias.Pointer + i), bias1 = TSimd.Load(_bias.Pointer + j);
            var factor0 = TSimd.Multiply(TSimd.Load(_weight.Pointer + i), TSimd.Load(scale + i));
            var factor1 = TSimd.Multiply(TSimd.Load(_weight.Pointer + j), TSimd.Load(scale + j));
            float* from = values + block.Row * _features + i, to = output + block.Row * outputRow + i;
            for (var row = 0; row < block.Rows; row++)
            {
                var value0 = TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(from), mean0), factor0, bias0);
                var value1 = TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(from + TSimd.Count), mean1), factor1, bias1);
                TSimd.Store(to, TSimd.Max(zero, value0));
                TSimd.Store(to + TSimd.Count, TSimd.Max(zero, value1));
                from += _features;
                to += outputRow;
            }
        }
    }

    /// <summary>First step back, for each block of a thread: closes the rectifier, and sums.</summary>
    /// <param name="gradient">[B, h] of the rectifier's output; becomes that of its input.</param>
    /// <param name="output">[B, h] of the forward pass.</param>
    /// <param name="values">[B, h] before the layer, of the forward pass.</param>
    public void SumBlockBack(float* gradient, float* output, nint outputRow, float* values, in CpuRowRange block, int pass, int member) =>
        SumRowsBack(
            gradient + block.Row * _features,
            output + block.Row * outputRow,
            outputRow,
            values + block.Row * _features,
            block.Rows,
            Statistics(member, pass),
            _backwardBlocks.Pointer + (nint)block.Block * 2 * _features);

    /// <summary>Second step back, after a barrier: the batch's means, and the gradient of weight and bias where asked for (one member only).</summary>
    /// <param name="parameters">The gradient of all parameters, added to; null for all members but one.</param>
    /// <param name="weight">Where in it the weight's begins.</param>
    /// <param name="bias">Where the bias' does.</param>
    public void CombineBack(int rows, int member, float* parameters, int weight, int bias)
    {
        var sum = _means.Pointer + (nint)member * 2 * _features;
        var product = sum + _features;
        new Span<float>(sum, 2 * _features).Clear();
        for (var block = 0; block < CpuShare.Blocks(rows); block++)
        {
            var of = _backwardBlocks.Pointer + (nint)block * 2 * _features;
            for (var i = 0; i < 2 * _features; i += TSimd.Count) TSimd.Store(sum + i, TSimd.Add(TSimd.Load(sum + i), TSimd.Load(of + i)));
        }
        for (var i = 0; parameters != null && i < shape.Shape.H; i++)
        {
            parameters[bias + i] += sum[i];
            parameters[weight + i] += product[i];
        }
        var share = TSimd.Create(1f / rows);
        for (var i = 0; i < 2 * _features; i += TSimd.Count) TSimd.Store(sum + i, TSimd.Multiply(TSimd.Load(sum + i), share));
    }

    /// <summary>Third step back: gradient = weight scale (gradient - mean of gradient - normalised * mean of gradient * normalised).</summary>
    /// <param name="gradient">[B, h]; becomes that of the layer's input, for a block.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ApplyBack(float* gradient, float* values, in CpuRowRange block, int pass, int member)
    {
        var mean = Statistics(member, pass);
        var scale = mean + _features;
        var sums = _means.Pointer + (nint)member * 2 * _features;
        for (var i = 0; i < _features; i += TSimd.Count)
        {
            TVector m = TSimd.Load(mean + i), s = TSimd.Load(scale + i);
            var factor = TSimd.Multiply(TSimd.Load(_weight.Pointer + i), s);
            // normalised * mean product = (value - m) * (s * mean product)
            TVector average = TSimd.Load(sums + i), slope = TSimd.Multiply(s, TSimd.Load(sums + _features + i));
            float* g = gradient + block.Row * _features + i, x = values + block.Row * _features + i;
            for (var row = 0; row < block.Rows; row++)
            {
                var rest = TSimd.Subtract(TSimd.Load(g), average);
                rest = TSimd.Subtract(rest, TSimd.Multiply(TSimd.Subtract(TSimd.Load(x), m), slope));
                TSimd.Store(g, TSimd.Multiply(factor, rest));
                g += _features;
                x += _features;
            }
        }
    }

    public void Dispose()
    {
        foreach (var buffer in (AlignedBuffer[])[_weight, _bias, _blocks, _backwardBlocks, _statistics, _means]) buffer.Dispose();
    }

    private float* Statistics(int member, int pass) => _statistics.Pointer + ((nint)member * passes + pass) * 2 * _features;

    /// <summary>Mean and squared distances from it, two passes over rows that the first cache still holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumRows(float* values, int rows, float* sums)
    {
        var share = TSimd.Create(1f / rows);
        for (var i = 0; i < _features; i += 2 * TSimd.Count)
        {
            TVector sum0 = TSimd.Create(0), sum1 = sum0;
            var from = values + i;
            for (var row = 0; row < rows; row++)
            {
                sum0 = TSimd.Add(sum0, TSimd.Load(from));
                sum1 = TSimd.Add(sum1, TSimd.Load(from + TSimd.Count));
                from += _features;
            }
            TVector mean0 = TSimd.Multiply(sum0, share), mean1 = TSimd.Multiply(sum1, share);
            TVector square0 = TSimd.Create(0), square1 = square0;
            from = values + i;
            for (var row = 0; row < rows; row++)
            {
                TVector distance0 = TSimd.Subtract(TSimd.Load(from), mean0), distance1 = TSimd.Subtract(TSimd.Load(from + TSimd.Count), mean1);
                square0 = TSimd.MultiplyAdd(distance0, distance0, square0);
                square1 = TSimd.MultiplyAdd(distance1, distance1, square1);
                from += _features;
            }
            TSimd.Store(sums + i, mean0);
            TSimd.Store(sums + i + TSimd.Count, mean1);
            TSimd.Store(sums + _features + i, square0);
            TSimd.Store(sums + _features + i + TSimd.Count, square1);
        }
    }

    /// <summary>Chan, Golub, LeVeque (1979): squared distances of a whole from those of its parts and the distances of their means.</summary>
    private void CombineBlocks(int rows, float* mean, float* squares)
    {
        var blocks = CpuShare.Blocks(rows);
        for (var i = 0; i < _features; i += TSimd.Count)
        {
            var sum = TSimd.Create(0);
            for (var block = 0; block < blocks; block++)
            {
                var of = _blocks.Pointer + (nint)block * 2 * _features + i;
                sum = TSimd.MultiplyAdd(TSimd.Create(Math.Min(CpuShare.BlockRows, rows - block * CpuShare.BlockRows)), TSimd.Load(of), sum);
            }
            var all = TSimd.Multiply(sum, TSimd.Create(1f / rows));
            var square = TSimd.Create(0);
            for (var block = 0; block < blocks; block++)
            {
                var of = _blocks.Pointer + (nint)block * 2 * _features + i;
                var distance = TSimd.Subtract(TSimd.Load(of), all);
                var weighted = TSimd.Multiply(distance, TSimd.Create(Math.Min(CpuShare.BlockRows, rows - block * CpuShare.BlockRows)));
                square = TSimd.Add(square, TSimd.MultiplyAdd(weighted, distance, TSimd.Load(of + _features)));
            }
            TSimd.Store(mean + i, all);
            TSimd.Store(squares + i, square);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumRowsBack(float* gradient, float* output, nint outputRow, float* values, int rows, float* statistics, float* sums)
    {
        for (var i = 0; i < _features; i += 2 * TSimd.Count)
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
                g += _features;
                o += outputRow;
                x += _features;
            }
            var scale = statistics + _features + i;
            TSimd.Store(sums + i, sum0);
            TSimd.Store(sums + i + TSimd.Count, sum1);
            TSimd.Store(sums + _features + i, TSimd.Multiply(product0, TSimd.Load(scale)));
            TSimd.Store(sums + _features + i + TSimd.Count, TSimd.Multiply(product1, TSimd.Load(scale + TSimd.Count)));
        }
    }
}
