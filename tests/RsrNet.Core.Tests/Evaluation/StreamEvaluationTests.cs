using System.Xml.Linq;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Embedding;
using RsrNet.Core.Evaluation;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Evaluation;

public sealed class StreamEvaluationTests
{
    private static readonly HashedEncoder Encoder = new();

    private static readonly Article[] Wire = [.. new DemoNewswire(7).From().Where(article => article.HasHighlights).Take(150)];

    [Fact]
    public void Residual_BeatsTheBaselines_OnArticlesItHasNotSeen()
    {
        var report = Run(new ResidualOptions { Anchor = 0 });
        var held = report.HeldOut!;
        Assert.Equal((110, 40, 0), (report.Counts.Train, report.Counts.Test, report.Counts.Skipped));
        foreach (var (name, baseline) in held.Baselines) Assert.True(held.Similarity > baseline.Similarity + 0.01, $"{name}: {baseline.Similarity}, ours {held.Similarity}");
        Assert.True(report.Prequential.Similarity > report.Prequential.Baselines["copy"].Similarity);
        Assert.True(held.Mse < held.Baselines["copy"].Mse);
        Assert.True(held.Rouge["oracle"].R1 >= held.Rouge["ours"].R1);
        Assert.True(held.Rouge["ours"].R1 > held.Rouge["random"].R1);
        Assert.Equal(110, report.Prequential.Curve.Count);
        Assert.InRange(report.Prequential.Confidence!.Bins.Sum(bin => bin.Count), 1, 110 - 65); // none before 64 articles have been foretold
        Assert.Equal(1, held.ResidualByStep[0].Y, 1e-6);
        Assert.Equal(0.5, held.ConfidenceWithin.Bins.Sum(bin => bin.Count * bin.Share) / 40, 0.03); // half of them are above their own median
        Assert.Equal(held.Confidence.Bins.Select(bin => bin.Probability), held.ConfidenceWithin.Bins.Select(bin => bin.Probability));
        Assert.True(held.ResidualByStep[^1].Y < 0.01);
    }

    [Fact]
    public void SameSeed_GivesTheSameFigures_AndEachOptionMatters()
    {
        var plain = Run(new ResidualOptions { Replays = 1 });
        Assert.Equal(plain.HeldOut!.Similarity, Run(new ResidualOptions { Replays = 1 }).HeldOut!.Similarity);
        var changed = new Dictionary<string, ResidualOptions>
        {
            ["anchor"] = new() { Replays = 1, Anchor = 0 },
            ["replays"] = new() { Replays = 3 },
            ["reservoir"] = new() { Replays = 1, ReservoirSize = 3 },
            ["learning rate"] = new() { Replays = 1, LearningRate = 0.01 },
            ["average"] = new() { Replays = 1, AverageDecay = 0 },
            ["forgetting"] = new() { Replays = 1, Forgetting = 0.9 },
            ["seed"] = new() { Replays = 1, Seed = 5 },
            ["calls"] = new() { Replays = 1, Calls = 1 },
        };
        foreach (var (name, options) in changed)
            Assert.True(plain.HeldOut.Similarity != Run(options).HeldOut!.Similarity, $"{name} changed nothing");
    }

