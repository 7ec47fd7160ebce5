namespace RsrNet.Core.Documents;

/// <summary>
/// Porter's stemmer (Porter 1980: An algorithm for suffix stripping) with the two departures of its author's later code: "bli" and "logi"
/// in step 2. For lower-case English words of a-z and 0-9. NLTK adds exceptions of its own, so a few words differ from rouge_score's.
/// </summary>
public static class PorterStemmer
{
    private static readonly (string Suffix, string Replacement)[] Step2 =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"), ("entli", "ent"),
        ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"),
        ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("logi", "log"),
    ];

    private static readonly (string Suffix, string Replacement)[] Step3 =
        [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    private static readonly string[] Step4 =
        ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"];

    /// <returns>The stem; words of one or two letters stay.</returns>
    public static string Stem(ReadOnlySpan<char> word)
    {
        if (word.Length <= 2) return word.ToString();
        var stem = Plural(word.ToString());
        stem = Past(stem);
        if (stem.EndsWith('y') && HasVowel(stem.AsSpan(0, stem.Length - 1))) stem = stem[..^1] + "i";
        stem = Replace(stem, Step2);
        stem = Replace(stem, Step3);
        stem = Drop(stem);
        return Final(stem);
    }

    // Step 1a.
    private static string Plural(string word)
    {
        if (word.EndsWith("sses", StringComparison.Ordinal) || word.EndsWith("ies", StringComparison.Ordinal)) return word[..^2];
        return word.EndsWith('s') && !word.EndsWith("ss", StringComparison.Ordinal) ? word[..^1] : word;
    }

    // Step 1b.
    private static string Past(string word)
    {
        if (word.EndsWith("eed", StringComparison.Ordinal)) return Measure(word.AsSpan(0, word.Length - 3)) > 0 ? word[..^1] : word;
        var cut = word.EndsWith("ed", StringComparison.Ordinal) ? 2 : word.EndsWith("ing", StringComparison.Ordinal) ? 3 : 0;
        if (cut == 0 || !HasVowel(word.AsSpan(0, word.Length - cut))) return word;
        var stem = word[..^cut];
        if (stem.EndsWith("at", StringComparison.Ordinal) || stem.EndsWith("bl", StringComparison.Ordinal) || stem.EndsWith("iz", StringComparison.Ordinal)) return stem + "e";
        if (EndsDouble(stem) && stem[^1] is not ('l' or 's' or 'z')) return stem[..^1];
        return Measure(stem) == 1 && EndsShort(stem) ? stem + "e" : stem;
    }

    // Steps 2 and 3: the first suffix that fits decides, whether or not its condition holds.
    private static string Replace(string word, (string Suffix, string Replacement)[] rules)
    {
        foreach (var (suffix, replacement) in rules)
        {
            if (!word.EndsWith(suffix, StringComparison.Ordinal)) continue;
            return Measure(word.AsSpan(0, word.Length - suffix.Length)) > 0 ? word[..^suffix.Length] + replacement : word;
        }
        return word;
    }

    private static string Drop(string word)
    {
        var longest = "";
        foreach (var suffix in Step4)
        {
            if (suffix.Length > longest.Length && word.EndsWith(suffix, StringComparison.Ordinal)) longest = suffix;
        }
        if (longest.Length == 0) return word;
        var stem = word[..^longest.Length];
        var fits = Measure(stem) > 1 && (longest != "ion" || stem.EndsWith('s') || stem.EndsWith('t'));
        return fits ? stem : word;
    }

    private static string Final(string word)
    {
        if (word.EndsWith('e'))
        {
            var stem = word[..^1];
            var measure = Measure(stem);
            if (measure > 1 || (measure == 1 && !EndsShort(stem))) word = stem;
        }
        return word.EndsWith("ll", StringComparison.Ordinal) && Measure(word) > 1 ? word[..^1] : word;
    }

    private static bool IsConsonant(ReadOnlySpan<char> word, int index) => word[index] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => index == 0 || !IsConsonant(word, index - 1),
        _ => true,
    };

    /// <summary>m in [C](VC)^m[V].</summary>
    private static int Measure(ReadOnlySpan<char> word)
    {
        var measure = 0;
        for (var i = 1; i < word.Length; i++)
        {
            if (IsConsonant(word, i) && !IsConsonant(word, i - 1)) measure++;
        }
        return measure;
    }

    private static bool HasVowel(ReadOnlySpan<char> word)
    {
        for (var i = 0; i < word.Length; i++)
        {
            if (!IsConsonant(word, i)) return true;
        }
        return false;
    }

    private static bool EndsDouble(string word) => word.Length >= 2 && word[^1] == word[^2] && IsConsonant(word, word.Length - 1);

    /// <summary>Consonant, vowel, consonant, the last not w, x or y.</summary>
    private static bool EndsShort(string word) =>
        word.Length >= 3 && IsConsonant(word, word.Length - 3) && !IsConsonant(word, word.Length - 2) && IsConsonant(word, word.Length - 1)
        && word[^1] is not ('w' or 'x' or 'y');
}
