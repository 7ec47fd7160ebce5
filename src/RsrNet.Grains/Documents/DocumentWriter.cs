using System.Threading.Channels;
using RsrNet.Core.Documents;
using RsrNet.Grains.Coordination;

namespace RsrNet.Grains.Documents;

/// <summary>
/// Writes the documents of one silo's grains together: one commit for many, where each grain by itself would wait for a commit of its own. One that
/// changes again before its turn is written once.
/// </summary>
public sealed class DocumentWriter : IAsyncDisposable
{
    /// <summary>Documents of one write at most.</summary>
    private const int Full = 256;

    /// <summary>How long a document waits for others to be written with.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly IDocumentStore store;
    private readonly IGrainFactory grains;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly Dictionary<long, Waiting> waiting = [];
    private List<Waiting> underWay = [];
    private readonly Channel<bool> arrivals = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource stop = new();
    private readonly Task writing;
    private long term;
    private long closed;

    public DocumentWriter(IDocumentStore store, IGrainFactory grains, TimeProvider time)
    {
        (this.store, this.grains, this.time) = (store, grains, time);
        writing = Task.Run(Write);
    }

    /// <summary>The newest term of the coordinator that this silo has heard of: a document that is read now is as that term left it.</summary>
    public long Term
    {
        get
        {
            lock (gate) return term;
        }
    }

    public void OnTerm(long heard)
    {
        lock (gate) term = Math.Max(term, heard);
    }

    /// <summary>
    /// A term is about to begin: from now on nothing is written that was read before it has. Completes when what was to be written is, whether the store took it
    /// or not.
    /// </summary>
    public Task Close(long coming)
    {
        lock (gate)
        {
            closed = Math.Max(closed, coming);
            return Task.WhenAll([.. waiting.Values.Concat(underWay).Select(one => one.Saved.Task)]).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Completes when the document, or a newer value of it, is durable.</summary>
    /// <param name="readIn">The term in which it was read. What an earlier one left in memory may be unlearned in the store by now.</param>
    /// <returns>False where the store has no such document any more, or a newer revision, or a newer term begins: it is to be read anew.</returns>
    public Task<bool> Save(Document document, long readIn)
    {
        Task<bool> saved;
        lock (gate)
        {
            if (readIn < closed) return Task.FromResult(false);
            if (!waiting.TryGetValue(document.Sequence, out var one)) waiting.Add(document.Sequence, one = new Waiting());
            one.Document = document.WithoutSentences();
            saved = one.Saved.Task;
        }
        arrivals.Writer.TryWrite(true);
        return saved;
    }

    /// <summary>Writes what waits, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (stop.IsCancellationRequested) return;
        await stop.CancelAsync();
        arrivals.Writer.TryComplete();
        await writing;
        stop.Dispose();
    }

    private async Task Write()
    {
        while (await arrivals.Reader.WaitToReadAsync())
        {
            arrivals.Reader.TryRead(out _);
            if (Count < Full && !stop.IsCancellationRequested) await Wait(Patience);
            await Write(TakeAll());
        }
        await Write(TakeAll());
    }

    private async Task Write(List<Waiting> batch)
    {
        if (batch.Count == 0) return;
        var failed = false;
        while (true)
        {
            try
            {
                var passedOver = (await store.Save(batch.ConvertAll(one => one.Document!))).ToHashSet();
                foreach (var one in batch) one.Saved.TrySetResult(!passedOver.Contains(one.Document!.Sequence));
                if (failed) Report(null);
                return;
            }
            catch (StoreUnavailableException unavailable) when (!stop.IsCancellationRequested)
            {
                failed = true;
                Report($"documents could not be saved and wait: {unavailable.Message}");
                await Wait(RetryAfter);
            }
#pragma warning disable CA1031 // those who wait are told; the next ones get a try of their own
            catch (Exception exception)
            {
                foreach (var one in batch) one.Saved.TrySetException(exception);
                return;
            }
#pragma warning restore CA1031
        }
    }

    private int Count
    {
        get
        {
            lock (gate) return waiting.Count;
        }
    }

    private List<Waiting> TakeAll()
    {
        lock (gate)
        {
            underWay = [.. waiting.Values];
            waiting.Clear();
            return underWay;
        }
    }

    private async Task Wait(TimeSpan patience)
    {
        try
        {
            await Task.Delay(patience, time, stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The silo is being closed: write at once.
        }
    }

    private void Report(string? problem) => grains.GetGrain<ICoordinatorGrain>(0).OnProblem("store", problem).Ignore();

    private sealed class Waiting
    {
        public Document? Document { get; set; }

        public TaskCompletionSource<bool> Saved { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
