using System.Threading.Channels;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Group commit: rows of calls that come while a transaction runs go into the next one together, so that one disk flush and one round trip
/// serve them all. A call completes once its rows are durable. Where a transaction of several calls fails, each is tried alone, so that it
/// takes only itself back; not so where the database is away.
/// </summary>
internal sealed class PostgresCommitLane<TRow, TResult>
{
    private const int QueuedCalls = 1024;

    /// <summary>
    /// Rows that share a transaction, unless one call alone has more. More would only lengthen the wait of the first one.
    /// </summary>
    private const int SharedRows = 1024;

    private readonly Func<IReadOnlyList<TRow>, Task<IReadOnlyList<TResult>>> _commit;
    private readonly Channel<Call> _calls = Channel.CreateBounded<Call>(new BoundedChannelOptions(QueuedCalls) { SingleReader = true });
    private readonly Task _working;
    private long _commits;

    /// <param name="commit">Writes rows in one transaction, in order; one result for each row.</param>
    public PostgresCommitLane(Func<IReadOnlyList<TRow>, Task<IReadOnlyList<TResult>>> commit)
    {
        _commit = commit;
        _working = Task.Run(Work);
    }

    private sealed class Call(IReadOnlyList<TRow> rows, CancellationToken cancellation)
    {
        public IReadOnlyList<TRow> Rows => rows;

        public TaskCompletionSource<IReadOnlyList<TResult>> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool CancelWhereAsked() => cancellation.IsCancellationRequested && Completion.TrySetCanceled(cancellation);
    }

    /// <summary>Transactions so far.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Writes rows in the next transaction, in order. A call that was cancelled wrote nothing.</summary>
    public async Task<IReadOnlyList<TResult>> Write(IReadOnlyList<TRow> rows, CancellationToken cancellation)
    {
        var call = new Call(rows, cancellation);
        try
        {
            await _calls.Writer.WriteAsync(call, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(PostgresDocumentStore), "the document store is closed already");
        }
        return await call.Completion.Task;
    }

    /// <summary>Writes what was queued, then ends.</summary>
    public Task Close()
    {
        _calls.Writer.TryComplete();
        return _working;
    }

    private async Task Work()
    {
        var shared = new List<Call>();
        while (await _calls.Reader.WaitToReadAsync())
        {
            shared.Clear();
            var rows = 0;
            while (_calls.Reader.TryPeek(out var next) && (rows == 0 || rows + next.Rows.Count <= SharedRows)
                && _calls.Reader.TryRead(out var call))
            {
                if (call.CancelWhereAsked()) continue;
                shared.Add(call);
                rows += call.Rows.Count;
            }
            if (shared.Count > 0) await CommitTogether(shared);
        }
    }

    private async Task CommitTogether(IReadOnlyList<Call> calls)
    {
        try
        {
            var results = await _commit(calls.Count == 1 ? calls[0].Rows : [.. calls.SelectMany(call => call.Rows)]);
            Interlocked.Increment(ref _commits);
            var from = 0;
            foreach (var call in calls)
            {
                call.Completion.SetResult([.. results.Skip(from).Take(call.Rows.Count)]);
                from += call.Rows.Count;
            }
        }
        catch (Exception problem)
        {
            if (calls.Count > 1 && problem is not StoreUnavailableException)
            {
                foreach (var call in calls) await CommitTogether([call]);
            }
            else
            {
                foreach (var call in calls) call.Completion.SetException(problem);
            }
        }
    }
}
