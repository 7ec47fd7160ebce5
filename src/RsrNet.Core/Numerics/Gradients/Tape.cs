namespace RsrNet.Core.Numerics.Gradients;

/// <summary>
/// Reverse-mode differentiation for the recurrent models: each calculation is done at once and remembered; <see cref="Backward"/> plays them back
/// from the last to the first and adds to the parameters' gradients. Sequences lie as <see cref="PackedSteps"/> says. Not thread-safe.
/// </summary>
/// <remarks>Operations, matrices and memory are kept and used again after <see cref="Clear"/>: a step like the one before allocates nothing.</remarks>
public sealed unsafe partial class Tape : IDisposable
{
    private readonly List<TapeOperation> _operations = [];
    private readonly List<TapeMatrix> _matrices = [];
    private int _operationCount;
    private int _matrixCount;

    /// <param name="product">Does the matrix products; its owner disposes it.</param>
    /// <param name="seed">Of dropout.</param>
    public Tape(MatrixProduct product, ulong seed = 1)
    {
        Product = product;
        Kernels = RowKernels.Create(product.Width);
        Random = new SplitMix64(seed);
    }

    internal MatrixProduct Product { get; }

    internal RowKernels Kernels { get; }

    internal TapeMemory Memory { get; } = new();

    /// <summary>Dropout's.</summary>
    internal SplitMix64 Random;

    /// <summary>Forgets everything recorded.</summary>
    public void Clear()
    {
        Memory.Clear();
        _operationCount = 0;
        _matrixCount = 0;
    }

    /// <summary>Adds the gradient of the losses recorded since <see cref="Clear"/> to the parameters'. Once for each recording.</summary>
    public void Backward()
    {
        while (_operationCount > 0) _operations[--_operationCount].Backward(this);
    }

    /// <summary>Numbers from outside, of which no slope is wanted.</summary>
    /// <param name="values">[rows, columns]; copied.</param>
    public TapeMatrix Input(ReadOnlySpan<float> values, int rows, int columns)
    {
        if (values.Length != rows * columns) throw new ArgumentException($"{values.Length} values are not [{rows}, {columns}]", nameof(values));
        var matrix = Matrix(rows, columns, constant: true);
        values.CopyTo(new Span<float>(matrix.Pointer, values.Length));
        return matrix;
    }

    public void Dispose() => Memory.Dispose();

    /// <summary>A matrix whose values are yet to be written.</summary>
    internal TapeMatrix Matrix(int rows, int columns, bool constant = false)
    {
        if (_matrixCount == _matrices.Count) _matrices.Add(new TapeMatrix());
        return _matrices[_matrixCount++].Place(Memory.Take((long)rows * columns), rows, columns, constant);
    }

    /// <summary>The next operation on the tape: that of the recording before, where it is of the same kind.</summary>
    internal TOperation Next<TOperation>()
        where TOperation : TapeOperation, new()
    {
        if (_operationCount == _operations.Count) _operations.Add(new TOperation());
        if (_operations[_operationCount] is not TOperation) _operations[_operationCount] = new TOperation();
        return (TOperation)_operations[_operationCount++];
    }
}
