using System.Text;
using RsrNet.Core.Embedding;
using RsrNet.Core.Tests;

namespace RsrNet.Torch.Tests.Embedding;

/// <summary>
/// Our tokenizer beside Microsoft.ML.Tokenizers, a second implementation by others. Both give the same ids, but for three things, in which
/// ours is as Hugging Face's (Core's own tests hold it to GPT-2's algorithm). The full edition therefore keeps ours too; it is also several
/// times faster, and a long word costs it n log n steps rather than n squared.
/// </summary>
public sealed class BartTokenizerTests
{
    /// <summary>The golden vocabulary, and BART's own where its files are at hand.</summary>
    public static TheoryData<string> Vocabularies => ["bart-tiny", "bart_bpe"];

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void OddTexts_BothGiveTheSameIds(string vocabulary)
    {
        var (ours, theirs) = (BartTokenizer.Open(Folder(vocabulary)), MlTokenizer.Open(Folder(vocabulary)));
        foreach (var text in OddTexts.Make(4_000, seed: 11, disputed: false)) AssertSame(text, ours, theirs.Encode(text));
    }

    /// <summary>
    /// Merging is the same in everything, once the text is cut as we cut it, is what UTF-8 can hold, and has no special tokens.
    /// </summary>
    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void DisputedTexts_CutAlike_GiveTheSameIds(string vocabulary)
    {
        var (ours, theirs) = (BartTokenizer.Open(Folder(vocabulary)), MlTokenizer.OpenWithOurPieces(Folder(vocabulary)));
        foreach (var odd in OddTexts.Make(2_000, seed: 12, disputed: true))
        {
            var text = odd.Replace('<', '(');
            AssertSame(text, ours, theirs.Encode(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))));
        }
    }

    /// <summary>Half a surrogate pair: Python and we write U+FFFD, they the three bytes that UTF-8 forbids.</summary>
    [Fact]
    public void HalfASurrogatePair_IsTheReplacementCharacterForUsAlone()
    {
        var (ours, theirs) = (BartTokenizer.Open(Folder("bart-tiny")), MlTokenizer.Open(Folder("bart-tiny")));
        foreach (var text in (string[])["\ud800", "a\udc00 b", "\udc00\ud800"])
        {
            var repaired = text.Replace('\ud800', '\ufffd').Replace('\udc00', '\ufffd');
            Assert.Equal(ours.Encode(repaired), ours.Encode(text));
            Assert.Equal(ours.Encode(repaired), theirs.Encode(repaired));
            Assert.NotEqual(theirs.Encode(repaired), theirs.Encode(text));
        }
    }

    /// <summary>
    /// .NET's regular expressions see the halves of a pair, so no letter or number beyond U+FFFF; GPT-2's pattern does. Such a sign takes the
    /// apostrophe behind it along; behind a letter, 't is a piece.
    /// </summary>
    [Fact]
    public void LetterBeyondU_FFFF_IsALetterForUsAlone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            folder.File("vocab.json"), """{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"<mask>":4,"'":5,"t":6,"'t":7}""");
        File.WriteAllText(folder.File("merges.txt"), "' t\n");
        const string text = "\U0001D518't";
        Assert.Equal([0, 3, 3, 3, 3, 7, 2], BartTokenizer.Open(folder.Path).Encode(text));
        Assert.Equal([0, 3, 3, 3, 3, 5, 6, 2], MlTokenizer.Open(folder.Path).Encode(text));
        Assert.Equal([0, 3, 3, 3, 3, 7, 2], MlTokenizer.OpenWithOurPieces(folder.Path).Encode(text));
    }

    /// <summary>Hugging Face's mask takes the blanks before it.</summary>
    [Fact]
    public void BlanksBeforeAMask_AreTakenByOursAlone()
    {
        var (ours, theirs) = (BartTokenizer.Open(Folder("bart-tiny")), MlTokenizer.Open(Folder("bart-tiny")));
        Assert.Equal(ours.Encode("a<mask>"), theirs.Encode("a<mask>"));
        Assert.Equal(ours.Encode("a<mask>"), ours.Encode("a  <mask>"));
        Assert.NotEqual(theirs.Encode("a<mask>"), theirs.Encode("a  <mask>"));
    }

    private static void AssertSame(string text, BartTokenizer ours, int[] theirs)
    {
        var ids = ours.Encode(text, int.MaxValue);
        Assert.True(ids.AsSpan().SequenceEqual(theirs), $"'{text}': ours {string.Join(' ', ids)}, theirs {string.Join(' ', theirs)}");
    }

    private static string Folder(string vocabulary) =>
        vocabulary == "bart-tiny" ? Repository.Golden(vocabulary) : Repository.SharedData(vocabulary);
}
