using System.Globalization;

namespace RsrNet.Core.Articles;

/// <summary>A kind of story of <see cref="DemoNewswire"/>, as newswire.txt has it.</summary>
internal sealed class NewswireTemplate(string topic, int weight, int driftedWeight)
{
    public string Topic { get; } = topic;

    /// <summary>How often the story comes, relative to the others, before and after the drift.</summary>
    public int Weight { get; } = weight;

    public int DriftedWeight { get; } = driftedWeight;

    /// <summary>What stands in braces, by name: what it is made of.</summary>
    public Dictionary<string, string> Slots { get; } = new(StringComparer.Ordinal);

    public List<string> Titles { get; } = [];

    public List<string> Openings { get; } = [];

    /// <summary>The facts the story is about: a sentence, and shorter forms of it that an editor could have written.</summary>
    public List<(string Sentence, string[] Highlights)> Keys { get; } = [];

    public List<string> Details { get; } = [];

    public List<string> Quotes { get; } = [];

    public List<string> Background { get; } = [];

    public static List<NewswireTemplate> ReadAll()
    {
        var templates = new List<NewswireTemplate>();
        foreach (var line in Lines("newswire.txt"))
        {
            var (word, rest) = Cut(line);
            switch (word)
            {
                case "=":
                    var fields = rest.Split(' ');
                    templates.Add(new NewswireTemplate(
                        fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[2], CultureInfo.InvariantCulture)));
                    break;
                case "slot":
                    var (name, kind) = Cut(rest);
                    templates[^1].Slots.Add(name, kind);
                    break;
                case "title": templates[^1].Titles.Add(rest); break;
                case "open": templates[^1].Openings.Add(rest); break;
                case "key":
                    var forms = rest.Split(" || ");
                    templates[^1].Keys.Add((forms[0], forms[1..]));
                    break;
                case "more": templates[^1].Details.Add(rest); break;
                case "quote": templates[^1].Quotes.Add(rest); break;
                case "back": templates[^1].Background.Add(rest); break;
                default: throw new InvalidDataException($"newswire.txt: a line may not begin with '{word}'");
            }
        }
        return templates;
    }

    internal static IEnumerable<string> Lines(string resource)
    {
        using var stream = typeof(NewswireTemplate).Assembly.GetManifestResourceStream($"RsrNet.Core.Articles.{resource}")
            ?? throw new InvalidOperationException($"{resource} is missing from the assembly");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#') yield return line;
        }
    }

    internal static (string Head, string Tail) Cut(string line)
    {
        var blank = line.IndexOf(' ', StringComparison.Ordinal);
        return blank < 0 ? (line, "") : (line[..blank], line[(blank + 1)..]);
    }
}
