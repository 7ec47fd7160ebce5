namespace RsrNet.Core.Documents;

/// <summary>Precision, recall and F1, each in [0, 1]; all 0 where one of the texts has no token.</summary>
public readonly record struct RougeScore(double Precision, double Recall)
{
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;

    internal static RougeScore Of(int hits, int candidate, int reference) =>
        candidate == 0 || reference == 0 ? default : new((double)hits / candidate, (double)hits / reference);
}

/// <summary>
/// ROUGE (Lin 2004) by the conventions of Google's rouge_score: lower case, tokens are runs of a-z and 0-9, no stop words removed.
/// Porter's stemming of words longer than three letters is an option, as there. Sentences are given apart; ROUGE-1 and -2 see them joined by a blank.
/// </summary>
/// <param name="R1">Common words.</param>
/// <param name="R2">Common pairs of neighbouring words.</param>
/// <param name="RLsum">Union of longest common subsequences, sentence by sentence.</param>
public readonly record struct Rouge(RougeScore R1, RougeScore R2, RougeScore RLsum)
{
    /// <param name="candidate">The sentences of the summary that is scored.</param>
    /// <param name="reference">The sentences of the human one.</param>
    /// <param name="stem">Whether words are compared by their stems.</param>
    public static Rouge Of(IReadOnlyList<string> candidate, IReadOnlyList<string> reference, bool stem = false) => Of(candidate, reference, stem, longest: true);

    /// <summary>ROUGE-1 and -2 alone, which cost little; ROUGE-Lsum is 0.</summary>
    public static Rouge Words(IReadOnlyList<string> candidate, IReadOnlyList<string> reference) => Of(candidate, reference, stem: false, longest: false);

    private static Rouge Of(IReadOnlyList<string> candidate, IReadOnlyList<string> reference, bool stem, bool longest)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var lookup = numbers.GetAlternateLookup<ReadOnlySpan<char>>();
        int[][] ours = [.. candidate.Select(sentence => Tokens(sentence, lookup, stem))];
        int[][] theirs = [.. reference.Select(sentence => Tokens(sentence, lookup, stem))];
        int[] ourWords = [.. ours.SelectMany(words => words)], theirWords = [.. theirs.SelectMany(words => words)];
        return new Rouge(Grams(ourWords, theirWords, 1), Grams(ourWords, theirWords, 2), longest ? UnionOfSubsequences(ours, theirs) : default);
    }

    // A token's number instead of its letters: comparing is what the subsequences spend their time on.
    internal static int[] Tokens(string sentence, Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> numbers, bool stem = false)
    {
        var tokens = new List<int>(sentence.Length / 5);
        var lower = sentence.ToLowerInvariant();
        for (var i = 0; i < lower.Length; i++)
        {
            var start = i;
            while (i < lower.Length && char.IsAsciiLetterOrDigit(lower[i])) i++;
            if (i == start) continue;
            var token = lower.AsSpan(start, i - start);
            if (stem && token.Length > 3) token = PorterStemmer.Stem(token);
            if (!numbers.TryGetValue(token, out var number))
            {
                number = numbers.Dictionary.Count;
                numbers.TryAdd(token, number);
            }
            tokens.Add(number);
        }
        return [.. tokens];
    }

    private static RougeScore Grams(int[] candidate, int[] reference, int n)
    {
        var open = new Dictionary<(int, int), int>();
        for (var i = 0; i + n <= reference.Length; i++)
        {
            var gram = (reference[i], reference[i + n - 1]);
            open[gram] = open.GetValueOrDefault(gram) + 1;
        }
        var hits = 0;
        for (var i = 0; i + n <= candidate.Length; i++)
        {
            var gram = (candidate[i], candidate[i + n - 1]);
            if (open.GetValueOrDefault(gram) == 0) continue;
            open[gram]--;
            hits++;
        }
        return RougeScore.Of(hits, Math.Max(candidate.Length - n + 1, 0), Math.Max(reference.Length - n + 1, 0));
    }

    // Per reference sentence, the positions that are in the longest common subsequence with any candidate sentence; a hit counts no
    // token more often than either text has it.
    private static RougeScore UnionOfSubsequences(int[][] candidate, int[][] reference)
    {
        var left = Counts(candidate);
        var open = Counts(reference);
        var hits = 0;
        foreach (var sentence in reference)
        {
            var union = new bool[sentence.Length];
            foreach (var other in candidate) MarkSubsequence(sentence, other, union);
            for (var i = 0; i < sentence.Length; i++)
            {
                var token = sentence[i];
                if (!union[i] || left.GetValueOrDefault(token) == 0 || open.GetValueOrDefault(token) == 0) continue;
                left[token]--;
                open[token]--;
                hits++;
            }
        }
        return RougeScore.Of(hits, candidate.Sum(words => words.Length), reference.Sum(words => words.Length));
    }

    private static Dictionary<int, int> Counts(int[][] sentences)
    {
        var counts = new Dictionary<int, int>();
        foreach (var token in sentences.SelectMany(words => words)) counts[token] = counts.GetValueOrDefault(token) + 1;
        return counts;
    }

    private static void MarkSubsequence(int[] reference, int[] candidate, bool[] union)
    {
        var lengths = new int[reference.Length + 1, candidate.Length + 1];
        for (var i = 1; i <= reference.Length; i++)
        {
            for (var j = 1; j <= candidate.Length; j++)
            {
                lengths[i, j] = reference[i - 1] == candidate[j - 1]
                    ? lengths[i - 1, j - 1] + 1
                    : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
            }
        }
        for (int i = reference.Length, j = candidate.Length; i > 0 && j > 0;)
        {
            if (reference[i - 1] == candidate[j - 1])
            {
                union[i - 1] = true;
                i--;
                j--;
            }
            // rouge_score's tie: it steps back in the candidate only where that is strictly longer.
            else if (lengths[i, j - 1] > lengths[i - 1, j]) j--;
            else i--;
        }
    }
}
