namespace RsrNet.Core.Numerics.Gradients;

/// <summary>What a layer's sums go through.</summary>
public enum Activation
{
    Tanh,
    Relu,
}

public sealed unsafe partial class Tape
{
    /// <summary>tanh or the rectifier, element by element.</summary>
    public TapeMatrix Activate(TapeMatrix x, Activation activation) => Next<ActivationLayer>().Forward(this, x, activation);
}

/// <summary>y = f(x); back, from y alone: dx += dy (1 - y^2) for tanh, dy where y > 0 for the rectifier.</summary>
internal sealed unsafe class ActivationLayer : TapeOperation
{
    private TapeMatrix _x = null!, _result = null!;
    private Activation _activation;

    public TapeMatrix Forward(Tape tape, TapeMatrix x, Activation activation)
    {
        (_x, _activation) = (x, activation);
        _result = tape.Matrix(x.Rows, x.Columns);
        tape.Kernels.Activate(activation, x.Pointer, _result.Pointer, x.Length);
        return _result;
    }

    public override void Backward(Tape tape)
    {
        if (_result.Slope == null || _x.IsConstant) return;
        tape.Kernels.Deactivate(_activation, _result.Pointer, _result.Slope, _result.Slope, _result.Length);
        tape.Kernels.Add(_x.TakeClearedSlope(tape.Memory), _result.Slope, _result.Length);
    }
}
