using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>The gradient of the weights, once the gradients of all values are there.</summary>
internal sealed unsafe partial class CpuTraining<TSimd, TVector>
{
    /// <summary>Zeroes what is added to and what stays zero; the products write over the rest.</summary>
    private void ClearGradient()
    {
        void Clear(int from, int to) => new Span<float>(_gradient + from, to - from).Clear();

        Clear(_slots.Fc1Bias, _slots.Fc2Weight);
        Clear(_slots.Fc2Bias, _slots.LatentWeight);
        if (_calls == 1) Clear(_slots.LatentWeight, _slots.OutWeight);
    }

    /// <summary>A member's share of every weight's gradient: its rows or columns, summed over all rows of the batch and all calls.</summary>
    private void WeightGradients(int member)
    {
        var (d, h, l) = _shape.Shape;
        int input = _shape.Shape.Input, hidden = _shape.H, all = _calls * _rows, between = all - _rows;
        var fc1 = _gradient + _slots.Fc1Weight;

        Product(member, h, d, _rows, _memory.P1GradientSum, hidden, _batch.X, d, fc1, input);
        Product(member, h, h, all, _memory.P2Gradient(0), hidden, _memory.U(0), hidden, _gradient + _slots.Fc2Weight, h);
        switch (_way)
        {
            case TrainingWay.Plain: PlainGradients(member); break;
            case TrainingWay.Mixed: MixedGradients(member); break;
            default: FoldedGradients(member); break;
        }

        // z' of the last call is not in the loss.
        if (between > 0)
        {
            var latents = _memory.StateGradient(0) + First;
            Product(member, l, h, between, latents, State, V(0), VStride, _gradient + _slots.LatentWeight, h);
            SumColumns(member, latents, State, between, l, _gradient + _slots.LatentBias);
        }
        SumColumns(member, _memory.YGradient, _memory.YGradientStride, _rows, d, _gradient + _slots.OutBias);
    }

    private void PlainGradients(int member)
    {
        var (d, h, l) = _shape.Shape;
        int input = _shape.Shape.Input, hidden = _shape.H, all = _calls * _rows;
        var fc1 = _gradient + _slots.Fc1Weight;
        Product(member, d, h, all, _memory.StateGradient(0), State, _memory.V(0), hidden, _gradient + _slots.OutWeight, h);
        Product(member, h, d, all, _memory.P1Gradient(0), hidden, _memory.State(0), State, fc1 + d, input);
        Product(member, h, l, all, _memory.P1Gradient(0), hidden, _memory.State(0) + First, State, fc1 + 2 * d, input);
    }

    private void MixedGradients(int member)
    {
        var (d, h, l) = _shape.Shape;
        int input = _shape.Shape.Input, width = _shape.D, hidden = _shape.H, all = _calls * _rows, between = all - _rows;
        var fc1 = _gradient + _slots.Fc1Weight;

        var first = _recursions > 1 ? 0 : 1;
        var (from, to) = Units(member, d);
        if (to > from && first < _calls)
        {
            _right.Out.Multiply(
                (_calls - first) * _rows, _memory.State(first), State, _memory.YBefore(first) + from, width, _right.BiasOut + from, 0,
                columns: to - from, fromColumn: from);
        }
        if (between > 0)
        {
            Compute(member, new MatrixJob
            {
                Rows = between,
                Columns = d,
                K = h,
                Left = _memory.P1Gradient(1),
                LeftRow = hidden,
                LeftStep = 1,
                Right = _parameters + _slots.Fc1Weight + d,
                RightStep = input,
                RightLane = 1,
                Result = _memory.YGradientOf(0),
                ResultRow = width,
                Alpha = 1,
            });
        }
        _team.Barrier();

        Product(member, d, h, all, _memory.YGradientOf(0), width, V(0), State, _gradient + _slots.OutWeight, h);
        Product(member, h, d, all, _memory.P1Gradient(0), hidden, _memory.YBefore(0), width, fc1 + d, input);
        Product(member, h, l, all, _memory.P1Gradient(0), hidden, _memory.State(0) + First, State, fc1 + 2 * d, input);
    }

