namespace RsrNet.Core.Articles;

/// <summary>The part of a stream that is looked at: read block by block, grown where one record needs it, never copied more than it must be.</summary>
internal sealed class ByteWindow(Stream stream)
{
    private byte[] _bytes = new byte[64 * 1024];
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(_start, _end - _start);

    /// <summary>Drops bytes from the front.</summary>
    public void Drop(int count) => _start += count;

    /// <summary>Appends what the stream has next.</summary>
    /// <returns>False at the end of the stream.</returns>
    public async ValueTask<bool> ReadMore(CancellationToken cancellation)
    {
        if (_start == _end) _start = _end = 0;
        if (_end == _bytes.Length)
        {
            // More than half dead: make room. Else double, so that a long record is moved a bounded number of times.
            var target = _start > _bytes.Length / 2 ? _bytes : new byte[2 * _bytes.Length];
            Span.CopyTo(target);
            (_bytes, _end, _start) = (target, _end - _start, 0);
        }
        var read = await stream.ReadAsync(_bytes.AsMemory(_end), cancellation);
        _end += read;
        return read > 0;
    }
}
