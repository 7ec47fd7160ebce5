namespace RsrNet.Core.Articles;

/// <summary>The names of <see cref="DemoNewswire"/>, as newswire-names.txt has them.</summary>
internal sealed class NewswireNames
{
    private readonly Dictionary<string, (string[] First, string[] Then)> _names = new(StringComparer.Ordinal);

    public NewswireNames()
    {
        foreach (var line in NewswireTemplate.Lines("newswire-names.txt"))
        {
            var (kind, rest) = NewswireTemplate.Cut(line);
            var names = rest.Split(rest.Contains('|', StringComparison.Ordinal) ? '|' : ' ');
            var then = Array.IndexOf(names, "then");
            _names.Add(kind, (names[..then], names[(then + 1)..]));
        }
    }

    /// <summary>A name. Before the drift one in ten comes from the later part, after it four in five.</summary>
    public string Pick(string kind, bool drifted, NewswireDice dice)
    {
        var (first, then) = _names[kind];
        return dice.Of(dice.Happens(drifted ? 80 : 10) ? then : first);
    }
}