    private void FoldedGradients(int member)
    {
        var (d, h, l) = _shape.Shape;
        int input = _shape.Shape.Input, hidden = _shape.H, between = (_calls - 1) * _rows;
        var fc1 = _gradient + _slots.Fc1Weight;
        var output = _gradient + _slots.OutWeight;
        float* inner = _memory.FoldGradient, whole = _memory.FoldGradientWhole;

        Product(member, d, h, _rows, _memory.YGradient, (int)_memory.YGradientStride, _memory.State(_calls), State, output, h);
        if (between > 0) Product(member, hidden, State, between, _memory.P1Gradient(1), hidden, _memory.State(1), State, inner, State);
        if (_recursions > 1)
        {
            Product(member, hidden, State, _rows, _memory.P1Gradient(0), hidden, _memory.State(0), State, whole, State);
        }
        else
        {
            Product(member, h, d, _rows, _memory.P1Gradient(0), hidden, _memory.FirstY, d, fc1 + d, input);
            Product(member, h, l, _rows, _memory.P1Gradient(0), hidden, _memory.FirstZ, l, fc1 + 2 * d, input);
        }
        _team.Barrier();

        int from = h * member / _members, to = h * (member + 1) / _members;
        for (var o = from; o < to; o++)
        {
            var sum = whole + (nint)o * State;
            var part = inner + (nint)o * State;
            if (_recursions == 1) CpuRows<TSimd, TVector>.Accumulate(part, sum, State, true);
            else if (between > 0) CpuRows<TSimd, TVector>.Accumulate(part, sum, State, false);
            var z = fc1 + (nint)o * input + 2 * d;
            if (_recursions > 1) Copy(sum + First, z, l);
            else for (var i = 0; i < l; i++) z[i] += sum[First + i];
        }
        // dW1y: A Wout^T, on top of what the batch's own y gave where it is the state before.
        var fromY = fc1 + (nint)from * input + d;
        _right.Out.Multiply(
            to - from, whole + (nint)from * State, State, fromY, input, _recursions == 1 ? fromY : null, input, columns: d);
        if (between == 0) return;
        // dWout: the last call's y, and W1y^T A for those between.
        Product(
            member, d, h, h, _parameters + _slots.Fc1Weight + d, input, inner, State, output, h, beta: 1);
    }

    /// <summary>A member's share of left^T right: the sums over k rows for its part of the longer dimension.</summary>
    /// <param name="left">[k, rows]</param>
    /// <param name="right">[k, columns]</param>
    private void Product(
        int member, int rows, int columns, int k, float* left, nint leftStride, float* right, nint rightStride, float* result, nint resultRow,
        float beta = 0) =>
        Compute(member, new MatrixJob
        {
            Rows = rows,
            Columns = columns,
            K = k,
            Left = left,
            LeftRow = 1,
            LeftStep = leftStride,
            Right = right,
            RightStep = rightStride,
            RightLane = 1,
            Result = result,
            ResultRow = resultRow,
            Alpha = 1,
            Beta = beta,
        });

    private void Compute(int member, MatrixJob job)
    {
        if (MatrixProduct<TSimd, TVector>.Share(ref job, member, _members))
        {
            MatrixProduct<TSimd, TVector>.Compute(job, _packedLeft[member], _packedRight[member]);
        }
    }

    private void SumColumns(int member, float* source, nint stride, int rows, int columns, float* target)
    {
        var (from, to) = Units(member, columns);
        CpuRows<TSimd, TVector>.SumColumns(source, stride, rows, from, to, target);
    }

    /// <summary>A member's share of columns, by whole panels.</summary>
    private (int From, int To) Units(int member, int columns)
    {
        var units = (columns + _shape.Unit - 1) / _shape.Unit;
        return (units * member / _members * _shape.Unit, Math.Min(columns, units * (member + 1) / _members * _shape.Unit));
    }
}
