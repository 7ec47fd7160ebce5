using System.Globalization;
using System.Text;

namespace RsrNet.Core.Articles;

/// <summary>One story in the making: what its slots hold, and sentences written with them.</summary>
internal sealed class NewswireStory(NewswireTemplate template, NewswireNames names, bool drifted, DateTimeOffset at, NewswireDice dice)
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal)
    {
        ["day"] = at.DayOfWeek.ToString(),
        ["prevday"] = at.AddDays(-2).DayOfWeek.ToString(),
        ["nextday"] = at.AddDays(2).DayOfWeek.ToString(),
        ["lastmonth"] = at.AddMonths(-2).ToString("MMMM", CultureInfo.InvariantCulture),
        ["month"] = at.AddMonths(3).ToString("MMMM", CultureInfo.InvariantCulture),
    };

    private readonly HashSet<string> _introduced = new(StringComparer.Ordinal);
    private readonly HashSet<string> _lastNames = new(StringComparer.Ordinal);

    /// <summary>The value of a slot, chosen at its first use.</summary>
    /// <exception cref="InvalidDataException">The template has no such slot.</exception>
    public string ValueOf(string slot)
    {
        if (_values.TryGetValue(slot, out var value)) return value;
        var dot = slot.IndexOf('.', StringComparison.Ordinal);
        var name = dot < 0 ? slot : slot[..dot];
        if (_values.ContainsKey(name) || !template.Slots.TryGetValue(name, out var kind))
        {
            throw new InvalidDataException($"a story on {template.Topic} uses {{{slot}}}, which it does not have");
        }
        Bind(name, kind);
        return ValueOf(slot);
    }

    /// <summary>A sentence of the running text: a person has the full name where the text names them first or says who they are, then the last name.</summary>
    public string Tell(string pattern)
    {
        for (var end = 0; (end = pattern.IndexOf('}', end)) >= 0; end++)
        {
            var start = pattern.LastIndexOf('{', end) + 1;
            var slot = pattern[start..end];
            var name = slot.EndsWith(".last", StringComparison.Ordinal) ? slot[..^5] : slot;
            if (!template.Slots.TryGetValue(name, out var kind) || !kind.StartsWith("person", StringComparison.Ordinal)) continue;
            var first = _introduced.Add(name);
            var whole = first || (slot == name && end + 1 < pattern.Length && pattern[end + 1] == ',');
            var wanted = whole ? name : name + ".last";
            pattern = pattern[..start] + wanted + pattern[end..];
            end = start + wanted.Length;
        }
        return Write(pattern);
    }

    /// <summary>Chooses among [a|b], fills {slots}, mends "a" before a vowel and begins with a capital.</summary>
    public string Write(string pattern)
    {
        var text = new StringBuilder(pattern.Length + 40);
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] is not ('{' or '['))
            {
                text.Append(pattern[i]);
                continue;
            }
            var end = pattern.IndexOf(pattern[i] == '{' ? '}' : ']', i);
            var inside = pattern[(i + 1)..end];
            Append(text, pattern[i] == '{' ? ValueOf(inside) : Write(dice.Of(inside.Split('|')), capital: false));
            i = end;
        }
        if (text.Length > 0) text[0] = char.ToUpperInvariant(text[0]);
        return text.ToString();
    }

    private string Write(string pattern, bool capital)
    {
        var written = Write(pattern);
        // A choice inside a sentence keeps its own first letter.
        return capital || pattern[0] == '{' || written.Length == 0 ? written : pattern[0] + written[1..];
    }

    private static void Append(StringBuilder text, string value)
    {
        var article = text.Length == 2 && text[0] == 'A' && text[1] == ' ' || text.Length > 2 && text[^1] == ' ' && text[^2] == 'a' && text[^3] == ' ';
        if (article && value.Length > 0 && "aeio8".Contains(char.ToLowerInvariant(value[0]), StringComparison.Ordinal)) text.Insert(text.Length - 1, 'n');
        text.Append(value);
    }

    private void Bind(string name, string kind)
    {
        var (type, rest) = NewswireTemplate.Cut(kind);
        switch (type)
        {
            case "person":
                BindPerson(name, rest);
                break;
            case "city":
                var city = names.Pick("city", drifted, dice);
                while (_values.ContainsValue(city.Split(", ")[0])) city = names.Pick("city", drifted, dice);
                _values[name] = city.Split(", ")[0];
                _values[name + ".country"] = city.Split(", ")[1];
                break;
            case "company":
                var company = names.Pick("company", drifted, dice);
                while (_values.ContainsValue(company)) company = names.Pick("company", drifted, dice);
                _values[name] = company;
                break;
            case "int":
                _values[name] = Number(rest).ToString("N0", CultureInfo.InvariantCulture);
                break;
            case "ordinal":
                _values[name] = Ordinal(Number(rest));
                break;
            case "year":
                _values[name] = Number(rest).ToString(CultureInfo.InvariantCulture);
                break;
            case "money":
                _values[name] = $"${Number(rest)} {rest.Split(' ')[2]}";
                break;
            case "pick":
                _values[name] = dice.Of(rest.Split('|'));
                break;
            default:
                throw new InvalidDataException($"newswire.txt: '{type}' is no kind of slot");
        }
    }

    // Players of one match are all men or all women: such a slot names the other one it is like.
    private void BindPerson(string name, string like)
    {
        var woman = like.Length > 0 ? ValueOf(like + ".he") == "she" : dice.Happens(50);
        var last = names.Pick("last", drifted, dice);
        while (!_lastNames.Add(last)) last = names.Pick("last", drifted, dice);
        _values[name] = $"{names.Pick(woman ? "women" : "men", drifted, dice)} {last}";
        _values[name + ".last"] = last;
        _values[name + ".he"] = woman ? "she" : "he";
        _values[name + ".He"] = woman ? "She" : "He";
        _values[name + ".his"] = woman ? "her" : "his";
    }

    // Large numbers are rounded the way reporters do it; a narrow range, such as one of years, is not.
    private int Number(string range)
    {
        var bounds = range.Split(' ');
        var from = int.Parse(bounds[0], CultureInfo.InvariantCulture);
        var to = int.Parse(bounds[1], CultureInfo.InvariantCulture);
        var number = from + dice.Below(to - from + 1);
        if (to - from < 100) return number;
        return number >= 20_000 ? number / 1000 * 1000 : number >= 2000 ? number / 100 * 100 : number >= 500 ? number / 10 * 10 : number;
    }

    private static string Ordinal(int number) => (number % 10, number / 10 % 10) switch
    {
        (_, 1) => $"{number}th",
        (1, _) => $"{number}st",
        (2, _) => $"{number}nd",
        (3, _) => $"{number}rd",
        _ => $"{number}th",
    };
}
