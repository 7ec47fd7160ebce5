using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// Deep recursion outside training, where weights and statistics stand still. That saves most of the arithmetic, without changing the result by
/// more than rounding:
/// BatchNorm is a factor and a shift for each feature, so it goes into the layer before it; x meets fc1 once instead of in each call; and between
/// calls y is only read by fc1, so <c>y W1y^T = v (W1y Wout)^T + W1y b_out</c> leaves out both products of width d. Only the
/// first call reads a y of width d, and only the last one makes it.
/// </summary>
/// <remarks>Rows do not know of each other: a few at a time run through the whole recursion, so what they carry stays in the first caches.</remarks>
internal sealed unsafe class CpuRefinement<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows that run through the recursion together: a multiple of every tile, with 24 KB of activations in each layer.</summary>
    private const int BlockRows = 48;

    private readonly CpuShape _shape;
    private readonly CpuSlots _slots;
    private readonly int _calls;
    private readonly MatrixRight<TSimd, TVector> _fromX;
    private readonly MatrixRight<TSimd, TVector> _fromY;
    private readonly MatrixRight<TSimd, TVector> _fromZ;
    private readonly MatrixRight<TSimd, TVector> _hidden;
    private readonly MatrixRight<TSimd, TVector> _latent;
    private readonly MatrixRight<TSimd, TVector> _out;

    /// <summary>[W1y Wout | W1z]: what a call takes from [v, z] of the call before.</summary>
    private readonly MatrixRight<TSimd, TVector> _fold;
    private readonly AlignedBuffer _bias1;
    private readonly AlignedBuffer _foldBias;
    private readonly AlignedBuffer _bias2;
    private readonly AlignedBuffer _biasLatent;
    private readonly AlignedBuffer _biasOut;
    private readonly AlignedBuffer _scaled;
    private readonly AlignedBuffer _folded;
    private readonly AlignedBuffer[] _scratch;
    private readonly AlignedBuffer _packedLeft = new();
    private readonly AlignedBuffer _packedRight = new();

    /// <param name="calls">Calls of a deep recursion, n T.</param>
    /// <param name="members">Threads that may run <see cref="Run"/> at a time.</param>
    public CpuRefinement(RecursionShape shape, int calls, int members)
    {
        _shape = new CpuShape(shape, MatrixTile<TSimd, TVector>.PanelWidth);
        _slots = new CpuSlots(ParameterLayout.Of(shape));
        _calls = calls;
        var (d, h, l) = shape;
        _fromX = new(d, _shape.H);
        _fromY = new(d, _shape.H);
        _fromZ = new(l, _shape.H);
        _hidden = new(_shape.H, _shape.H);
        _latent = new(_shape.H, _shape.L);
        _out = new(_shape.H, d);
        _fold = new(_shape.H + _shape.L, _shape.H);
        _bias1 = new(_shape.H);
        _foldBias = new(_shape.H);
        _bias2 = new(_shape.H);
        _biasLatent = new(_shape.L);
        _biasOut = new(_shape.D);
        _scaled = new((long)h * Math.Max(shape.Input, h));
        _folded = new((long)_shape.H * _shape.H);
        _scratch = new AlignedBuffer[members];
        for (var i = 0; i < members; i++) _scratch[i] = new AlignedBuffer((long)BlockRows * (3 * _shape.H + _shape.L));
    }

    /// <summary>Folds and packs the weights of one version.</summary>
    public void Load(RecursionWeights weights)
    {
        var (d, h, l) = weights.Shape;
        fixed (float* parameters = weights.Parameters, statistics = weights.Statistics)
        {
            Normalise(
                parameters + _slots.Fc1Weight, parameters + _slots.Fc1Bias, weights.Shape.Input,
                parameters + _slots.Bn1Weight, parameters + _slots.Bn1Bias, statistics + _slots.Mean1, statistics + _slots.Variance1, _bias1.Pointer);
            var fc1 = _scaled.Pointer;
            nint input = weights.Shape.Input;
            _fromX.Place(fc1, 1, input, d, h);
            _fromY.Place(fc1 + d, 1, input, d, h);
            _fromZ.Place(fc1 + 2 * d, 1, input, l, h);
            FoldOutput(fc1 + d, input, parameters + _slots.OutWeight, parameters + _slots.OutBias);
            _fold.Place(_folded.Pointer, 1, _shape.H, _shape.H, _shape.H);
            _fold.Place(fc1 + 2 * d, 1, input, l, h, fromK: _shape.H);

            Normalise(
                parameters + _slots.Fc2Weight, parameters + _slots.Fc2Bias, h,
                parameters + _slots.Bn2Weight, parameters + _slots.Bn2Bias, statistics + _slots.Mean2, statistics + _slots.Variance2, _bias2.Pointer);
            _hidden.Place(_scaled.Pointer, 1, h, h, h);
            _latent.Place(parameters + _slots.LatentWeight, 1, h, h, l);
            _out.Place(parameters + _slots.OutWeight, 1, h, h, d);
        }
        weights.Parameter("fc_latent.bias").CopyTo(_biasLatent.Span);
        weights.Parameter("fc_out.bias").CopyTo(_biasOut.Span);
    }

    /// <summary>Rows [from, to) of a batch, with the scratch memory of one member.</summary>
    public void Run(in CpuBatch batch, int from, int to, int member)
    {
        for (var row = from; row < to; row += BlockRows) RunBlock(batch, row, Math.Min(BlockRows, to - row), _scratch[member].Pointer);
    }

    public void Dispose()
    {
        foreach (var right in (MatrixRight<TSimd, TVector>[])[_fromX, _fromY, _fromZ, _hidden, _latent, _out, _fold]) right.Dispose();
        foreach (var buffer in (AlignedBuffer[])
            [_bias1, _foldBias, _bias2, _biasLatent, _biasOut, _scaled, _folded, _packedLeft, _packedRight])
        {
            buffer.Dispose();
        }
        foreach (var buffer in _scratch) buffer.Dispose();
    }

    private void RunBlock(in CpuBatch batch, int row, int rows, float* scratch)
    {
        var (d, _, l) = _shape.Shape;
        nint h = _shape.H, state = _shape.H + _shape.L;
        var fromX = scratch;
        var u = fromX + rows * h;
        var v = u + rows * h;
        var z = v + h;
        var y = batch.Y + (nint)row * d;
        var zNow = batch.Z + (nint)row * l;

        _fromX.Multiply(rows, batch.X + (nint)row * d, d, fromX, h, _bias1.Pointer, 0);
        var start = fromX;
        if (!CpuRows<TSimd, TVector>.IsZero(y, (nint)rows * d))
        {
            _fromY.Multiply(rows, y, d, u, h, fromX, h);
            start = u;
        }
        _fromZ.Multiply(rows, zNow, l, u, h, start, h, floor: 0);
        CpuRows<TSimd, TVector>.Add(fromX, _foldBias.Pointer, rows, _shape.H);
        for (var call = 0; ; call++)
        {
            _hidden.Multiply(rows, u, h, v, state, _bias2.Pointer, 0, floor: 0);
            _latent.Multiply(rows, v, state, z, state, _biasLatent.Pointer, 0, floor: 0);
            if (call == _calls - 1) break;
            _fold.Multiply(rows, v, state, u, h, fromX, h, floor: 0);
        }
        _out.Multiply(rows, v, state, y, d, _biasOut.Pointer, 0);
        for (var i = 0; i < rows; i++) new Span<float>(z + i * state, l).CopyTo(new Span<float>(zNow + (nint)i * l, l));
        CpuRows<TSimd, TVector>.Confidence(y, rows, d, batch.Confidence + row);
    }

    /// <summary>BatchNorm after a layer, as that layer's own weights: W' = s W, b' = s (b - mean) + shift, s = weight / sqrt(var + eps).</summary>
    private void Normalise(
        float* weight, float* bias, int columns, float* gamma, float* beta, float* mean, float* variance, float* scaledBias)
    {
        for (var o = 0; o < _shape.Shape.H; o++)
        {
            var scale = gamma[o] / Math.Sqrt(variance[o] + ReferenceBatchNorm.Epsilon);
            CpuRows<TSimd, TVector>.Scale(weight + (nint)o * columns, (float)scale, _scaled.Pointer + (nint)o * columns, columns);
            scaledBias[o] = (float)(scale * ((double)bias[o] - mean[o]) + beta[o]);
        }
    }

    /// <summary>W1y Wout and W1y b_out.</summary>
    /// <param name="fc1">W1y, [h, d].</param>
    /// <param name="fcOut">Wout, [d, h].</param>
    private void FoldOutput(float* fc1, nint input, float* fcOut, float* bias)
    {
        var (d, h, _) = _shape.Shape;
        MatrixProduct<TSimd, TVector>.Compute(
            new MatrixJob
            {
                Rows = h,
                Columns = h,
                K = d,
                Left = fc1,
                LeftRow = input,
                LeftStep = 1,
                Right = fcOut,
                RightStep = h,
                RightLane = 1,
                Result = _folded.Pointer,
                ResultRow = _shape.H,
                Alpha = 1,
            },
            _packedLeft,
            _packedRight);
        for (var o = 0; o < h; o++) _foldBias.Pointer[o] = CpuRows<TSimd, TVector>.Dot(fc1 + o * input, bias, d);
    }
}
