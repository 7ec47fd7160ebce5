using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace RsrNet.Core.Embedding;

/// <summary>Core's own, which remembers the ids of words; a word of n bytes that it has not seen costs n log n steps.</summary>
/// <param name="ids">Of each of the merges' symbols.</param>
internal sealed class BytePairEncoder(BytePairMerges merges, int[] ids) : IBytePairEncoder
{
    private readonly WordIds words = new();

    [ThreadStatic]
    private static List<int>? _symbols;

    public void Encode(ReadOnlySpan<char> text, List<int> result, int most)
    {
        foreach (var piece in new PreTokens(text))
        {
            Append(piece, result);
            if (result.Count >= most) return;
        }
    }

    private void Append(ReadOnlySpan<char> piece, List<int> result)
    {
        if (words.Find(piece, out var place) is { } known)
        {
            result.AddRange(known);
            return;
        }
        var found = result.Count;
        EncodePiece(piece, result);
        words.Keep(piece, place, CollectionsMarshal.AsSpan(result)[found..]);
    }

    private void EncodePiece(ReadOnlySpan<char> piece, List<int> result)
    {
        var symbols = _symbols ??= [];
        symbols.Clear();
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(piece.Length));
        merges.Encode(bytes.AsSpan(0, Encoding.UTF8.GetBytes(piece, bytes)), symbols);
        ArrayPool<byte>.Shared.Return(bytes);
        foreach (var symbol in symbols) result.Add(ids[symbol]);
        if (symbols.Capacity > 1 << 16) _symbols = null;
    }
}
