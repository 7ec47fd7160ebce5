using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Documents;

public class ReadoutTests
{
    private const string Text =
        "BERLIN (AP) -- Storms hit the coast. Yes. The mayor ate breakfast. Yes. Fire crews saved a ship. A storm flooded the harbor town. The mayor ate breakfast.";

    private static readonly HashedEncoder Encoder = new();
    private static readonly Readout Readout = new(Encoder);

    [Fact]
    public void BestThree_ComeInArticleOrderWithTheirPlaces()
    {
        var summary = Readout.Of(Text, Encode("irrelevant"), Encode("storm flooded harbor; storms hit coast; crews saved ship"));
        Assert.Equal(["Storms hit the coast.", "Fire crews saved a ship.", "A storm flooded the harbor town."], summary.Select(sentence => sentence.Sentence));
        Assert.Equal([0, 4, 5], summary.Select(sentence => sentence.Position));
        Assert.Equal(VectorMath.Cosine(Encode("Storms hit the coast."), Encode("storm flooded harbor; storms hit coast; crews saved ship")), summary[0].Score);
    }

    [Fact]
    public void WithoutY_TheArticleItselfIsTheGoal()
    {
        var x = Encode("mayor breakfast");
        Assert.Contains(Readout.Of(Text, x, default), sentence => sentence.Position == 2 && sentence.Score > 0.5f);
        Assert.Equal(Readout.Of(Text, x, default), Readout.Of(Text, x, new float[768]));
    }

    [Fact]
    public void ShortAndRepeatedSentences_AreLeftOut()
    {
        var all = new Readout(Encoder, sentences: 10).Of(Text, Encode("yes"), default);
        Assert.Equal([0, 2, 4, 5], all.Select(sentence => sentence.Position));
    }

    [Fact]
    public void ShortSentences_AreTakenWhereThereIsNothingElse()
    {
        Assert.Equal(["Yes.", "No."], Readout.Of("Yes. No. Yes.", Encode("yes"), default).Select(sentence => sentence.Sentence));
    }

    [Fact]
    public void EqualScores_GoByPosition()
    {
        var summary = Readout.Of("Alpha beta gamma. Delta epsilon zeta. Eta theta iota. Kappa lambda mu.", Encode(""), default);
        Assert.Equal([0, 1, 2], summary.Select(sentence => sentence.Position));
    }

    [Fact]
    public void Document_WithoutEmbedding_GivesItsFirstSentences()
    {
        var document = new Document { Article = new Article("a", Text), Sequence = 1, Revision = 1, IngestedAt = DateTimeOffset.UnixEpoch };
        Assert.Equal([0, 2, 4], Readout.Of(document).Sentences.Select(sentence => sentence.Position));
        var embedded = document with { Embedding = Encoder.Embed(document.Article) };
        Assert.Equal(Readout.Of(Text, embedded.Embedding.X, default), Readout.Of(embedded).Sentences);
        var y = Encode("mayor breakfast");
        var refined = embedded with { State = new RefinementState(y, [], 1, 1, 1, 1, 0.5f, null, null) };
        Assert.Equal(Readout.Of(Text, embedded.Embedding.X, y), Readout.Of(refined).Sentences);
    }

    private static float[] Encode(string text)
    {
        var vector = new float[768];
        Encoder.Encode([text], vector);
        return vector;
    }
}
