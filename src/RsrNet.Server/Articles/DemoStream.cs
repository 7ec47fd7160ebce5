using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Articles;

/// <summary>The synthetic newswire as a stream that can be started and stopped: from the command line or with one click. Safe to call from many threads.</summary>
public sealed class DemoStream(ILearner learner, TimeProvider time) : IAsyncDisposable
{
    /// <summary>Articles a second where nobody says otherwise.</summary>
    public const double DefaultRate = 10;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100), Pause = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private CancellationTokenSource? stopping;
    private Task running = Task.CompletedTask;

    /// <summary>Articles a second; null while it does not run.</summary>
    public double? Rate { get; private set; }

    /// <summary>Why no articles go in right now; null while they do.</summary>
    public string? Problem { get; private set; }

    /// <summary>Starts it, behind what the store has; one that runs goes on at the new rate.</summary>
    /// <param name="rate">Articles a second; 0.01 to 10,000.</param>
    /// <param name="wire">What to stream.</param>
    public void Start(double rate = DefaultRate, DemoNewswire? wire = null)
    {
        if (!(rate is >= 0.01 and <= 10_000)) throw new ArgumentOutOfRangeException(nameof(rate), rate, "a rate is 0.01 to 10000 articles a second");
        lock (gate)
        {
            Rate = rate;
            if (stopping is not null) return;
            var ending = stopping = new CancellationTokenSource();
            running = Task.Run(() => Run(wire ?? new DemoNewswire(), ending.Token));
        }
    }

    public async Task Stop()
    {
        Task ended;
        CancellationTokenSource? source;
        lock (gate)
        {
            (source, stopping) = (stopping, null);
            ended = running;
            Rate = null;
            Problem = null;
        }
        if (source is null) return;
        await source.CancelAsync();
        await ended;
        source.Dispose();
    }

    public async ValueTask DisposeAsync() => await Stop();

    private async Task Run(DemoNewswire wire, CancellationToken cancellation)
    {
        try
        {
            using var timer = new PeriodicTimer(Tick, time);
            var next = (await learner.ReadTelemetry(cancellation)).Documents.Total;
            var due = 0.0;
            do
            {
                var rate = Rate ?? 0;
                // What a full backlog has held up is not caught up on: the demo goes on at its rate.
                due = Math.Min(due + rate * Tick.TotalSeconds, Math.Max(1, rate));
                var articles = new List<Article>();
                for (; due >= 1; due--) articles.Add(wire.At(next++));
                if (articles.Count > 0) await Put(articles, cancellation);
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task Put(List<Article> articles, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await learner.Ingest(articles, cancellation);
                Problem = null;
                return;
            }
            catch (Exception problem) when (problem is BacklogFullException or StoreUnavailableException)
            {
                Problem = problem.Message;
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }
}
