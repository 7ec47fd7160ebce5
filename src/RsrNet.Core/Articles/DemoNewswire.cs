using System.Globalization;
using System.Text;

namespace RsrNet.Core.Articles;

/// <summary>
/// An endless synthetic newswire in readable English, to try the server without data: short news of 6 to 14 sentences with 2 or 3 highlights that
/// say its main facts in fewer words; one article in five comes without. The facts stand mostly, not always, at the top. The same seed and index give the same
/// article on every machine.
/// </summary>
/// <param name="seed">Another seed is another newswire; ids hold it.</param>
/// <param name="driftAfter">From this index on the wire has drifted: other topics (energy and space appear), other places and names. Null for never.</param>
/// <param name="start">When the first article was published; the others follow about ten minutes apart. Default 1 January 2026.</param>
public sealed class DemoNewswire(int seed = 42, long? driftAfter = null, DateTimeOffset? start = null)
{
    private const int MinutesApart = 10;

    private static readonly List<NewswireTemplate> Templates = NewswireTemplate.ReadAll();
    private static readonly NewswireNames Names = new();

    private readonly DateTimeOffset _start = start ?? new DateTimeOffset(2026, 1, 1, 6, 0, 0, TimeSpan.Zero);

    /// <summary>All topics, before and after the drift.</summary>
    public static IReadOnlyList<string> Topics { get; } = [.. Templates.Select(template => template.Topic).Distinct()];

    /// <summary>The articles from an index on, without end.</summary>
    public IEnumerable<Article> From(long index = 0)
    {
        for (; ; index++) yield return At(index);
    }

    /// <param name="index">From 0.</param>
    public Article At(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var dice = new NewswireDice(seed, index);
        var drifted = index >= driftAfter;
        var at = _start.AddMinutes(index * MinutesApart + dice.Below(MinutesApart));
        var template = Choose(drifted, dice);
        var story = new NewswireStory(template, Names, drifted, at, dice);

        var title = story.Write(dice.Of(template.Titles));
        var keys = template.Keys.Count > 3 && dice.Happens(50) ? [template.Keys[0], .. dice.Some([.. template.Keys.Skip(1)], 2)] : template.Keys;
        var sentences = Compose(template, story, keys, dice);
        var article = new Article(string.Create(CultureInfo.InvariantCulture, $"demo-{seed}-{index:D7}"), Paragraphs(Dateline(template, story, dice), sentences, dice))
        {
            Title = title,
            Labels = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["topic"] = template.Topic },
            PublishedAt = at,
        };
        return dice.Happens(20) ? article : article with { Highlights = Highlights(story, keys, dice) };
    }

    private static NewswireTemplate Choose(bool drifted, NewswireDice dice)
    {
        var left = dice.Below(Templates.Sum(WeightOf));
        foreach (var template in Templates)
        {
            left -= WeightOf(template);
            if (left < 0) return template;
        }
        return Templates[^1];

        int WeightOf(NewswireTemplate template) => drifted ? template.DriftedWeight : template.Weight;
    }

    private static List<string> Compose(
        NewswireTemplate template, NewswireStory story, List<(string Sentence, string[] Highlights)> keys, NewswireDice dice)
    {
        var body = dice.Some(
            [.. dice.Some(template.Details, 1 + dice.Below(5)), .. dice.Some(template.Quotes, 1 + dice.Below(2)), .. dice.Some(template.Background, dice.Below(3))], 10);
        var order = new List<string>(14);
        // Three stories in ten begin with a scene, and the news comes after it.
        if (dice.Happens(30))
        {
            order.Add(dice.Of(template.Openings));
            if (body.Count > 2 && dice.Happens(40)) order.Add(Pop(body));
        }
        order.Add(keys[0].Sentence);
        var lead = order.Count;
        order.AddRange(body);
        for (var i = 1; i < keys.Count; i++)
        {
            // The next facts stand right below the lead two times in three, else anywhere under it.
            var place = dice.Happens(66) ? Math.Min(lead + i - 1, order.Count) : lead + dice.Below(order.Count - lead + 1);
            order.Insert(place, keys[i].Sentence);
        }
        while (order.Count < 6) order.Add(template.Details.First(detail => !order.Contains(detail)));
        return order.ConvertAll(story.Tell);
    }

    private static string Pop(List<string> sentences)
    {
        var last = sentences[^1];
        sentences.RemoveAt(sentences.Count - 1);
        return last;
    }

    private static string[] Highlights(NewswireStory story, List<(string Sentence, string[] Highlights)> keys, NewswireDice dice)
    {
        var count = 2 + dice.Below(2);
        var chosen = dice.Some([.. Enumerable.Range(1, keys.Count - 1)], count - 1);
        chosen.Sort();
        return [.. chosen.Prepend(0).Select(key => story.Write(dice.Of(keys[key].Highlights)))];
    }

    private static string Dateline(NewswireTemplate template, NewswireStory story, NewswireDice dice)
    {
        if (!template.Slots.ContainsKey("c") || !dice.Happens(60)) return "";
        return $"{story.ValueOf("c").ToUpperInvariant()}, {story.ValueOf("c.country")} -- ";
    }

    private static string Paragraphs(string dateline, List<string> sentences, NewswireDice dice)
    {
        var text = new StringBuilder(dateline);
        for (var i = 0; i < sentences.Count; i++)
        {
            if (i > 0) text.Append(dice.Happens(45) ? "\n\n" : " ");
            text.Append(sentences[i]);
        }
        return text.ToString();
    }
}
