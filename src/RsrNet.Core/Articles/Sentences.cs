using System.Buffers;
using System.Text.RegularExpressions;

namespace RsrNet.Core.Articles;

/// <summary>
/// Cuts English news into sentences: by paragraph, then behind a full stop, question or exclamation mark (with the quotes and brackets that close
/// after it) that is no abbreviation, initial or decimal point. Where news texts lost the blank after a full stop ("he said.The"), it cuts too.
/// </summary>
public static partial class Sentences
{
    /// <summary>A sentence longer than this many characters is cut at a semicolon or comma, else at a blank, so that a list or table is no monster.</summary>
    public const int Longest = 1_000;

    private static readonly SearchValues<char> Ends = SearchValues.Create(".?!\u2026\u3002\uFF01\uFF1F\n\r");

    // Lower case, without the last full stop. After these a capital letter begins no sentence.
    private static readonly HashSet<string> Titles = new(
        "mr mrs ms dr prof sen rep gov gen col lt sgt capt cmdr adm maj brig pvt cpl sr jr rev hon fr pres supt det insp st mt ft vs v no nos fig figs vol pp ed eds cf al dept univ assn bros messrs mme mlle ave blvd rd approx est"
            .Split(' '), StringComparer.OrdinalIgnoreCase);

    // After these a capital may begin a sentence; one that begins the way sentences do is taken to.
    private static readonly HashSet<string> Abbreviations = new(
        "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun inc corp co ltd plc llc etc e.g i.e a.m p.m u.s u.k u.n e.u d.c l.a n.y u.s.a u.s.s.r n.c s.c n.j n.m n.h n.d s.d w.va ala ariz ark calif colo conn del fla ga ill ind kan ky la md mich minn miss mo mont neb nev okla ore pa tenn tex va vt wash wis wyo ph.d m.d b.a m.a j.d oz lb lbs mph min sec hr hrs"
            .Split(' '), StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Starters = new(
        ("the a an this that these those it its he she they we i you his her their our my in on at as but and if when while after before since there here what why how who where "
            + "for from by with to some many most one two three so then now later earlier meanwhile however although though despite under according officials police")
            .Split(' '), StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> TitleLookup = Titles.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> AbbreviationLookup = Abbreviations.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> StarterLookup = Starters.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The sentences in order, each trimmed and with at least one letter or digit; a dateline before the first one is left out.</summary>
    public static IReadOnlyList<string> Of(string text) => [.. Ranges(text).Select(range => text[range])];

    /// <summary>The same as places in <paramref name="text"/>.</summary>
    public static IReadOnlyList<Range> Ranges(string text)
    {
        var ranges = new List<Range>(text.Length / 100 + 1);
        var span = text.AsSpan();
        var start = Dateline(text);
        var at = start;
        while (at < span.Length)
        {
            var next = span[at..].IndexOfAny(Ends);
            if (next < 0) break;
            var mark = at + next;
            if (span[mark] is '\n' or '\r')
            {
                Add(span, start, mark, ranges);
                start = at = mark + 1;
                continue;
            }
            var end = EndOfMarks(span, mark);
            if (IsBoundary(span, start, mark, end))
            {
                Add(span, start, end, ranges);
                start = end;
            }
            at = end;
        }
        Add(span, start, span.Length, ranges);
        return ranges;
    }

    /// <summary>Where the text begins behind a dateline such as "LONDON, England (Reuters) -- " or "(CNN)"; 0 without one.</summary>
    internal static int Dateline(string text)
    {
        var head = text.Length > 160 ? text[..160] : text;
        var match = AgencyDateline().Match(head);
        if (!match.Success) match = PlaceDateline().Match(head);
        return match.Success ? match.Length : 0;
    }

    // "Kano, Nigeria (CNN)Troops ...", "WASHINGTON (AP) -- ", "PARIS, France (Le Monde) -- ". Without dashes behind it, only an agency by its name
    // is one: a sentence may begin with a bracket, too.
    [GeneratedRegex(
        @"^\s*(?:[A-Z][\p{L}.'’-]*(?:,?[ /][A-Z][\p{L}.'’-]*){0,6},? )?"
            + @"(?:\((?:CNN|AP|AFP|UPI|HLN|EFE|DPA|Reuters|Bloomberg|Xinhua|Kyodo|WIRED|Rolling Stone|The Hollywood Reporter)(?: [A-Z]\w+){0,3}\)(?:\s*(?:--|[-–—])+)?"
            + @"|\([A-Z][\w.&'’ ]{1,28}\)\s*(?:--|[-–—])+)\s*",
        RegexOptions.CultureInvariant)]
    private static partial Regex AgencyDateline();

    // "NEW YORK -- ", "SAO PAULO, Brazil — ".
    [GeneratedRegex(@"^\s*[A-Z][A-Z.'’-]+(?: [A-Z.'’-]+){0,4}(?:, [A-Z][\p{L}. ]{1,30})? *(?:--|[–—])\s*", RegexOptions.CultureInvariant)]
    private static partial Regex PlaceDateline();

    // Behind a run of marks and what closes with them: "?!", "...", ".\"", ".')".
    private static int EndOfMarks(ReadOnlySpan<char> text, int mark)
    {
        var end = mark + 1;
        while (end < text.Length && text[end] is '.' or '?' or '!' or '\u2026') end++;
        while (end < text.Length && IsClosing(text, end)) end++;
        return end;
    }

    // A straight quote closes unless a letter follows it at once and a blank stood before; behind a mark it always touches the mark.
    private static bool IsClosing(ReadOnlySpan<char> text, int index) => text[index] switch
    {
        '\u201D' or '\u2019' or ')' or ']' or '\u00BB' => true,
        '"' or '\'' => index + 1 >= text.Length || !char.IsLetterOrDigit(text[index + 1]),
        _ => false,
    };

    private static bool IsBoundary(ReadOnlySpan<char> text, int start, int mark, int end)
    {
        if (end >= text.Length) return true;
        if (text[mark] is '\u3002' or '\uFF01' or '\uFF1F') return true;
        var next = end;
        while (next < text.Length && text[next] is ' ' or '\t' or '\u00A0') next++;
        if (next >= text.Length || text[next] is '\n' or '\r') return true;
        var blank = next > end;
        var quoted = next;
        while (quoted < text.Length && text[quoted] is '"' or '\'' or '\u201C' or '\u2018' or '(' or '[' or '\u00AB' or '@' or '#') quoted++;
        if (quoted >= text.Length) return blank;
        var first = text[quoted];
        if (!blank) return IsLostBlank(text, mark, end, next, quoted);
        // What goes on in small letters goes on: "Yahoo! said", "'Why?' she asked", "wait ... and see".
        if (char.IsLower(first)) return false;
        if (!char.IsLetterOrDigit(first) && quoted == next) return text[next] is '-' or '\u2014' or '\u2013' ? false : text[mark] != '.' || end - mark > 1;
        if (text[mark] != '.' || mark + 1 < end && text[mark + 1] == '.') return true;
        return !IsAbbreviation(text, start, mark, end, quoted);
    }

    // "said.The" and "said.\"The": a letter or digit run of at least two small letters before, a capital and a letter after. Not "example.Com"-like or "U.S.Army".
    private static bool IsLostBlank(ReadOnlySpan<char> text, int mark, int end, int next, int quoted)
    {
        if (quoted + 1 >= text.Length || !char.IsUpper(text[quoted])) return false;
        if (!char.IsLower(text[quoted + 1]) && !(text[quoted + 1] is ' ' or '\'' or '\u2019')) return false;
        // "www.Example.org"
        var word = quoted;
        while (word < text.Length && char.IsLetterOrDigit(text[word])) word++;
        if (word + 1 < text.Length && text[word] == '.' && char.IsLower(text[word + 1])) return false;
        if (end - mark > 1 || quoted > next) return true;
        return mark >= 2 && (char.IsLower(text[mark - 1]) && char.IsLower(text[mark - 2]) || char.IsDigit(text[mark - 1]) || text[mark] != '.');
    }

    private static bool IsAbbreviation(ReadOnlySpan<char> text, int start, int mark, int end, int next)
    {
        var begin = mark;
        while (begin > start && (char.IsLetterOrDigit(text[begin - 1]) || text[begin - 1] == '.')) begin--;
        var word = text[begin..mark];
        if (word.IsEmpty) return false;
        var letter = char.IsLetter(word[0]);
        // A quote or bracket closed behind the full stop: only a title goes on over that.
        var numbered = char.IsDigit(text[next]);
        if (TitleLookup.Contains(word))
        {
            // "No. 5" but "He said no. The"; "vs. Spain"; titles stand before names.
            if (word.Equals("no", StringComparison.OrdinalIgnoreCase) || word.Equals("nos", StringComparison.OrdinalIgnoreCase)) return numbered;
            if (word is "v" or "ed" or "al" or "est" or "rd" or "ave" or "blvd" or "dept") return !StartsSentence(text, next);
            return end == mark + 1;
        }
        // An initial: "J. Edgar", "George W. Bush". "I." ends sentences more often than it stands for a name.
        if (word.Length == 1 && char.IsUpper(word[0])) return end == mark + 1 && (word[0] != 'I' || !StartsSentence(text, next)) && !StartsSentence(text, next);
        var dotted = letter && word.Length >= 3 && word.Length <= 9 && word[1] == '.' && IsDotted(word);
        if (dotted || AbbreviationLookup.Contains(word) && (word.Contains('.') || char.IsUpper(word[0]) || IsSmallUnit(word))) return !StartsSentence(text, next);
        return false;
    }

    private static bool IsSmallUnit(ReadOnlySpan<char> word) => word is "etc" or "oz" or "lb" or "lbs" or "mph" or "min" or "sec" or "hr" or "hrs" or "co";

    private static bool IsDotted(ReadOnlySpan<char> word)
    {
        for (var i = 0; i < word.Length; i++)
        {
            if (i % 2 == 1 ? word[i] != '.' : !char.IsLetter(word[i])) return false;
        }
        return true;
    }

    private static bool StartsSentence(ReadOnlySpan<char> text, int index)
    {
        var end = index;
        while (end < text.Length && char.IsLetter(text[end])) end++;
        return StarterLookup.Contains(text[index..end]);
    }

    private static void Add(ReadOnlySpan<char> text, int start, int end, List<Range> ranges)
    {
        while (true)
        {
            while (start < end && char.IsWhiteSpace(text[start])) start++;
            while (end > start && char.IsWhiteSpace(text[end - 1])) end--;
            if (end - start <= Longest) break;
            var cut = CutOf(text.Slice(start, Longest));
            AddOne(text, start, start + cut, ranges);
            start += cut;
        }
        AddOne(text, start, end, ranges);
    }

    private static void AddOne(ReadOnlySpan<char> text, int start, int end, List<Range> ranges)
    {
        while (end > start && char.IsWhiteSpace(text[end - 1])) end--;
        for (var i = start; i < end; i++)
        {
            if (!char.IsLetterOrDigit(text[i]) && !char.IsSurrogate(text[i])) continue;
            ranges.Add(start..end);
            return;
        }
    }

    // The latest semicolon in the second half, else a comma there, else a blank; never inside a surrogate pair.
    private static int CutOf(ReadOnlySpan<char> run)
    {
        var half = run.Length / 2;
        foreach (var mark in ";,")
        {
            var at = run[half..].LastIndexOf(mark);
            if (at >= 0) return half + at + 1;
        }
        var blank = run[half..].LastIndexOf(' ');
        if (blank >= 0) return half + blank + 1;
        return char.IsHighSurrogate(run[^1]) ? run.Length - 1 : run.Length;
    }
}
