using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>
/// What a training step remembers between forward and backward. Places of the same kind lie one call after the other with no gap, so that a weight's
/// gradient over all calls is one product with n B rows.
/// </summary>
internal sealed unsafe class CpuTrainingMemory(CpuShape shape, int calls) : IDisposable
{
    private readonly AlignedBuffer _fromX = new();
    private readonly AlignedBuffer _p1 = new();
    private readonly AlignedBuffer _u = new();
    private readonly AlignedBuffer _p2 = new();
    private readonly AlignedBuffer _v = new();
    private readonly AlignedBuffer _states = new();
    private readonly AlignedBuffer _p1Gradients = new();
    private readonly AlignedBuffer _p2Gradients = new();
    private readonly AlignedBuffer _p1GradientSum = new();
    private readonly AlignedBuffer _stateGradients = new();
    private readonly AlignedBuffer _ys = new();
    private readonly AlignedBuffer _yGradients = new();
    private readonly AlignedBuffer _firstY = new();
    private readonly AlignedBuffer _firstZ = new();

    /// <summary>[2, h, h + L]; of no batch's size.</summary>
    private readonly AlignedBuffer _foldGradients = new();
    private int _rows;
    private TrainingWay _way;

    /// <summary>[B, h] x's part of fc1, bias included.</summary>
    public float* FromX => _fromX.Pointer;

    /// <summary>[B, h] sum of the gradients of all p1.</summary>
    public float* P1GradientSum => _p1GradientSum.Pointer;

    /// <summary>[B, d] gradient of the last y; in the plain way a part of the last state's gradient.</summary>
    public float* YGradient => _way switch
    {
        TrainingWay.Plain => StateGradient(calls - 1),
        TrainingWay.Mixed => YGradientOf(calls - 1),
        _ => _yGradients.Pointer,
    };

    public nint YGradientStride => _way == TrainingWay.Plain ? StateStride : shape.D;

    /// <summary>[B, d] the y that a call reads. The mixed way only.</summary>
    public float* YBefore(int call) => _ys.Pointer + (nint)call * _rows * shape.D;

    /// <summary>[B, d] gradient of the y that a call made. The mixed way only.</summary>
    public float* YGradientOf(int call) => _yGradients.Pointer + (nint)call * _rows * shape.D;

    /// <summary>[h, h + L] gradient of the fold by the calls that read a state with gradient.</summary>
    public float* FoldGradient => _foldGradients.Pointer;

    /// <summary>[h, h + L] the same by all calls that read a folded state.</summary>
    public float* FoldGradientWhole => _foldGradients.Pointer + shape.H * (shape.H + shape.L);

    /// <summary>[B, d] the y that the step began with.</summary>
    public float* FirstY => _firstY.Pointer;

    /// <summary>[B, L] the z that the step began with.</summary>
    public float* FirstZ => _firstZ.Pointer;

    public nint StateStride => (_way == TrainingWay.Plain ? shape.D : shape.H) + shape.L;

    /// <summary>[B, h] before the first BatchNorm.</summary>
    public float* P1(int call) => _p1.Pointer + Hidden(call);

    /// <summary>[B, h] first hidden layer.</summary>
    public float* U(int call) => _u.Pointer + Hidden(call);

    /// <summary>[B, h] before the second BatchNorm.</summary>
    public float* P2(int call) => _p2.Pointer + Hidden(call);

    /// <summary>[B, h] second hidden layer, in the plain way; in the others it is the first part of the state.</summary>
    public float* V(int call) => _v.Pointer + Hidden(call);

    /// <summary>[B, y or v, z] state after so many calls.</summary>
    public float* State(int call) => _states.Pointer + (nint)call * _rows * StateStride;

    public float* P1Gradient(int call) => _p1Gradients.Pointer + Hidden(call);

    public float* P2Gradient(int call) => _p2Gradients.Pointer + Hidden(call);

    /// <summary>Gradient of the state that a call made.</summary>
    public float* StateGradient(int call) => _stateGradients.Pointer + (nint)call * _rows * StateStride;

    /// <summary>Lays the places out for so many rows; grows where they do not fit.</summary>
    public void Reserve(int rows, TrainingWay way)
    {
        _rows = rows;
        _way = way;
        var hidden = (long)rows * shape.H;
        foreach (var buffer in (ReadOnlySpan<AlignedBuffer>)[_p1, _u, _p2, _p1Gradients, _p2Gradients]) buffer.Reserve(calls * hidden);
        if (way == TrainingWay.Plain) _v.Reserve(calls * hidden);
        _fromX.Reserve(hidden);
        _p1GradientSum.Reserve(hidden);
        _states.Reserve((calls + 1) * rows * StateStride);
        _stateGradients.Reserve(calls * rows * StateStride);
        if (way == TrainingWay.Plain) return;
        var summaries = (way == TrainingWay.Mixed ? calls : 1) * (long)rows * shape.D;
        _yGradients.Reserve(summaries);
        if (way == TrainingWay.Mixed)
        {
            _ys.Reserve(summaries);
            return;
        }
        _foldGradients.Reserve(2L * shape.H * (shape.H + shape.L));
        _firstY.Reserve((long)rows * shape.D);
        _firstZ.Reserve((long)rows * shape.L);
    }

    public void Dispose()
    {
        foreach (var buffer in All()) buffer.Dispose();
    }

    private AlignedBuffer[] All() =>
    [
        _fromX, _p1, _u, _p2, _v, _states, _p1Gradients, _p2Gradients, _p1GradientSum, _stateGradients, _ys, _yGradients, _firstY, _firstZ,
        _foldGradients,
    ];

    private nint Hidden(int call) => (nint)call * _rows * shape.H;
}
