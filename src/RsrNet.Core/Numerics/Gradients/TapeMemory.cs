namespace RsrNet.Core.Numerics.Gradients;

/// <summary>Memory handed out front to back and taken back at once. After the largest step it is one block that is never asked for again.</summary>
internal sealed unsafe class TapeMemory : IDisposable
{
    private const long FirstBlock = 1 << 18;

    /// <summary>Rows start at cache lines as far as their lengths allow.</summary>
    private const long Alignment = 16;

    private readonly List<AlignedBuffer> _blocks = [];
    private int _block;
    private long _used;

    /// <summary>Room for so many floats; what is in it is left over from before.</summary>
    public float* Take(long length)
    {
        length = (length + Alignment - 1) / Alignment * Alignment;
        while (_block < _blocks.Count && _used + length > _blocks[_block].Length)
        {
            _block++;
            _used = 0;
        }
        if (_block == _blocks.Count) _blocks.Add(new AlignedBuffer(Math.Max(length, _blocks.Count == 0 ? FirstBlock : 2 * _blocks[^1].Length)));
        var place = _blocks[_block].Pointer + _used;
        _used += length;
        return place;
    }

    /// <summary>Takes everything back. What was handed out before must not be used any more.</summary>
    public void Clear()
    {
        if (_blocks.Count > 1)
        {
            var all = _blocks.Sum(block => block.Length);
            foreach (var block in _blocks) block.Dispose();
            _blocks.Clear();
            _blocks.Add(new AlignedBuffer(all));
        }
        _block = 0;
        _used = 0;
    }

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
        _blocks.Clear();
    }
}
