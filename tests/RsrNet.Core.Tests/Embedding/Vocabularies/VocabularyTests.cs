using RsrNet.Core.Embedding.Vocabularies;

namespace RsrNet.Core.Tests.Embedding.Vocabularies;

public sealed class VocabularyTests
{
    [Fact]
    public void Split_Sentence_IsTorchtextsBasicEnglish() => Assert.Equal(
        ["it", "'", "s", "10", ".", "5%", "(", "or", "so", ")", "he", "said", ",", "right", "?", "yes", "!"],
        BasicEnglish.Split("It's 10.5% (or so): \"he said\",<br />right?;  YES!"));

    [Fact]
    public void Words_SeenOften_GetNumbers()
    {
        var words = new WordVocabulary(minimumCount: 2, limit: 300);
        words.Learn("the cat");
        Assert.Equal(SpecialToken.Count, words.Count);
        words.Learn("the dog");
        Assert.Equal([4, SpecialToken.Unknown], Encode(words, "the cat"));
        words.Learn("dog eats");
        Assert.Equal([4, 5, SpecialToken.Unknown], Encode(words, "The dog eats"));
        Assert.Equal("the dog <unk>", words.Decode([SpecialToken.Begin, 4, 5, SpecialToken.Unknown, SpecialToken.End]));
    }

    [Fact]
    public void Words_AtTheLimit_StayUnknown()
    {
        var words = new WordVocabulary(minimumCount: 1, limit: SpecialToken.Count + 2);
        words.Learn("a b c d");
        Assert.Equal([4, 5, SpecialToken.Unknown], Encode(words, "a b c"));
    }

    [Fact]
    public void Characters_OfAllScripts_ComeBack()
    {
        var characters = new CharacterVocabulary();
        characters.Learn("Grüße, 世界 🙂");
        var tokens = Encode(characters, "🙂 Grüße");
        Assert.Equal(7, tokens.Count);
        Assert.Equal("🙂 Grüße", characters.Decode([.. tokens]));
    }

    [Fact]
    public void BytePairs_Trained_MergeWhatIsFrequent()
    {
        var texts = Enumerable.Repeat("lower lowest newer newest wider", 20).ToList();
        var trained = BytePairVocabulary.Train(texts, SpecialToken.Count + 256 + 12);
        Assert.InRange(trained.Count, SpecialToken.Count + 257, SpecialToken.Count + 256 + 12);
        var tokens = Encode(trained, "lowest");
        Assert.True(tokens.Count < 6, string.Join(' ', tokens));
        foreach (var text in new[] { "lowest", "never seen: Grüße 世界 🙂", "  two  blanks\n" })
            Assert.Equal(text, trained.Decode([.. Encode(trained, text)]));
    }

    [Fact]
    public void Content_ReadAgain_GivesTheSameNumbers()
    {
        var words = new WordVocabulary(minimumCount: 2);
        words.Learn("b a b a c");
        var again = new WordVocabulary(minimumCount: 2, content: words.Content);
        Assert.Equal(Encode(words, "a b c"), Encode(again, "a b c"));
        again.Learn("c");
        Assert.Equal(6, Encode(again, "c").Single());

        var pairs = BytePairVocabulary.Train(["aaaa bbbb aaaa"], 270);
        Assert.Equal(Encode(pairs, "aaaa bb"), Encode(new BytePairVocabulary(pairs.Content.Tokens), "aaaa bb"));
        Assert.Throws<InvalidDataException>(() => new CharacterVocabulary(content: words.Content));
        Assert.Throws<InvalidDataException>(() => new BytePairVocabulary(["onlyone"]));
    }

    private static List<int> Encode(IVocabulary vocabulary, string text)
    {
        var tokens = new List<int>();
        vocabulary.Encode(text, tokens);
        return tokens;
    }
}
