using RsrNet.Core.Documents;
using RsrNet.Core.Telemetry;
using RsrNet.Server.Telemetry;

namespace RsrNet.Server.Tests.Telemetry;

public sealed class VerdictTests
{
    private static readonly TelemetrySnapshot Now = new()
    {
        At = DateTimeOffset.UnixEpoch, Uptime = 60, Accepted = 10, Duplicates = 0, ArticlesPerSecond = 5, Documents = new DocumentCounts(0, 0, 10, 0, 0),
        Learned = 10, Steps = 30, RefusedGradients = 0, WeightVersion = 3, CheckpointVersion = 3, Encoder = "e", Mode = "m", UpdatesPerSecond = 1,
    };

    [Theory]
    [InlineData(1.0, 0.5, "It learns")]
    [InlineData(1.0, 1.0, "Loss is level")]
    [InlineData(1.0, 1.6, "Loss rises")]
    public void Learning_FollowsTheLoss(double before, double now, string answer) =>
        Assert.Equal(answer, Verdict.OfLearning(Now with { Loss = now }, Past(before), Past(0.1)).Answer);

    [Theory]
    [InlineData(0.5, 0.4, 0.3, "It learns")]
    [InlineData(0.5, 0.5, 0.3, "Loss is level")]
    [InlineData(0.01, 0.01, 0.3, "Behind a plain copy")]
    public void Learning_WithALevelLoss_IsHeldAgainstTheArticleItself(double now, double before, double copy, string answer)
    {
        var verdict = Verdict.OfLearning(
            Now with { Loss = 1, Learned = 500, PrequentialSimilarity = now, PrequentialCopySimilarity = copy }, Past(1, 1), Past(before, now));
        Assert.Equal(answer, verdict.Answer);
        Assert.Contains("the article itself to 0.300", verdict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Learning_WithoutLabels_Waits() => Assert.Equal(VerdictMood.Waiting, Verdict.OfLearning(Now, [], []).Mood);

    [Theory]
    [InlineData(0, 0, "All done")]
    [InlineData(80, 0, "It keeps up")]
    [InlineData(5000, 1000, "Backlog grows")]
    [InlineData(5000, 9000, "Catching up")]
    public void Pace_FollowsTheBacklog(long waiting, double before, string answer) =>
        Assert.Equal(answer, Verdict.OfPace(Now with { Documents = new DocumentCounts(waiting, 0, 1, 0, 0) }, Past(before, waiting)).Answer);

    [Fact]
    public void Health_NamesWhatFailed()
    {
        Assert.Equal(VerdictMood.Good, Verdict.OfHealth(Now, null).Mood);
        Assert.Equal((VerdictMood.Bad, "disk full"), (Verdict.OfHealth(Now, "disk full").Mood, Verdict.OfHealth(Now, "disk full").Reason));
        Assert.Contains("2 gradients", Verdict.OfHealth(Now with { RefusedGradients = 2 }, null).Reason, StringComparison.Ordinal);
    }

    private static IReadOnlyList<HistoryPoint> Past(params double[] values) =>
        [.. values.Select((value, i) => new HistoryPoint(DateTimeOffset.UnixEpoch.AddSeconds(i), (float)value))];
}
