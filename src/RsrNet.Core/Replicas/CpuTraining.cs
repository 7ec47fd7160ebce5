using System.Diagnostics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// One supervision step in training mode. B = rows, n = calls, d, h, L = the network's sizes, S_k = the state after call k of the last
/// latent recursion (S_0: before it), v_k = its second hidden layer, p1_k and p2_k = the values before its two BatchNorms.
/// </summary>
/// <remarks>
/// Three ways to the same numbers (<see cref="TrainingWay"/>). The plain one carries S = [y, z]. The others use that weights do not change inside a
/// step: y is only read by fc1, so calls carry S = [v, z] and read it with [W1y Wout | W1z]; the first call alone reads a y, the last alone makes
/// one.
/// Backwards the same: with dp1_k the gradient of p1_k and A = sum_k dp1_k^T v_{k-1}, the parts of the calls between are
/// dW1y = A Wout^T and dWout = W1y^T A: once for all calls instead of d-wide products in each. But that makes three products of [h, d] by [d, h]
/// whatever B is, and A has at most n B independent rows; the mixed way for small batches makes y_{k-1} = Wout v_{k-1} + b_out and
/// dy_k = W1y^T dp1_{k+1} of the calls with gradient instead. The smallest batches are not worth even one such product.
/// What BatchNorm takes away again has no gradient: those of fc1.bias, fc2.bias, and of b_out through W1y, are zero.
///
/// Rows are shared among threads in blocks of <see cref="CpuShare.BlockRows"/>; sums over all rows are made block by block
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
    private readonly SharingGauge _sharing = new();
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
    private TrainingWay _way;

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
        _norm1 = new(_shape, _calls, team.Size);
        _norm2 = new(_shape, _calls, team.Size);
        _memory = new(_shape, _calls);
        _packedLeft = [.. Enumerable.Range(0, team.Size).Select(_ => new AlignedBuffer())];
        _packedRight = [.. Enumerable.Range(0, team.Size).Select(_ => new AlignedBuffer())];
    }

    /// <summary>The way to go: null to choose by the batch's size. For tests that hold the ways against each other.</summary>
    public TrainingWay? Way { get; set; }

    /// <summary>Whether calls carry v and read it with W1y Wout.</summary>
    private bool Folds => _way != TrainingWay.Plain;

    /// <summary>Floats of a state's first part: v where calls are folded, else y.</summary>
    private int First => Folds ? _shape.H : _shape.D;

    /// <summary>Floats of a state.</summary>
    private int State => First + _shape.L;

    private nint VStride => Folds ? State : _shape.H;

    /// <param name="weights">Read now and until the next load; its statistics are moved.</param>
    public void Load(RecursionWeights weights)
    {
        _weights = weights;
        _right.Clear();
        _norm1.Load(weights.Parameter("bn1.weight"), weights.Parameter("bn1.bias"));
        _norm2.Load(weights.Parameter("bn2.weight"), weights.Parameter("bn2.bias"));
    }

    /// <param name="gradient">Of the parameters that take part in the loss; overwritten.</param>
    /// <returns>The loss, a mean over the batch.</returns>
    public float Run(in CpuBatch batch, float* gradient)
    {
        _batch = batch;
        _rows = batch.Rows;
        _gradient = gradient;
        _way = Way ?? RecursionArithmetic.Cheapest(_shape.Shape, _options, _rows);
        ClearGradient();
        _members = _sharing.Choose(_rows < RowsWorthSharing ? 1 : Math.Min(_team.Size, CpuShare.Blocks(_rows)));
        _norm1.Reserve(_rows);
        _norm2.Reserve(_rows);
        _memory.Reserve(_rows, _way);
        _right.Reserve(_way);
        var started = Stopwatch.GetTimestamp();
        fixed (float* parameters = _weights!.Parameters)
        {
            _parameters = parameters;
            _team.Run(_members, _work);
        }
        if (_rows >= RowsWorthSharing) _sharing.Report(_members, Stopwatch.GetElapsedTime(started), _rows);
        _right.Keep(_way);
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
    private float* V(int call) => Folds ? _memory.State(call + 1) : _memory.V(call);

    private void Work(int member)
    {
        var blocks = CpuShare.Blocks(_rows);
        var share = new CpuShare(_rows, blocks * member / _members, blocks * (member + 1) / _members);
        _right.Pack(_parameters, _slots, _way, member, _team);
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
        foreach (var part in share)
        {
            var row = part.Row;
            float* x = _batch.X + row * d, y = _batch.Y + row * d, z = _batch.Z + row * l;
            if (_way == TrainingWay.Mixed) Enter(part.Rows, x, _slots.Fc1Weight, _memory.FromX + row * h, _right.Bias1, 0);
            else _right.FromX.Multiply(part.Rows, x, d, _memory.FromX + row * h, h, _right.Bias1, 0);
            if (_way == TrainingWay.Mixed)
            {
                if (_recursions > 1) continue;
                for (var i = 0; i < part.Rows; i++)
                {
                    Copy(y + i * d, _memory.YBefore(0) + (row + i) * _shape.D, d);
                    Copy(z + i * l, _memory.State(0) + (row + i) * State + First, l);
                }
                continue;
            }
            if (_way == TrainingWay.Folded)
            {
                // Where the state before the calls with gradient is the batch's own: the end writes over it.
                if (_recursions > 1) continue;
                Copy(y, _memory.FirstY + row * d, part.Rows * d);
                Copy(z, _memory.FirstZ + row * l, part.Rows * l);
                continue;
            }
            var state = _memory.State(0) + row * State;
            for (var i = 0; i < part.Rows; i++)
            {
                new Span<float>(state, State).Clear();
                Copy(y + i * d, state, d);
                Copy(z + i * l, state + First, l);
                state += State;
            }
        }
    }

    /// <summary>
    /// target = left W^T + start for d columns of fc1.weight from a place on, which are read as they lie: for a few rows that is less than packing
    /// them.
    /// </summary>
    /// <param name="left">[rows, d]</param>
    /// <param name="target">[rows, padded h]</param>
    /// <param name="start">[rows, h], or [h] at a stride of 0.</param>
    private void Enter(int rows, float* left, int weight, float* target, float* start, nint startRow)
    {
        var (d, h, _) = _shape.Shape;
        RowDots<TSimd, TVector>.Multiply(
            rows, h, d, left, d, _parameters + weight, _shape.Shape.Input, target, _shape.H, start, startRow);
        for (var row = 0; row < rows && _shape.H > h; row++) new Span<float>(target + row * _shape.H + h, _shape.H - h).Clear();
    }

    /// <summary>
    /// One call. Before the last latent recursion nothing is kept: all calls use the places of the first. Between two meetings of the
    /// threads each block of rows does all it can, so that what one product writes is still in the first cache for the next.
    /// </summary>
    private void Forward(in CpuShare share, int member, int recursion, int call)
    {
        var keeps = recursion == _recursions - 1;
        var slot = keeps ? call : 0;
        var next = keeps ? call + 1 : 0;
        var isFirst = recursion == 0 && call == 0;
        // The first member's copy of the running statistics is the engine's.
        var running = member == 0 ? _weights!.Statistics : default;
        nint h = _shape.H, stride = State;
        float* fromX = _memory.FromX, p1 = _memory.P1(slot), u = _memory.U(slot), p2 = _memory.P2(slot), state = _memory.State(next);
        var v = Folds ? state : _memory.V(slot);

        foreach (var part in share)
        {
            if (isFirst && Folds) FirstFoldedCall(part, p1);
            else
            {
                var from = Folds ? _right.FromFold : _right.FromState;
                from.Multiply(part.Rows, _memory.State(slot) + part.Row * stride, stride, p1 + part.Row * h, h, fromX + part.Row * h, h);
            }
            _norm1.SumBlock(p1, part);
        }
        _team.Barrier();
        _norm1.Combine(_rows, slot, member, running, _slots.Mean1, _slots.Variance1);
        foreach (var part in share)
        {
            if (isFirst && Folds) CpuRows<TSimd, TVector>.Add(fromX + part.Row * h, _right.FoldBias, part.Rows, _shape.H);
            _norm1.Apply(p1, u, h, part, slot, member);
            _right.Hidden.Multiply(part.Rows, u + part.Row * h, h, p2 + part.Row * h, h, _right.Bias2, 0);
            _norm2.SumBlock(p2, part);
        }
        _team.Barrier();
        _norm2.Combine(_rows, slot, member, running, _slots.Mean2, _slots.Variance2);
        foreach (var part in share)
        {
            _norm2.Apply(p2, v, VStride, part, slot, member);
            var hidden = v + part.Row * VStride;
            var target = state + part.Row * stride;
            _right.Latent.Multiply(part.Rows, hidden, VStride, target + First, stride, _right.BiasLatent, 0, floor: 0);
            if (!Folds) _right.Out.Multiply(part.Rows, hidden, VStride, target, stride, _right.BiasOut, 0);
        }
    }

    /// <summary>The call that reads the batch's own y.</summary>
    private void FirstFoldedCall(in CpuRowRange part, float* p1)
    {
        var (d, _, l) = _shape.Shape;
        nint h = _shape.H;
        var y = _batch.Y + part.Row * d;
        var target = p1 + part.Row * h;
        var start = _memory.FromX + part.Row * h;
        if (!CpuRows<TSimd, TVector>.IsZero(y, (nint)part.Rows * d))
        {
            if (_way == TrainingWay.Mixed) Enter(part.Rows, y, _slots.Fc1Weight + d, target, start, h);
            else _right.FromState.Multiply(part.Rows, y, d, target, h, start, h, k: d);
            start = target;
        }
        _right.FromFold.Multiply(part.Rows, _batch.Z + part.Row * l, l, target, h, start, h, k: l, fromK: _shape.H);
    }

    /// <summary>The new y and z, loss and confidence of each row, and the loss' gradient of y.</summary>
    private void End(in CpuShare share)
    {
        var (d, _, l) = _shape.Shape;
        nint stride = State;
        foreach (var part in share)
        {
            var state = _memory.State(_calls) + part.Row * stride;
            if (Folds) _right.Out.Multiply(part.Rows, state, stride, _batch.Y + part.Row * d, d, _right.BiasOut, 0, columns: d);
            for (var row = part.Row; row < part.Row + part.Rows; row++)
            {
                var y = _batch.Y + row * d;
                if (!Folds) Copy(state, y, d);
                Copy(state + First, _batch.Z + row * l, l);
                var gradient = _memory.YGradient + row * _memory.YGradientStride;
                var loss = CpuRows<TSimd, TVector>.Loss(y, _batch.T + row * d, gradient, d, _rows, out _batch.Confidence[row]);
                _batch.RowLoss[row] = (float)loss;
                state += stride;
            }
        }
    }

    /// <summary>One call back, as far as the values before its BatchNorms and the state before it.</summary>
    private void Backward(in CpuShare share, int member, int call)
    {
        nint h = _shape.H, stride = State;
        float* dp1 = _memory.P1Gradient(call), dp2 = _memory.P2Gradient(call);
        float* p1 = _memory.P1(call), p2 = _memory.P2(call), u = _memory.U(call);
        var adds = member == 0 ? _gradient : null;
        foreach (var part in share)
        {
            HiddenGradient(part, call, dp2 + part.Row * h);
            _norm2.SumBlockBack(dp2, V(call), VStride, p2, part, call, member);
        }
        _team.Barrier();
        _norm2.CombineBack(_rows, member, adds, _slots.Bn2Weight, _slots.Bn2Bias);
        foreach (var part in share)
        {
            _norm2.ApplyBack(dp2, p2, part, call, member);
            _right.HiddenBack.Multiply(part.Rows, dp2 + part.Row * h, h, dp1 + part.Row * h, h, null, 0);
            _norm1.SumBlockBack(dp1, u, h, p1, part, call, member);
        }
        _team.Barrier();
        _norm1.CombineBack(_rows, member, adds, _slots.Bn1Weight, _slots.Bn1Bias);
        foreach (var part in share)
        {
            _norm1.ApplyBack(dp1, p1, part, call, member);
            var from = dp1 + part.Row * h;
            CpuRows<TSimd, TVector>.Accumulate(from, _memory.P1GradientSum + part.Row * h, part.Rows * h, call == _calls - 1);
            if (call == 0) continue;
            var to = Folds ? _right.ToFold : _right.ToState;
            to.Multiply(part.Rows, from, h, _memory.StateGradient(call - 1) + part.Row * stride, stride, null, 0);
        }
    }

    /// <summary>The gradient of a call's v: through the last y, or through the state that the next call read.</summary>
    private void HiddenGradient(in CpuRowRange part, int call, float* target)
    {
        nint h = _shape.H, stride = State;
        if (call == _calls - 1)
        {
            var dy = _memory.YGradient + part.Row * _memory.YGradientStride;
            _right.ToHidden.Multiply(part.Rows, dy, _memory.YGradientStride, target, h, null, 0, k: _shape.Shape.D);
            return;
        }
        var state = _memory.StateGradient(call) + part.Row * stride;
        CpuRows<TSimd, TVector>.Close(state + First, _memory.State(call + 1) + part.Row * stride + First, stride, part.Rows, _shape.L);
        if (Folds) _right.ToHidden.Multiply(part.Rows, state + First, stride, target, h, state, stride, k: _shape.L, fromK: _shape.D);
        else _right.ToHidden.Multiply(part.Rows, state, stride, target, h, null, 0);
    }

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
}
