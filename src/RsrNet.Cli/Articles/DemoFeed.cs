using RsrNet.Core.Articles;

namespace RsrNet.Cli.Articles;

/// <summary>Streams the synthetic newswire into a learner at a steady rate.</summary>
/// <param name="first">Index of the first article: a demo that starts again goes on behind what it has.</param>
/// <param name="rate">Articles a second, above 0.</param>
internal sealed class DemoFeed(DemoNewswire wire, long first, double rate, LearnerIntake intake, TimeProvider time)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    public async Task Run(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Tick, time);
        var next = first;
        var due = 0.0;
        do
        {
            // What a full backlog has held up is not caught up on: the demo goes on at its rate.
            due = Math.Min(due + rate * Tick.TotalSeconds, Math.Max(1, rate));
            var articles = new List<Article>();
            for (; due >= 1; due--) articles.Add(wire.At(next++));
            if (articles.Count > 0) await intake.Put(articles, cancellation);
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }
}
