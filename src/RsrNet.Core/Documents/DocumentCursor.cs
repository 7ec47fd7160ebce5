using System.Buffers.Binary;
using System.Buffers.Text;

namespace RsrNet.Core.Documents;

/// <summary>
/// Where a page of documents ended, as the opaque text that callers hand back. A sequence inside, so that documents that come in between
/// move nothing.
/// </summary>
public static class DocumentCursor
{
    private const byte Format = 1;

    /// <param name="sequence">Sequence of the last document of the page.</param>
    public static string After(long sequence)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = Format;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], sequence);
        return Base64Url.EncodeToString(bytes);
    }

    /// <param name="cursor">Null for the beginning.</param>
    /// <param name="sequence">Documents with a sequence above this follow.</param>
    /// <returns>Whether the text is a cursor.</returns>
    public static bool TryParse(string? cursor, out long sequence)
    {
        sequence = 0;
        if (cursor is null) return true;
        Span<byte> bytes = stackalloc byte[16];
        if (cursor.Length != 12 || !Base64Url.IsValid(cursor) || !Base64Url.TryDecodeFromChars(cursor, bytes, out var written))
            return false;
        if (written != 9 || bytes[0] != Format) return false;
        sequence = BinaryPrimitives.ReadInt64BigEndian(bytes[1..]);
        return sequence >= 0;
    }

    /// <exception cref="ArgumentException">The text is no cursor, or the limit is out of range.</exception>
    public static long Start(DocumentQuery query)
    {
        if (query.Limit is < 1 or > 1000) throw new ArgumentException($"limit is {query.Limit}; it must be 1 to 1000", nameof(query));
        if (!TryParse(query.Cursor, out var sequence))
        {
            throw new ArgumentException(
                $"'{query.Cursor}' is no cursor of this server; take it from 'next' of the page before", nameof(query));
        }
        return sequence;
    }
}
