using RsrNet.Core.Embedding;

namespace RsrNet.Core.Tests.Embedding;

public sealed class BartTokenizerTests
{
    private static readonly BartTokenizer Tiny = BartTokenizer.Open(Repository.Golden("bart-tiny"));

    [Fact]
    public void TinyVocabulary_OddTexts_GiveTheIdsOfGpt2sAlgorithm() =>
        AssertSame(Tiny, TokenCase.Parse(File.ReadAllText(Repository.Golden("bart-tiny/cases.jsonl"))), atLeast: 60);

    [Fact]
    public void TinyVocabulary_ThousandsOfOddTexts_GiveTheIdsOfGpt2sAlgorithm() =>
        AssertSame(
            Tiny, TokenCase.Parse(PlainPython.Run("bpe_oracle.py", "cases", Repository.Golden("bart-tiny"), "--seed", "7")), atLeast: 3000);

    [Fact]
    public void RealVocabulary_ThousandsOfOddTexts_GiveTheIdsOfGpt2sAlgorithm()
    {
        var folder = Repository.SharedData("bart_bpe");
        AssertSame(
            BartTokenizer.Open(folder), TokenCase.Parse(PlainPython.Run("bpe_oracle.py", "cases", folder, "--seed", "11")), atLeast: 3000);
    }

    [Fact]
    public void RealVocabulary_HelloWorld_GivesBartsIds()
    {
        var tokenizer = BartTokenizer.Open(Repository.SharedData("bart_bpe"));
        Assert.Equal([0, 31414, 232, 328, 2], tokenizer.Encode("Hello world!"));
        Assert.Equal([0, 50264, 2], tokenizer.Encode("<mask>"));
        Assert.Equal(50265, tokenizer.Size);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(512)]
    [InlineData(1024)]
    public void Limit_LongText_KeepsTheBeginningAndTheEndToken(int limit)
    {
        var text = string.Concat(Enumerable.Repeat("The council met on Tuesday, they're told; ", 200));
        var all = Tiny.Encode(text, int.MaxValue);
        Assert.True(all.Length > 1024);
        Assert.Equal([.. all[..(limit - 1)], Tiny.End], Tiny.Encode(text, limit));
    }

    [Fact]
    public void Limit_TextThatJustFits_IsNotCut()
    {
        var all = Tiny.Encode("The council met.", int.MaxValue);
        Assert.Equal(all, Tiny.Encode("The council met.", all.Length));
    }

    [Fact]
    public void Limit_BelowTwo_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => Tiny.Encode("a", 1));

    [Fact]
    public void Encode_ManyThreads_GiveTheSameIds()
    {
        var cases = TokenCase.Parse(File.ReadAllText(Repository.Golden("bart-tiny/cases.jsonl")));
        var tokenizer = BartTokenizer.Open(Repository.Golden("bart-tiny"));
        Parallel.For(0, 40, round =>
        {
            for (var i = 0; i < cases.Count; i++)
            {
                var one = cases[(i * 7 + round) % cases.Count];
                Assert.Equal(one.Ids, tokenizer.Encode(one.Text, int.MaxValue));
            }
        });
    }

    [Fact]
    public void Encode_MoreWordsThanTheCacheHolds_GivesTheSameIds()
    {
        var tokenizer = BartTokenizer.Open(Repository.Golden("bart-tiny"));
        var text = string.Join(' ', Enumerable.Range(0, 150_000).Select(i => $"w{i}x"));
        Assert.Equal(tokenizer.Encode(text, int.MaxValue), tokenizer.Encode(text, int.MaxValue));
    }

    // A megabyte in one word: an algorithm that looks at all pairs for each merge would take hours.
    [Theory]
    [InlineData("a")]
    [InlineData("the")]
    [InlineData("é")]
    public void Encode_WordOfAMegabyte_IsPeriodic(string part)
    {
        var word = string.Concat(Enumerable.Repeat(part, 1_000_000 / part.Length));
        var ids = Tiny.Encode(word, int.MaxValue);
        var of = Tiny.Encode(string.Concat(Enumerable.Repeat(part, 64)), int.MaxValue);
        // Far from the ends, merging is periodic: the same ids again and again.
        Assert.Equal(of[10..20], ids[10..20]);
        Assert.InRange(ids.Length, 1_000_000 / part.Length / 4, 2 * 1_000_000 + 2);
    }

    [Fact]
    public void Open_FolderWithoutFiles_SaysWhichItNeeds()
    {
        using var folder = new TemporaryFolder();
        var problem = Assert.Throws<FileNotFoundException>(() => BartTokenizer.Open(folder.Path));
        Assert.Contains("vocab.json and merges.txt", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DamagedMerges_NamesFileAndLine()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Repository.Golden("bart-tiny/vocab.json"), folder.File("vocab.json"));
        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\na b\nabc\n");
        var problem = Assert.Throws<InvalidDataException>(() => BartTokenizer.Open(folder.Path));
        Assert.Contains("merges.txt, line 3", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_VocabularyWithoutSpecialTokens_NamesTheToken()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("vocab.json"), """{"a": 0}""");
        File.WriteAllText(folder.File("merges.txt"), "");
        var problem = Assert.Throws<InvalidDataException>(() => BartTokenizer.Open(folder.Path));
        Assert.Contains("<s>", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_VocabularyThatIsNoJson_NamesTheFile()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("vocab.json"), "<html>");
        File.WriteAllText(folder.File("merges.txt"), "");
        Assert.Contains("vocab.json", Assert.Throws<InvalidDataException>(() => BartTokenizer.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FairseqFiles_GiveDictionaryLinesAsIds()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("encoder.json"), """{"a": 0, "b": 1, "ab": 2}""");
        File.WriteAllText(folder.File("vocab.bpe"), "#version: 0.2\na b\n");
        File.WriteAllText(folder.File("dict.txt"), "2 900\n0 100\nmadeupword0000 0\n");
        var tokenizer = BartTokenizer.Open(folder.Path);
        // "ab" is line 0, "a" line 1; "b" has no line and is unknown; the mask comes after the three lines.
        Assert.Equal([0, 4, 5, 3, 7, 2], tokenizer.Encode("aba<unk><mask>"));
        Assert.Equal([0, 3, 2], tokenizer.Encode("b"));
    }

    private static void AssertSame(BartTokenizer tokenizer, IReadOnlyList<TokenCase> cases, int atLeast)
    {
        Assert.True(cases.Count >= atLeast, $"{cases.Count} cases");
        foreach (var one in cases)
        {
            // Twice: the second time words come from the cache.
            Assert.Equal(one.Ids, tokenizer.Encode(one.Text, int.MaxValue));
            Assert.Equal(one.Ids, tokenizer.Encode(one.Text, int.MaxValue));
        }
    }
}
