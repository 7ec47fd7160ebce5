using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RsrNet.Core.Articles;

/// <summary>One news article as it came in, already checked against <see cref="ArticleLimits"/>.</summary>
/// <param name="Id">Chosen by the sender, or <see cref="IdOfContent"/> where the sender gave none. 1 to 200 characters.</param>
/// <param name="Text">The article's text, without NUL bytes; at least one letter or digit.</param>
public sealed record Article(string Id, string Text)
{
    public string? Title { get; init; }

    /// <summary>Sentences by a human editor; the document learns from them. Empty where there are none.</summary>
    public IReadOnlyList<string> Highlights { get; init; } = [];

    /// <summary>Class labels by label name, for classifiers.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    public DateTimeOffset? PublishedAt { get; init; }

    /// <summary>What lists call the article: its title, or the first words of its text. At most 100 characters where there is no title.</summary>
    public string Headline => Title is { Length: > 0 } ? Title : FirstWords(Text);

    /// <summary>Whether a document of this article trains the network, or is only refined by it.</summary>
    public bool HasHighlights => Highlights.Count > 0;

    /// <summary>SHA-256 over every field but the id, each with its length before it: equal exactly where the content is equal.</summary>
    public byte[] ContentHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Title);
        Append(hash, Text);
        AppendCount(hash, Highlights.Count);
        foreach (var highlight in Highlights) Append(hash, highlight);
        AppendCount(hash, Labels.Count);
        foreach (var (name, value) in Labels.OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            Append(hash, name);
            Append(hash, value);
        }
        Append(hash, PublishedAt?.UtcDateTime.ToString("O"));
        return hash.GetHashAndReset();
    }

    /// <summary>The id of an article that came without one: 32 hexadecimal digits of its content, so that sending it twice is still one document.</summary>
    public string IdOfContent() => Convert.ToHexStringLower(ContentHash().AsSpan(0, 16));

    private static string FirstWords(string text)
    {
        const int Most = 100;
        var start = text.AsSpan().TrimStart();
        var end = start.IndexOfAny('\n', '\r');
        var line = (end < 0 ? start : start[..end]).TrimEnd();
        if (line.Length <= Most) return line.ToString();
        var blank = line[..Most].LastIndexOf(' ');
        // Never between the halves of a surrogate pair.
        var cut = blank > Most / 2 ? blank : char.IsHighSurrogate(line[Most - 2]) ? Most - 2 : Most - 1;
        return string.Concat(line[..cut].TrimEnd(), "\u2026");
    }

    private static void Append(IncrementalHash hash, string? field)
    {
        if (field is null)
        {
            AppendCount(hash, -1);
            return;
        }
        var bytes = Encoding.UTF8.GetBytes(field);
        AppendCount(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void AppendCount(IncrementalHash hash, int count)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, count);
        hash.AppendData(bytes);
    }
}
