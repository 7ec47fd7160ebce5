using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// One supervision step in training mode. B = rows, n = calls, d, h, L = the network's sizes, S_k = the state after call k of the last latent
/// recursion (S_0: before it), v_k = its second hidden layer, p1_k and p2_k = the values before its two BatchNorms.
/// </summary>
/// <remarks>
/// Two ways to the same numbers. The plain one carries S = [y, z]. The folded one uses that weights do not change inside a step: y is only read
/// by fc1, so calls carry S = [v, z] and read it with [W1y Wout | W1z]; the first call alone reads a y, the last alone makes one.
/// Backwards the same: with dp1_k the gradient of p1_k and A = sum_k dp1_k^T v_{k-1}, the parts of the calls between are
/// dW1y = A Wout^T and dWout = W1y^T A: once for all calls instead of d-wide products in each. The fold costs three products of
/// [h, d] by [d, h] whatever B is, so small batches go the plain way.
/// What BatchNorm takes away again has no gradient: those of fc1.bias, fc2.bias, and of b_out through W1y, are zero.
///
/// Rows are shared among threads in blocks of <see cref="CpuBatchNorm{TSimd, TVector}.BlockRows"/>; sums over all rows are made block by block
/// in order, or by one thread for each element of a weight's gradient. So the result does not depend on the number of threads.
/// </remarks>
internal sealed unsafe partial class CpuTraining<TSimd, TVector> : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Rows from which waking another thread is worth it.</summary>
    private const int RowsWorthSharing = 64;

    private readonly CpuShape _shape;
    private readonly CpuSlots _slots;
    private readonly RecursionOptions _options;
    private readonly int _calls;
    private readonly int _recursions;
    private readonly WorkerTeam _team;
    private readonly Action<int> _work;
    private readonly CpuTrainingWeights<TSimd, TVector> _right;
    private readonly CpuBatchNorm<TSimd, TVector> _norm1;
    private readonly CpuBatchNorm<TSimd, TVector> _norm2;
    private readonly CpuTrainingMemory _memory;
    private readonly AlignedBuffer[] _packedLeft;
    private readonly AlignedBuffer[] _packedRight;
    private RecursionWeights? _weights;
    private CpuBatch _batch;
    private float* _parameters;
    private float* _gradient;
    private int _rows;
    private int _members;
    private bool _folds;

    public CpuTraining(RecursionShape shape, RecursionOptions options, WorkerTeam team)
    {
        _shape = new CpuShape(shape, MatrixTile<TSimd, TVector>.PanelWidth);
        _slots = new CpuSlots(ParameterLayout.Of(shape));
        _options = options;
        _calls = options.Calls;
        _recursions = options.LatentRecursions;
        _team = team;
        _work = Work;
        _right = new(_shape);
        _norm1 = new(_shape.H, _calls, team.Size);
        _norm2 = new(_shape.H, _calls, team.Size);
        _memory = new(_shape, _calls);
        _packedLeft = [.. Enumerable.Range(0, team.Size).Select(_ => new AlignedBuffer())];
        _packedRight = [.. Enumerable.Range(0, team.Size).Select(_ => new AlignedBuffer())];
    }

    /// <summary>Whether to fold: null to choose by the batch's size. For tests that hold the two ways against each other.</summary>
    public bool? Fold { get; set; }

    /// <summary>Floats of a state's first part: v where calls are folded, else y.</summary>
    private int First => _folds ? _shape.H : _shape.D;

    /// <summary>Floats of a state.</summary>
    private int State => First + _shape.L;

    private nint VStride => _folds ? State : _shape.H;

    /// <param name="weights">Read now and until the next load; its statistics are moved.</param>
    public void Load(RecursionWeights weights)
    {
        _weights = weights;
        _right.Clear();
        _norm1.Load(weights.Parameter("bn1.weight"), weights.Parameter("bn1.bias"));
        _norm2.Load(weights.Parameter("bn2.weight"), weights.Parameter("bn2.bias"));
    }

    /// <returns>The loss, a mean over the batch.</returns>
    public float Run(in CpuBatch batch, float* gradient)
    {
        _batch = batch;
        _rows = batch.Rows;
        _gradient = gradient;
        _folds = Fold ?? RecursionArithmetic.IsFoldWorth(_shape.Shape, _options, _rows);
        ClearGradient();
        var blocks = CpuBatchNorm<TSimd, TVector>.Blocks(_rows);
        _members = _rows < RowsWorthSharing ? 1 : Math.Min(_team.Size, blocks);
        _norm1.Reserve(_rows);
        _norm2.Reserve(_rows);
        _memory.Reserve(_rows, _folds);
        _right.Reserve(_folds);
        fixed (float* parameters = _weights!.Parameters)
        {
            _parameters = parameters;
            _team.Run(_members, _work);
        }
        _right.Keep(_folds);
        _weights.BatchesTracked += _calls * _recursions;
        double loss = 0;
        for (var row = 0; row < _rows; row++) loss += batch.RowLoss[row];
        return (float)(loss / _rows);
    }

    public void Dispose()
    {
        _right.Dispose();
        _norm1.Dispose();
        _norm2.Dispose();
        _memory.Dispose();
        foreach (var buffer in _packedLeft) buffer.Dispose();
        foreach (var buffer in _packedRight) buffer.Dispose();
    }

    /// <summary>[B, h] second hidden layer of a call of the last latent recursion.</summary>
    private float* V(int call) => _folds ? _memory.State(call + 1) : _memory.V(call);

    private void Work(int member)
    {
        var blocks = CpuBatchNorm<TSimd, TVector>.Blocks(_rows);
        var share = new CpuShare(_rows, blocks * member / _members, blocks * (member + 1) / _members, CpuBatchNorm<TSimd, TVector>.BlockRows);
        _right.Pack(_parameters, _slots, _folds, member, _team);
        Begin(share);
        for (var recursion = 0; recursion < _recursions; recursion++)
        {
            for (var call = 0; call < _calls; call++) Forward(share, member, recursion, call);
        }
        End(share);
        for (var call = _calls - 1; call >= 0; call--) Backward(share, member, call);
        _team.Barrier();
        WeightGradients(member);
    }

    /// <summary>x's part of fc1, once for all calls; and the state to begin with.</summary>
    private void Begin(in CpuShare share)
    {
        var (d, _, l) = _shape.Shape;
        nint h = _shape.H;
        var row = share.Row;
        _right.FromX.Multiply(share.Rows, _batch.X + row * d, d, _memory.FromX + row * h, h, _right.Bias1, 0);
        var state = _memory.State(0) + row * State;
        float* y = _batch.Y + row * d, z = _batch.Z + row * l;
        if (!_folds)
        {
            for (var i = 0; i < share.Rows; i++)
            {
                new Span<float>(state, State).Clear();
                Copy(y + i * d, state, d);
                Copy(z + i * l, state + First, l);
                state += State;
            }
        }
        else if (_recursions == 1)
        {
            // The state before the calls with gradient is the batch's own, which the end writes over.
            Copy(y, _memory.FirstY + row * d, share.Rows * d);
            Copy(z, _memory.FirstZ + row * l, share.Rows * l);
        }
    }

    /// <summary>One call. Before the last latent recursion nothing is kept: all calls use the places of the first.</summary>
    private void Forward(in CpuShare share, int member, int recursion, int call)
    {
        var keeps = recursion == _recursions - 1;
        var slot = keeps ? call : 0;
        nint h = _shape.H, stride = State, row = share.Row;
        var (d, _, l) = _shape.Shape;
        var fromX = _memory.FromX + row * h;
        var p1 = _memory.P1(slot) + row * h;
        var u = _memory.U(slot) + row * h;
        var p2 = _memory.P2(slot) + row * h;
        var next = _memory.State(keeps ? call + 1 : 0) + row * stride;
        var isFirst = recursion == 0 && call == 0;
        if (isFirst && _folds)
        {
            var y = _batch.Y + row * d;
            var start = fromX;
            if (!CpuRows<TSimd, TVector>.IsZero(y, (nint)share.Rows * d))
            {
                _right.FromState.Multiply(share.Rows, y, d, p1, h, fromX, h, k: d);
                start = p1;
            }
            _right.FromState.Multiply(share.Rows, _batch.Z + row * l, l, p1, h, start, h, k: l, fromK: _shape.D);
        }
        else
        {
            var from = _folds ? _right.FromFold : _right.FromState;
            from.Multiply(share.Rows, _memory.State(slot) + row * stride, stride, p1, h, fromX, h);
        }

        Normalise(_norm1, _slots.Mean1, _slots.Variance1, share, member, slot, _memory.P1(slot), u, h);
        if (isFirst && _folds) CpuRows<TSimd, TVector>.Add(fromX, _right.FoldBias, fromX, share.Rows, _shape.H);
        _right.Hidden.Multiply(share.Rows, u, h, p2, h, _right.Bias2, 0);
        var v = _folds ? next : _memory.V(slot) + row * h;
        Normalise(_norm2, _slots.Mean2, _slots.Variance2, share, member, slot, _memory.P2(slot), v, VStride);
        _right.Latent.Multiply(share.Rows, v, VStride, next + First, stride, _right.BiasLatent, 0, floor: 0);
        if (!_folds) _right.Out.Multiply(share.Rows, v, VStride, next, stride, _right.BiasOut, 0);
    }

    private void Normalise(
        CpuBatchNorm<TSimd, TVector> norm, int mean, int variance, in CpuShare share, int member, int slot, float* values, float* output,
        nint outputRow)
    {
        norm.SumBlocks(values, _rows, share.FromBlock, share.ToBlock);
        _team.Barrier();
        // The first member's copy is the engine's.
        var running = member == 0 ? _weights!.Statistics : null;
        var h = _shape.Shape.H;
        norm.Combine(_rows, slot, member, running is null ? default : running.AsSpan(mean, h), running is null ? default : running.AsSpan(variance, h));
        norm.Apply(values + share.Row * _shape.H, share.Rows, output, outputRow, slot, member);
    }

    /// <summary>The new y and z, loss and confidence of each row, and the loss' gradient of y.</summary>
    private void End(in CpuShare share)
    {
        var (d, _, l) = _shape.Shape;
        nint stride = State;
        var last = _memory.State(_calls) + share.Row * stride;
        if (_folds) _right.Out.Multiply(share.Rows, last, stride, _batch.Y + share.Row * d, d, _right.BiasOut, 0, columns: d);
        for (var i = 0; i < share.Rows; i++)
        {
            var row = share.Row + i;
            var state = last + i * stride;
            var y = _batch.Y + row * d;
            if (!_folds) Copy(state, y, d);
            Copy(state + First, _batch.Z + row * l, l);
            var gradient = _memory.YGradient + row * _memory.YGradientStride;
            _batch.RowLoss[row] = (float)CpuRows<TSimd, TVector>.Loss(y, _batch.T + row * d, gradient, d, _rows, out _batch.Confidence[row]);
        }
    }

    /// <summary>One call back, as far as the values before its BatchNorms and the state before it.</summary>
    private void Backward(in CpuShare share, int member, int call)
    {
        var (d, h) = (_shape.Shape.D, _shape.H);
        nint stride = State, row = share.Row;
        var dp2 = _memory.P2Gradient(call) + row * h;
        var dp1 = _memory.P1Gradient(call) + row * h;
        if (call == _calls - 1)
        {
            var dy = _memory.YGradient + row * _memory.YGradientStride;
            _right.ToHidden.Multiply(share.Rows, dy, _memory.YGradientStride, dp2, h, null, 0, k: d);
        }
        else
        {
            var state = _memory.StateGradient(call) + row * stride;
            CpuRows<TSimd, TVector>.Close(
                state + First, _memory.State(call + 1) + row * stride + First, stride, share.Rows, _shape.L);
            if (_folds)
            {
                _right.ToHidden.Multiply(share.Rows, state + First, stride, dp2, h, state, stride, k: _shape.L, fromK: _shape.D);
            }
            else
            {
                _right.ToHidden.Multiply(share.Rows, state, stride, dp2, h, null, 0);
            }
        }
        NormaliseBack(_norm2, _slots.Bn2Weight, _slots.Bn2Bias, share, member, call, _memory.P2Gradient(call), V(call), VStride, _memory.P2(call));
        _right.HiddenBack.Multiply(share.Rows, dp2, h, dp1, h, null, 0);
        NormaliseBack(_norm1, _slots.Bn1Weight, _slots.Bn1Bias, share, member, call, _memory.P1Gradient(call), _memory.U(call), h, _memory.P1(call));
        CpuRows<TSimd, TVector>.Accumulate(dp1, _memory.P1GradientSum + row * h, (nint)share.Rows * h, call == _calls - 1);
        if (call == 0) return;
        var before = _memory.StateGradient(call - 1) + row * stride;
        var to = _folds ? _right.ToFold : _right.ToState;
        to.Multiply(share.Rows, dp1, h, before, stride, null, 0);
    }

    private void NormaliseBack(
        CpuBatchNorm<TSimd, TVector> norm, int weight, int bias, in CpuShare share, int member, int call, float* gradient, float* output,
        nint outputRow, float* values)
    {
        var h = _shape.Shape.H;
        norm.SumBlocksBack(gradient, output, outputRow, values, _rows, share.FromBlock, share.ToBlock, call, member);
        _team.Barrier();
        var adds = member == 0;
        norm.CombineBack(
            _rows, member, adds ? new Span<float>(_gradient + weight, h) : default, adds ? new Span<float>(_gradient + bias, h) : default);
        norm.ApplyBack(gradient + share.Row * _shape.H, values + share.Row * _shape.H, share.Rows, call, member);
    }

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
}

/// <summary>One thread's rows: whole blocks.</summary>
internal readonly struct CpuShare(int rows, int fromBlock, int toBlock, int blockRows)
{
    public int FromBlock { get; } = fromBlock;

    public int ToBlock { get; } = toBlock;

    /// <summary>The first row.</summary>
    public nint Row { get; } = fromBlock * blockRows;

    public int Rows { get; } = Math.Min(rows, toBlock * blockRows) - fromBlock * blockRows;
}
