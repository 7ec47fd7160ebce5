namespace RsrNet.Core.Numerics.Gradients;

/// <summary>
/// Where the elements of several sequences lie, one time step after the other and without padding, as in PyTorch's PackedSequence: the sequences are
/// sorted by length, longest first, so that those still running at step t are the first B_t. Row <c>Offset(t) + b</c> is element t of sequence b.
/// </summary>
public sealed class PackedSteps
{
    private int[] _active = [];
    private int[] _offset = [0];
    private int[] _lengths = [];

    /// <summary>T, the longest length.</summary>
    public int Steps { get; private set; }

    /// <summary>B, sequences.</summary>
    public int Batch { get; private set; }

    /// <summary>N, elements of all sequences.</summary>
    public int Rows { get; private set; }

    /// <summary>Whether all sequences have the same length.</summary>
    public bool IsUniform => Rows == Steps * Batch;

    /// <summary>[B], descending.</summary>
    public ReadOnlySpan<int> Lengths => _lengths.AsSpan(0, Batch);

    /// <summary>B_t: sequences longer than t.</summary>
    public int Active(int step) => _active[step];

    /// <summary>The first row of a step.</summary>
    public int Offset(int step) => _offset[step];

    /// <summary>Row of a sequence's last element.</summary>
    public int LastRow(int sequence) => _offset[_lengths[sequence] - 1] + sequence;

    /// <param name="lengths">[B], descending, at least 1.</param>
    /// <exception cref="ArgumentException">They are not descending, or one is below 1.</exception>
    public void Set(ReadOnlySpan<int> lengths)
    {
        if (lengths.IsEmpty) throw new ArgumentException("there must be a sequence", nameof(lengths));
        for (var b = 0; b < lengths.Length; b++)
        {
            if (lengths[b] < 1) throw new ArgumentException($"sequence {b} has {lengths[b]} elements; at least 1 is needed", nameof(lengths));
            if (b > 0 && lengths[b] > lengths[b - 1]) throw new ArgumentException("sequences must be sorted by length, longest first", nameof(lengths));
        }
        (Steps, Batch, Rows) = (lengths[0], lengths.Length, 0);
        if (_lengths.Length < Batch) _lengths = new int[Batch];
        if (_active.Length < Steps) _active = new int[Steps];
        if (_offset.Length < Steps) _offset = new int[Steps];
        lengths.CopyTo(_lengths);
        var running = Batch;
        for (var t = 0; t < Steps; t++)
        {
            while (lengths[running - 1] <= t) running--;
            _active[t] = running;
            _offset[t] = Rows;
            Rows += running;
        }
    }

    /// <summary>All of one length.</summary>
    public void Set(int batch, int steps)
    {
        if (_lengths.Length < batch) _lengths = new int[batch];
        _lengths.AsSpan(0, batch).Fill(steps);
        Set(_lengths.AsSpan(0, batch));
    }
}
