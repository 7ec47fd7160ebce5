using System.Runtime.InteropServices;

namespace RsrNet.Core.Embedding.Vocabularies;

/// <summary>Pieces of text by number; a piece gets one once it has been seen often enough, up to a limit.</summary>
/// <param name="minimumCount">Sightings until a piece has a number; at least 1. The first ones teach what unknown pieces are like.</param>
/// <param name="limit">Most numbers.</param>
public abstract class GrowingVocabulary(int minimumCount, int limit) : IVocabulary
{
    /// <summary>Pieces seen too rarely are forgotten together when there are so many.</summary>
    private const int MostCandidates = 200_000;

    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly List<string> pieces = [];
    private readonly Dictionary<string, int> candidates = new(StringComparer.Ordinal);

    public int Count => SpecialToken.Count + pieces.Count;

    public VocabularyContent Content => new(Kind, [.. pieces], new Dictionary<string, int>(candidates, StringComparer.Ordinal));

    protected abstract string Kind { get; }

    /// <summary>What stands between two pieces in a text.</summary>
    protected abstract string Separator { get; }

    public void Encode(string text, List<int> tokens)
    {
        foreach (var piece in Split(text)) tokens.Add(numbers.TryGetValue(piece, out var number) ? number : SpecialToken.Unknown);
    }

    public void Learn(string text)
    {
        foreach (var piece in Split(text))
        {
            if (numbers.ContainsKey(piece) || Count >= limit) continue;
            if (candidates.Count >= MostCandidates) candidates.Clear();
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(candidates, piece, out _);
            if (++count >= minimumCount) Add(piece);
        }
    }

    public string Decode(ReadOnlySpan<int> tokens)
    {
        var words = new List<string>(tokens.Length);
        foreach (var token in tokens)
        {
            if (token == SpecialToken.Unknown) words.Add(SpecialToken.UnknownText);
            else if (token >= SpecialToken.Count && token < Count) words.Add(pieces[token - SpecialToken.Count]);
        }
        return string.Join(Separator, words);
    }

    protected abstract IEnumerable<string> Split(string text);

    /// <summary>Goes on from what a checkpoint holds.</summary>
    protected void Fill(VocabularyContent content)
    {
        if (content.Kind != Kind) throw new InvalidDataException($"this is a vocabulary of {content.Kind}, not of {Kind}");
        foreach (var piece in content.Tokens) Add(piece);
        foreach (var (piece, count) in content.Candidates ?? new Dictionary<string, int>()) candidates[piece] = count;
    }

    private void Add(string piece)
    {
        candidates.Remove(piece);
        if (numbers.TryAdd(piece, Count)) pieces.Add(piece);
    }
}
