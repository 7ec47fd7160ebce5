using System.Text;

namespace RsrNet.Core.Embedding.Vocabularies;

/// <summary>Words and signs (<see cref="BasicEnglish"/>).</summary>
public sealed class WordVocabulary : GrowingVocabulary
{
    public const string Name = "words";

    /// <inheritdoc cref="GrowingVocabulary(int, int)"/>
    public WordVocabulary(int minimumCount = 2, int limit = 50_000, VocabularyContent? content = null)
        : base(minimumCount, limit)
    {
        if (content is not null) Fill(content);
    }

    protected override string Kind => Name;

    protected override string Separator => " ";

    protected override IEnumerable<string> Split(string text) => BasicEnglish.Split(text);
}

/// <summary>Characters, as Unicode counts them.</summary>
public sealed class CharacterVocabulary : GrowingVocabulary
{
    public const string Name = "characters";

    /// <inheritdoc cref="GrowingVocabulary(int, int)"/>
    public CharacterVocabulary(int minimumCount = 1, int limit = 1_000, VocabularyContent? content = null)
        : base(minimumCount, limit)
    {
        if (content is not null) Fill(content);
    }

    protected override string Kind => Name;

    protected override string Separator => "";

    protected override IEnumerable<string> Split(string text)
    {
        foreach (var rune in text.EnumerateRunes()) yield return rune.ToString();
    }
}
