using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Tests.Coordination.Models;

public sealed class TextModelTests
{
    private static readonly ModelOptions Small = new()
    {
        Embedding = 12, Hidden = 16, MinimumCount = 1, LearningRate = 0.02, BatchSize = 8, Vocabulary = VocabularyKind.Words,
    };

    public static TheoryData<RecurrentCell, ModelSummary> Classifiers => new()
    {
        { RecurrentCell.Rnn, ModelSummary.Last }, { RecurrentCell.Lstm, ModelSummary.Last }, { RecurrentCell.Gru, ModelSummary.Mean },
        { RecurrentCell.Mean, ModelSummary.Mean },
    };

    [Theory]
    [MemberData(nameof(Classifiers))]
    public void Classifier_OnSeparableTexts_LearnsThem(RecurrentCell cell, ModelSummary summary)
    {
        using var model = new TextClassifier(Small with { Cell = cell, Summary = summary }, new WordVocabulary(minimumCount: 1));
        Assert.Empty(model.Classify("nothing yet"));
        for (var round = 0; round < 30; round++) model.Learn(Texts(round));
        Assert.Equal("sport", model.Classify("the team won game 1")[0].Label);
        Assert.Equal("money", model.Classify("the bank lost money 2")[0].Label);
        Assert.Equal(1, model.Classify("anything").Sum(score => score.Probability), 1e-9);
    }

    [Fact]
    public void Classifier_NewLabel_GrowsTheClasses()
    {
        using var model = new TextClassifier(Small, new WordVocabulary(minimumCount: 1));
        for (var round = 0; round < 20; round++) model.Learn(Texts(round));
        var before = model.Classify("the team won again");
        model.Learn([new("a new planet was seen", "space"), new("the team won", "sport")]);
        Assert.Equal(["sport", "money", "space"], model.Classes);
        var after = model.Classify("the team won again");
        Assert.Equal(3, after.Count);
        Assert.Equal("sport", after[0].Label);
        // One step of many outputs moves little: what was known is not begun anew.
        Assert.InRange(after[0].Probability, before[0].Probability - 0.4, 1);
        for (var round = 0; round < 30; round++) model.Learn([.. Texts(round), new("a new planet was seen", "space")]);
        Assert.Equal("space", model.Classify("a planet")[0].Label);
    }

    [Fact]
    public void Classifier_MoreWordsThanRoom_KeepsWhatItKnew()
    {
        using var model = new TextClassifier(Small, new WordVocabulary(minimumCount: 1));
        for (var round = 0; round < 20; round++) model.Learn(Texts(round));
        var before = model.Classify("the team won")[0].Probability;
        var rows = model.Network.Shape.Vocabulary;
        var step = model.Optimizer.Step;
        model.Learn([new(string.Join(' ', Enumerable.Range(0, 400).Select(i => $"word{i}")), "sport")]);
        Assert.True(model.Network.Shape.Vocabulary > rows);
        Assert.Equal(step + 1, model.Optimizer.Step);
        Assert.Equal(before, model.Classify("the team won")[0].Probability, 0.2);
    }

