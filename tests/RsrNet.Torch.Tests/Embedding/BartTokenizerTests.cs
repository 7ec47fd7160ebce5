using RsrNet.Core.Embedding;
using RsrNet.Core.Tests;
using RsrNet.Torch.Embedding;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>
/// Core's tokenizer beside the full edition's, which is Microsoft.ML.Tokenizers: the same ids for every text (Core's own tests hold it to GPT-2's
/// algorithm and to Hugging Face's special tokens). The last tests show what the library does by itself, where the full edition's stands around it.
/// </summary>
public sealed class BartTokenizerTests
{
    /// <summary>The golden vocabulary, and BART's own where its files are at hand.</summary>
    public static TheoryData<string> Vocabularies => ["bart-tiny", "bart_bpe"];

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void OddTexts_BothGiveTheSameIds(string vocabulary)
    {
        var (core, full) = (BartTokenizer.Open(Folder(vocabulary)), MlTokenizer.Open(Folder(vocabulary)));
        foreach (var text in OddTexts.Make(4_000, seed: 11, disputed: false)) AssertSame(text, core, full, int.MaxValue);
        foreach (var text in OddTexts.Make(4_000, seed: 12, disputed: true)) AssertSame(text, core, full, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void OddTexts_CutOff_BothGiveTheSameIds(string vocabulary)
    {
        var (core, full) = (BartTokenizer.Open(Folder(vocabulary)), MlTokenizer.Open(Folder(vocabulary)));
        var dice = new Random(13);
        foreach (var text in OddTexts.Make(1_000, seed: 14, disputed: true)) AssertSame(text, core, full, dice.Next(2, 80));
        var book = string.Join(' ', OddTexts.Make(2_000, seed: 15, disputed: true));
        foreach (var limit in (int[])[2, 3, 512, 1024, 10_000]) AssertSame(book, core, full, limit);
    }

    /// <summary>Merged by the library, such a word would take minutes.</summary>
    [Fact]
    public void WordsWithoutEnd_BothGiveTheSameIds()
    {
        var (core, full) = (BartTokenizer.Open(Folder("bart-tiny")), MlTokenizer.Open(Folder("bart-tiny")));
        foreach (var length in (int[])[127, 128, 129, 5_000, 300_000])
        {
            AssertSame(new string('e', length), core, full, int.MaxValue);
            AssertSame($"the {new string('t', length)}\ud800 end", core, full, int.MaxValue);
        }
    }

    /// <summary>One model has one identity, whichever tokenizer reads its files: a store goes on in the other edition.</summary>
    [Fact]
    public void IdentityOfAnEncoder_IsTheSameWithBoth()
    {
        var options = new EmbeddingOptions { Threads = 1 };
        using var core = BartEncoder.Open(Folder("bart-tiny"), options);
        using var full = BartEncoder.Open(Folder("bart-tiny"), options, RsrNet.Core.Numerics.VectorWidths.Best, MlTokenizer.Open);
        Assert.Equal(core.Id, full.Id);
    }

    [Fact]
    public void OddTexts_TheBareLibrary_GivesTheSameIdsButForWhatIsDisputed()
    {
        var (core, bare) = (BartTokenizer.Open(Folder("bart-tiny")), BareMlTokenizer.Open(Folder("bart-tiny")));
        foreach (var text in OddTexts.Make(2_000, seed: 11, disputed: false)) Assert.Equal(core.Encode(text, int.MaxValue), bare.Encode(text));
    }

    /// <summary>Half a surrogate pair: Python and we write U+FFFD, the library by itself the three bytes that UTF-8 forbids.</summary>
    [Fact]
    public void HalfASurrogatePair_IsTheReplacementCharacter_ButNotForTheBareLibrary()
    {
        var (full, bare) = (MlTokenizer.Open(Folder("bart-tiny")), BareMlTokenizer.Open(Folder("bart-tiny")));
        foreach (var text in (string[])["\ud800", "a\udc00 b", "\udc00\ud800"])
        {
            var repaired = text.Replace('\ud800', '\ufffd').Replace('\udc00', '\ufffd');
            Assert.Equal(full.Encode(repaired), full.Encode(text));
            Assert.Equal(full.Encode(repaired), bare.Encode(repaired));
            Assert.NotEqual(bare.Encode(repaired), bare.Encode(text));
        }
    }

    /// <summary>
    /// .NET's regular expressions see the halves of a pair, so no letter or number beyond U+FFFF; GPT-2's pattern does. Such a sign takes the
    /// apostrophe behind it along; behind a letter, 't is a piece.
    /// </summary>
    [Fact]
    public void LetterBeyondU_FFFF_IsALetter_ButNotForTheBareLibrary()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("vocab.json"), """{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"<mask>":4,"'":5,"t":6,"'t":7}""");
        File.WriteAllText(folder.File("merges.txt"), "' t\n");
        const string text = "\U0001D518't";
        Assert.Equal([0, 3, 3, 3, 3, 7, 2], BartTokenizer.Open(folder.Path).Encode(text));
        Assert.Equal([0, 3, 3, 3, 3, 7, 2], MlTokenizer.Open(folder.Path).Encode(text));
        Assert.Equal([0, 3, 3, 3, 3, 5, 6, 2], BareMlTokenizer.Open(folder.Path).Encode(text));
    }

    /// <summary>Hugging Face's mask takes the blanks before it.</summary>
    [Fact]
    public void BlanksBeforeAMask_AreTaken_ButNotByTheBareLibrary()
    {
        var (full, bare) = (MlTokenizer.Open(Folder("bart-tiny")), BareMlTokenizer.Open(Folder("bart-tiny")));
        Assert.Equal(full.Encode("a<mask>"), bare.Encode("a<mask>"));
        Assert.Equal(full.Encode("a<mask>"), full.Encode("a  <mask>"));
        Assert.NotEqual(bare.Encode("a<mask>"), bare.Encode("a  <mask>"));
    }

    private static void AssertSame(string text, BartTokenizer core, BartTokenizer full, int limit)
    {
        int[] expected = core.Encode(text, limit), ids = full.Encode(text, limit);
        Assert.True(ids.AsSpan().SequenceEqual(expected), $"'{text}' up to {limit}: core {string.Join(' ', expected)}, full {string.Join(' ', ids)}");
    }

    private static string Folder(string vocabulary) =>
        vocabulary == "bart-tiny" ? Repository.Golden(vocabulary) : Repository.SharedData(vocabulary);
}