    /// <summary>Two parts are two runs, each with the other part held out.</summary>
    [Fact]
    public void Folds_AreTheRunsTogether()
    {
        var options = new ResidualOptions();
        var report = new StreamEvaluation(Encoder, batchSize: 16).RunFolds(
            () => new ResidualModel(Encoder.Dimensions, options), Wire[..61], 2, TestContext.Current.CancellationToken);
        var first = Run(options, Wire[30..61], Wire[..30]).HeldOut!;
        var second = Run(options, Wire[..30], Wire[30..61]).HeldOut!;
        var held = report.HeldOut!;
        Assert.Equal((61, 2), (report.Documents, report.Folds));
        Assert.Equal(Joined(first.Similarity, second.Similarity), held.Similarity, 1e-9);
        Assert.Equal(Joined(first.Rouge["ours"].R1, second.Rouge["ours"].R1), held.Rouge["ours"].R1, 1e-9);
        Assert.Equal(Joined(first.Baselines["ridge"].Similarity, second.Baselines["ridge"].Similarity), held.Baselines["ridge"].Similarity, 1e-9);
        Assert.Equal(Joined(first.GainOverLead.R2.Mean, second.GainOverLead.R2.Mean), held.GainOverLead.R2.Mean, 1e-9);
        Assert.Equal(61, report.Prequential.Curve.Count);

        static double Joined(double first, double second) => (30 * first + 31 * second) / 61;
    }

    [Fact]
    public void Notebook_RunsToo()
    {
        var shape = new RecursionShape(Encoder.Dimensions, 16, 8);
        var recursion = new RecursionOptions { Calls = 1, LatentRecursions = 1, SupervisionSteps = 1 };
        using var model = new NotebookModel(new ReferenceEngine(shape, recursion), recursion, new CoordinationOptions());
        var report = new StreamEvaluation(Encoder, batchSize: 8).Run(model, Wire[..16], Wire[16..24], TestContext.Current.CancellationToken);
        Assert.Equal("notebook", report.Mode);
        Assert.Equal(8, report.HeldOut!.Readouts["nearest"]);
    }

    [Fact]
    public void NothingHeldOut_IsSaidByNull() =>
        Assert.Null(Run(new ResidualOptions(), Wire[..20], []).HeldOut);

    [Fact]
    public void NoHighlights_IsRefused()
    {
        var article = new Article("a", "Nothing is known of this.");
        Assert.Throws<ArgumentException>(() => Run(new ResidualOptions(), [article], []));
    }

    [Fact]
    public void Plot_IsASvgWithALineForEachCurve()
    {
        var svg = XDocument.Parse(CurvePlot.Draw(Run(new ResidualOptions(), Wire[..20], [])));
        Assert.Equal("svg", svg.Root!.Name.LocalName);
        Assert.Equal(6, svg.Descendants().Count(element => element.Name.LocalName == "polyline"));
    }

    [Fact]
    public void Retrieval_TiesShareTheirPlaces()
    {
        float[][] targets = [[1, 0], [0, 1], [1, 1]];
        Assert.Equal(new Retrieval(1, 1, 1), Retrieval.Of(targets, targets));
        // A constant prediction: ranks (1 + 2) / 2 ... none is first.
        var same = Retrieval.Of([[1, 0], [1, 0], [1, 0]], [[1, 0], [1, 0], [1, 0]]);
        Assert.Equal(0, same.Recall1);
        Assert.Equal(0.5, same.Mrr, 1e-9);
    }

    [Fact]
    public void Bootstrap_IntervalHoldsTheMean_AndShrinksWithMoreArticles()
    {
        double[] few = [.. Enumerable.Range(0, 50).Select(i => i % 5 - 1.0)];
        double[] many = [.. Enumerable.Range(0, 5_000).Select(i => i % 5 - 1.0)];
        var (small, large) = (Bootstrap.Of(few), Bootstrap.Of(many));
        Assert.Equal(1, small.Mean, 1e-9);
        // Standard error of the mean: sqrt(2 / 50) = 0.2 and 0.02.
        Assert.Equal(2 * 1.96 * 0.2, small.High - small.Low, 0.08);
        Assert.Equal(2 * 1.96 * 0.02, large.High - large.Low, 0.008);
    }

    private static EvaluationReport Run(ResidualOptions options, Article[]? train = null, Article[]? test = null)
    {
        using var model = new ResidualModel(Encoder.Dimensions, options);
        return new StreamEvaluation(Encoder, batchSize: 16).Run(model, train ?? Wire[..110], test ?? Wire[110..], TestContext.Current.CancellationToken);
    }
}