    [Fact]
    public void Classifier_TextsInABatch_EqualThemselvesAlone()
    {
        using var model = new TextClassifier(Small, new WordVocabulary(minimumCount: 1));
        for (var round = 0; round < 3; round++) model.Learn(Texts(round));
        string[] texts = ["the team", "the bank lost a lot of money again", "won", ""];
        var together = model.Embed(texts);
        for (var i = 0; i < texts.Length; i++)
        {
            var alone = model.Embed([texts[i]])[0];
            for (var j = 0; j < alone.Length; j++) Assert.Equal(alone[j], together[i][j], 1e-5f);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Replicas_OfAClassifier_LearnAsOneWould(int replicas)
    {
        using var one = new TextClassifier(Small, new WordVocabulary(minimumCount: 1));
        using var many = new TextClassifier(Small with { Replicas = replicas }, new WordVocabulary(minimumCount: 1));
        for (var round = 0; round < 4; round++) Assert.Equal(one.Learn(Texts(round)), many.Learn(Texts(round)), 1e-4);
        // Classes and words beyond the room there was.
        LabelledText[] more = [new(string.Join(' ', Enumerable.Range(0, 300).Select(i => $"word{i}")), "lists"), .. Texts(9)];
        Assert.Equal(one.Learn(more), many.Learn(more), 1e-4);
        AssertSame(one, many);
    }

    [Fact]
    public void Replicas_OfALanguageModel_LearnAsOneWould()
    {
        using var one = Speaker(RecurrentCell.Lstm, window: 4, rounds: 3);
        using var many = Speaker(RecurrentCell.Lstm, window: 4, rounds: 3, replicas: 2);
        // One replica runs out of text before the other.
        string[] texts = ["abcabcabcabcabcabc", "ab", "cab"];
        Assert.Equal(one.Learn(texts).Value, many.Learn(texts).Value, 1e-4);
        AssertSame(one, many);
    }

    /// <summary>Up to rounding: sums in another order, and Adam's division by small roots.</summary>
    private static void AssertSame(TextModel one, TextModel other)
    {
        var (ours, theirs) = (one.Network.Parameters.Values, other.Network.Parameters.Values);
        Assert.Equal(ours.Length, theirs.Length);
        double difference = 0, norm = 0;
        for (var i = 0; i < ours.Length; i++)
        {
            difference += (ours[i] - theirs[i]) * (double)(ours[i] - theirs[i]);
            norm += ours[i] * (double)ours[i];
        }
        Assert.InRange(Math.Sqrt(difference / norm), 0, 1e-4);
    }

    [Theory]
    [InlineData(RecurrentCell.Rnn)]
    [InlineData(RecurrentCell.Lstm)]
    [InlineData(RecurrentCell.Gru)]
    public void LanguageModel_WindowsOfAText_CarryTheState(RecurrentCell cell)
    {
        using var model = Speaker(cell, window: 4, rounds: 2);
        using var whole = new LanguageModel(model.Options with { Window = 100 }, model.Vocabulary, model.Network);
        string[] texts = ["abcabcabcabcabcabc", "ab", "cabcabcab"];
        // Without the state every fourth character would begin anew, and the loss be another.
        Assert.Equal(whole.Evaluate(texts).Value, model.Evaluate(texts).Value, 1e-5);
        Assert.Equal(18 + 2 + 9 + 3, model.Evaluate(texts).Count);

        model.Follow("abcabcabc", out var pieces);
        whole.Follow("abcabcabc", out var once);
        for (var i = 0; i < once.Length; i++) Assert.Equal(once[i], pieces[i], 1e-4f);
    }

    [Fact]
    public void LanguageModel_RegularText_LearnsIt()
    {
        using var model = Speaker(RecurrentCell.Lstm, window: 8, rounds: 150);
        var loss = model.Evaluate(["abcabcabcabc"]);
        Assert.True(loss.Hits >= 11, $"{loss.Hits} of {loss.Count}");
        Assert.StartsWith("cabcab", Generate(model, "ab", new GenerationOptions { Temperature = 0, MaxTokens = 12 }), StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_ItsOptions_DoWhatTheySay()
    {
        using var model = Speaker(RecurrentCell.Gru, window: 8, rounds: 5);
        var hot = new GenerationOptions { Temperature = 2, MaxTokens = 40, Seed = 7, StopAtEnd = false };
        Assert.Equal(Generate(model, "a", hot), Generate(model, "a", hot));
        Assert.NotEqual(Generate(model, "a", hot), Generate(model, "a", hot with { Seed = 8 }));
        Assert.Equal(40, Generate(model, "a", hot).Length);
        var greedy = Generate(model, "a", hot with { Temperature = 0 });
        Assert.Equal(greedy, Generate(model, "a", hot with { TopK = 1 }));
        Assert.Equal(greedy, Generate(model, "a", hot with { TopP = 1e-6 }));
    }

    [Fact]
    public void Generate_EndOfText_Stops()
    {
        using var model = new LanguageModel(
            Small with { Kind = ModelKind.LanguageModel, Cell = RecurrentCell.Lstm, Vocabulary = VocabularyKind.Characters }, new CharacterVocabulary());
        for (var round = 0; round < 100; round++) model.Learn(["abcd"]);
        Assert.Equal("abcd", Generate(model, "", new GenerationOptions { Temperature = 0, MaxTokens = 50 }));
        Assert.Equal(50, Generate(model, "", new GenerationOptions { Temperature = 0, MaxTokens = 50, StopAtEnd = false }).Length);
    }

    [Fact]
    public void Sampler_Probabilities_AreThoseOfTheLogits()
    {
        float[] logits = [9, 9, 9, MathF.Log(0.1f), MathF.Log(0.2f), MathF.Log(0.7f), 50];
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 1, Seed = 3 });
        var counts = new int[7];
        for (var i = 0; i < 20_000; i++) counts[sampler.Next(logits, count: 6)]++;
        Assert.Equal(0, counts[0] + counts[1] + counts[2] + counts[6]);
        Assert.Equal(0.1, counts[SpecialToken.End] / 20_000.0, 0.01);
        Assert.Equal(0.2, counts[4] / 20_000.0, 0.015);
        var nucleus = new TokenSampler(new GenerationOptions { Temperature = 1, TopP = 0.75 });
        for (var i = 0; i < 1000; i++) Assert.InRange(nucleus.Next(logits, count: 6), 4, 5);
    }

    [Fact]
    public void Options_OutOfRange_AreNamed()
    {
        Assert.Empty(new ModelOptions().Problems("topics"));
        var problems = new ModelOptions { Kind = ModelKind.LanguageModel, Cell = RecurrentCell.Mean, Hidden = 0, Dropout = 1 }.Problems("Bad Name");
        Assert.Equal(4, problems.Count);
        Assert.Contains(problems, problem => problem.StartsWith("Models.Bad Name: a name has", StringComparison.Ordinal));
        Assert.Contains(problems, problem => problem.Contains("Hidden is 0; it must be 1 to 4096", StringComparison.Ordinal));
    }

    private static string Generate(LanguageModel model, string prompt, GenerationOptions options) => string.Concat(Generation.Continue(model, prompt, options));

    private static LanguageModel Speaker(RecurrentCell cell, int window, int rounds, int replicas = 1)
    {
        var model = new LanguageModel(
            Small with { Kind = ModelKind.LanguageModel, Cell = cell, Window = window, Vocabulary = VocabularyKind.Characters, Replicas = replicas }, new CharacterVocabulary());
        for (var round = 0; round < rounds; round++) model.Learn(["abcabcabcabc", "abcabc", "abcabcabc"]);
        return model;
    }

    private static LabelledText[] Texts(int round) =>
    [
        new($"the team won game {round % 3}", "sport"), new($"the bank lost money {round % 3}", "money"),
        new("a team played well and won", "sport"), new("shares of the bank fell again", "money"),
    ];
}
