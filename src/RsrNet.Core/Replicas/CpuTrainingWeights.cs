using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>The weights of one version, packed for each product of a training step. Packed at the first step after a load, by all its threads.</summary>
internal sealed unsafe class CpuTrainingWeights<TSimd, TVector>(CpuShape shape) : IDisposable
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private readonly AlignedBuffer _biases = new(3 * shape.H + shape.L + shape.D);

    /// <summary>[h, h + L]: W1y Wout | W1z.</summary>
    private readonly AlignedBuffer _folded = new((long)shape.H * (shape.H + shape.L));
    private int _next;
    private bool _packed;
    private bool _packedPlain;
    private bool _packedFold;
    private bool _packedEntry;

    /// <summary>W1x^T: [d] to [h]. Not in the mixed way, which reads it once, as it lies.</summary>
    public MatrixRight<TSimd, TVector> FromX { get; } = new(shape.Shape.D, shape.H);

    /// <summary>[W1y, W1z]^T: [d, L] to [h]. Not in the mixed way.</summary>
    public MatrixRight<TSimd, TVector> FromState { get; } = new(shape.D + shape.L, shape.H);

    /// <summary>W2^T: [h] to [h].</summary>
    public MatrixRight<TSimd, TVector> Hidden { get; } = new(shape.H, shape.H);

    /// <summary>W_latent^T: [h] to [L].</summary>
    public MatrixRight<TSimd, TVector> Latent { get; } = new(shape.H, shape.L);

    /// <summary>W_out^T: [h] to [d].</summary>
    public MatrixRight<TSimd, TVector> Out { get; } = new(shape.H, shape.D);

    /// <summary>Back through fc2: W2.</summary>
    public MatrixRight<TSimd, TVector> HiddenBack { get; } = new(shape.H, shape.H);

    /// <summary>Back through fc_out and fc_latent: [W_out; W_latent], from [d, L] to [h].</summary>
    public MatrixRight<TSimd, TVector> ToHidden { get; } = new(shape.D + shape.L, shape.H);

    /// <summary>Back through fc1: [W1y, W1z], from [h] to [d, L]. The plain way only.</summary>
    public MatrixRight<TSimd, TVector> ToState { get; private set; } = new(0, 0);

    /// <summary>[W1y Wout | W1z]^T: [h, L] to [h]. Not in the plain way.</summary>
    public MatrixRight<TSimd, TVector> FromFold { get; private set; } = new(0, 0);

    /// <summary>Back through the fold: [h] to [h, L]. Not in the plain way.</summary>
    public MatrixRight<TSimd, TVector> ToFold { get; private set; } = new(0, 0);

    public float* Bias1 => _biases.Pointer;

    public float* Bias2 => _biases.Pointer + shape.H;

    /// <summary>W1y b_out: what y's bias adds to fc1.</summary>
    public float* FoldBias => _biases.Pointer + 2 * shape.H;

    public float* BiasLatent => _biases.Pointer + 3 * shape.H;

    public float* BiasOut => _biases.Pointer + 3 * shape.H + shape.L;

    /// <summary>Forgets the version before.</summary>
    public void Clear() => _packed = _packedPlain = _packedFold = _packedEntry = false;

    /// <summary>Memory for the way the next step goes. Before its threads start.</summary>
    public void Reserve(TrainingWay way)
    {
        var folds = way != TrainingWay.Plain;
        _next = 0;
        if (folds && FromFold.K == 0)
        {
            FromFold = new(shape.H + shape.L, shape.H);
            ToFold = new(shape.H, shape.H + shape.L);
        }
        else if (!folds && ToState.K == 0)
        {
            ToState = new(shape.H, shape.D + shape.L);
        }
    }

    /// <summary>Packs what the next step needs and is not packed yet. Run by all its threads.</summary>
    /// <param name="parameters">The flat buffer.</param>
    public void Pack(float* parameters, in CpuSlots slots, TrainingWay way, int member, WorkerTeam team)
    {
        const int Parts = 6;
        for (var part = Next(); part < Parts; part = Next()) Pack(part, parameters, slots, way);
        team.Barrier();
        if (way == TrainingWay.Plain || _packedFold) return;
        FoldRows(parameters, slots, member, team.Active);
        team.Barrier();
        nint row = shape.H + shape.L;
        if (member == 0) FromFold.Place(_folded.Pointer, 1, row, shape.H + shape.L, shape.H);
        if (member == team.Active - 1) ToFold.Place(_folded.Pointer, row, 1, shape.H, shape.H + shape.L);
        team.Barrier();
    }

    /// <summary>After the step: what is packed stays until the next load.</summary>
    public void Keep(TrainingWay way)
    {
        _packed = true;
        _packedPlain |= way == TrainingWay.Plain;
        _packedFold |= way != TrainingWay.Plain;
        _packedEntry |= way != TrainingWay.Mixed;
    }

    public void Dispose()
    {
        foreach (var right in (MatrixRight<TSimd, TVector>[])[FromX, FromState, Hidden, Latent, Out, HiddenBack, ToHidden, ToState, FromFold, ToFold])
        {
            right.Dispose();
        }
        _biases.Dispose();
        _folded.Dispose();
    }

    private int Next() => Interlocked.Increment(ref _next) - 1;

    private void Pack(int part, float* parameters, in CpuSlots slots, TrainingWay way)
    {
        var (d, h, l) = shape.Shape;
        nint input = shape.Shape.Input;
        var fc1 = parameters + slots.Fc1Weight;
        var fc2 = parameters + slots.Fc2Weight;
        var latent = parameters + slots.LatentWeight;
        var output = parameters + slots.OutWeight;
        switch (part)
        {
            case 0 when way != TrainingWay.Mixed && !_packedEntry:
                FromX.Place(fc1, 1, input, d, h);
                break;
            case 1 when way != TrainingWay.Mixed && !_packedEntry:
                FromState.Place(fc1 + d, 1, input, d, h);
                FromState.Place(fc1 + 2 * d, 1, input, l, h, fromK: shape.D);
                break;
            case 5 when way == TrainingWay.Plain && !_packedPlain:
                ToState.Place(fc1 + d, input, 1, h, d);
                ToState.Place(fc1 + 2 * d, input, 1, h, l, fromColumn: shape.D);
                break;
        }
        if (_packed) return;
        switch (part)
        {
            case 2:
                Out.Place(output, 1, h, h, d);
                break;
            case 3:
                ToHidden.Place(output, h, 1, d, h);
                ToHidden.Place(latent, h, 1, l, h, fromK: shape.D);
                break;
            case 4:
                Hidden.Place(fc2, 1, h, h, h);
                HiddenBack.Place(fc2, h, 1, h, h);
                Latent.Place(latent, 1, h, h, l);
                Copy(parameters + slots.Fc1Bias, Bias1, h);
                Copy(parameters + slots.Fc2Bias, Bias2, h);
                Copy(parameters + slots.LatentBias, BiasLatent, l);
                Copy(parameters + slots.OutBias, BiasOut, d);
                break;
        }
    }

    /// <summary>A member's rows of [W1y Wout | W1z], and their part of W1y b_out.</summary>
    private void FoldRows(float* parameters, in CpuSlots slots, int member, int members)
    {
        var (d, h, l) = shape.Shape;
        int input = shape.Shape.Input, row = shape.H + shape.L, from = h * member / members, to = h * (member + 1) / members;
        var fromY = parameters + slots.Fc1Weight + (nint)from * input + d;
        var target = _folded.Pointer + (nint)from * row;
        ToHidden.Multiply(to - from, fromY, input, target, row, null, 0, k: d);
        for (var o = from; o < to; o++)
        {
            FoldBias[o] = CpuRows<TSimd, TVector>.Dot(fromY, parameters + slots.OutBias, d);
            Copy(fromY + d, target + shape.H, l);
            fromY += input;
            target += row;
        }
    }

    private static void Copy(float* source, float* target, int count) =>
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
}
