using System.Runtime.InteropServices;

namespace RsrNet.Core.Embedding;

/// <summary>
/// Byte-pair encoding of one piece of text: of all neighbouring symbols the pair with the lowest rank is merged, everywhere from left to
/// right, until no pair has a rank (Sennrich, Haddow and Birch 2016, as in GPT-2's encoder.py). A queue of pairs makes it n log n instead
/// of n squared, so that a word of a megabyte is no attack.
/// </summary>
/// <remarks>Symbols are numbered here; what a symbol is called outside is the caller's affair. Thread-safe.</remarks>
internal sealed class BytePairMerges
{
    private const int SymbolBits = 20;

    private readonly Dictionary<ulong, (int Rank, int Symbol)> merges = [];
    private readonly Dictionary<string, int> symbols = new(StringComparer.Ordinal);
    private readonly List<string> names = [];

    [ThreadStatic]
    private static Scratch? _scratch;

    /// <param name="pairs">Pairs by rank, lowest first. The last of equal ones counts.</param>
    public BytePairMerges(IEnumerable<(string Left, string Right)> pairs)
    {
        for (var value = 0; value < 256; value++) SymbolOf(ByteAlphabet.Of((byte)value).ToString());
        var rank = 0;
        foreach (var (left, right) in pairs) merges[Pair(SymbolOf(left), SymbolOf(right))] = (rank++, SymbolOf(left + right));
    }

    /// <summary>What each symbol stands for, in the byte alphabet. The first 256 are the bytes.</summary>
    public IReadOnlyList<string> Symbols => names;

    /// <summary>Adds the symbols of a piece of UTF-8 text to a list.</summary>
    public void Encode(ReadOnlySpan<byte> piece, List<int> result)
    {
        var scratch = _scratch ??= new Scratch();
        scratch.Load(piece);
        for (var at = 0; at + 1 < piece.Length; at++) Offer(scratch, at);
        scratch.Admit();

        while (scratch.Queue.TryPeek(out _, out var first))
        {
            // All places of one pair before any pair that it makes, even one of lower rank: as the reference does.
            var rank = (int)(first >> 32);
            while (scratch.Queue.TryPeek(out var place, out var key) && (int)(key >> 32) == rank)
            {
                scratch.Queue.Dequeue();
                Merge(scratch, place, rank);
            }
            scratch.Admit();
        }

        for (var at = 0; at >= 0; at = scratch.Next[at]) result.Add(scratch.Symbols[at]);
        // A huge piece leaves huge arrays behind.
        if (piece.Length > 1 << 16) _scratch = null;
    }

    // A queued pair may be gone by now: one of its symbols was merged with another neighbour.
    private void Merge(Scratch scratch, int at, int rank)
    {
        var next = scratch.Symbols[at] < 0 ? -1 : scratch.Next[at];
        if (next < 0 || !merges.TryGetValue(Pair(scratch.Symbols[at], scratch.Symbols[next]), out var merge) || merge.Rank != rank) return;
        scratch.Symbols[at] = merge.Symbol;
        scratch.Symbols[next] = -1;
        var behind = scratch.Next[at] = scratch.Next[next];
        if (behind >= 0)
        {
            scratch.Previous[behind] = at;
            Offer(scratch, at);
        }
        if (scratch.Previous[at] is var before and >= 0) Offer(scratch, before);
    }

    private void Offer(Scratch scratch, int at)
    {
        if (merges.TryGetValue(Pair(scratch.Symbols[at], scratch.Symbols[scratch.Next[at]]), out var merge))
            scratch.Waiting.Add((at, ((ulong)merge.Rank << 32) | (uint)at));
    }

    // Both fit in 40 bits, and the dictionary's hash (upper half xor lower half) keeps nearly all of them.
    private static ulong Pair(int left, int right) => ((ulong)left << SymbolBits) | (uint)right;

    private int SymbolOf(string name)
    {
        ref var symbol = ref CollectionsMarshal.GetValueRefOrAddDefault(symbols, name, out var known);
        if (known) return symbol;
        if (names.Count == 1 << SymbolBits) throw new InvalidDataException($"the merges make more than {names.Count:N0} symbols");
        names.Add(name);
        return symbol = names.Count - 1;
    }

    /// <summary>
    /// Symbols as a linked list over arrays, and the pairs in it by rank and place. -1 in a link is the end, in a symbol its absence.
    /// </summary>
    private sealed class Scratch
    {
        public int[] Symbols = new int[64];
        public int[] Next = new int[64];
        public int[] Previous = new int[64];
        public readonly PriorityQueue<int, ulong> Queue = new();
        public readonly List<(int, ulong)> Waiting = [];

        public void Load(ReadOnlySpan<byte> piece)
        {
            if (piece.Length > Symbols.Length)
            {
                Symbols = new int[piece.Length];
                Next = new int[piece.Length];
                Previous = new int[piece.Length];
            }
            for (var i = 0; i < piece.Length; i++)
            {
                Symbols[i] = piece[i];
                Next[i] = i + 1;
                Previous[i] = i - 1;
            }
            if (piece.Length > 0) Next[piece.Length - 1] = -1;
            Queue.Clear();
            Waiting.Clear();
        }

        /// <summary>Puts the pairs that wait into the queue.</summary>
        public void Admit()
        {
            Queue.EnqueueRange(Waiting);
            Waiting.Clear();
        }
    }
}
