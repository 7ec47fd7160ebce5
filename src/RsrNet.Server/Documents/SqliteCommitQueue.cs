using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Group commit: one thread writes; calls that wait while it commits share the next commit, so that one disk flush serves them all. Each
/// call
/// completes after its COMMIT returned. A call that fails takes only itself back.
/// </summary>
internal sealed class SqliteCommitQueue : IAsyncDisposable
{
    private const int QueuedCalls = 1024;

    /// <summary>Calls that share one commit. More would only lengthen the wait of the first one.</summary>
    private const int SharedCalls = 64;

    private readonly SqliteConnection _connection;
    private readonly SqliteWriter _writer;
    private readonly string _file;
    private readonly Channel<Call> _calls = Channel.CreateBounded<Call>(new BoundedChannelOptions(QueuedCalls) { SingleReader = true });
    private readonly SqliteStatement _begin, _commit, _rollback, _savepoint, _release, _rollbackToSavepoint;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Committed _committed;
    private long _commits;

    /// <param name="connection">Owned from now on.</param>
    public SqliteCommitQueue(SqliteConnection connection, string file, TimeProvider time)
    {
        _connection = connection;
        _file = file;
        _writer = new SqliteWriter(connection, time);
        _committed = new Committed(_writer.Counts);
        _begin = new SqliteStatement(connection, "BEGIN IMMEDIATE");
        _commit = new SqliteStatement(connection, "COMMIT");
        _rollback = new SqliteStatement(connection, "ROLLBACK");
        _savepoint = new SqliteStatement(connection, "SAVEPOINT one_call");
        _release = new SqliteStatement(connection, "RELEASE one_call");
        _rollbackToSavepoint = new SqliteStatement(connection, "ROLLBACK TO one_call");
        _thread = new Thread(Work) { IsBackground = true, Name = "rsrnet-sqlite-writer" };
        _thread.Start();
    }

    private sealed record Committed(DocumentCounts Counts);

    /// <summary>Documents by status after the last commit.</summary>
    public DocumentCounts Counts => _committed.Counts;

    /// <summary>Transactions committed so far.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Runs the write in the next commit, and completes once it is durable. A call that was cancelled wrote nothing.</summary>
    /// <exception cref="StoreUnavailableException">The database cannot be written; nothing of the call was stored.</exception>
    public async Task<T> Write<T>(Func<SqliteWriter, T> body, CancellationToken cancellation)
    {
        var call = new Call<T>(body, cancellation);
        try
        {
            await _calls.Writer.WriteAsync(call, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteDocumentStore), "the document store is closed already");
        }
        return await call.Result;
    }

    /// <summary>Writes what was queued, then closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _calls.Writer.TryComplete();
        await _ended.Task;
    }

    private void Work()
    {
        var shared = new List<Call>(SharedCalls);
        while (_calls.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            shared.Clear();
            while (shared.Count < SharedCalls && _calls.Reader.TryRead(out var call))
            {
                if (!call.CancelWhereAsked()) shared.Add(call);
            }
            if (shared.Count > 0) CommitTogether(shared);
        }
        foreach (var statement in (ReadOnlySpan<SqliteStatement>)[_begin, _commit, _rollback, _savepoint, _release, _rollbackToSavepoint])
            statement.Dispose();
        _writer.Dispose();
        _connection.Dispose();
        _ended.SetResult();
    }

    private void CommitTogether(List<Call> calls)
    {
        var before = _writer.SnapshotCounts();
        try
        {
            _begin.Run();
            foreach (var call in calls) RunOne(call, alone: calls.Count == 1);
            _commit.Run();
        }
        catch (Exception problem)
        {
            RollBack(before);
            // The transaction is gone with all calls in it. Alone, each shows whether it was the one to blame: with a full disk a small
            // call may still fit.
            if (calls.Count == 1) calls[0].Fail(Explain(problem));
            else foreach (var call in calls) CommitTogether([call]);
            return;
        }
        Interlocked.Increment(ref _commits);
        _committed = new Committed(_writer.Counts);
        foreach (var call in calls) call.Complete();
    }

    private void RunOne(Call call, bool alone)
    {
        if (alone)
        {
            call.Run(_writer);
            return;
        }
        var before = _writer.SnapshotCounts();
        _savepoint.Run();
        try
        {
            call.Run(_writer);
        }
        // After some errors (disk full, out of memory) SQLite itself rolls the whole transaction back: then this one cannot go on.
        catch (Exception problem) when (InTransaction)
        {
            _rollbackToSavepoint.Run();
            _writer.ResetCounts(before);
            call.Fault = Explain(problem);
        }
        _release.Run();
    }

    private bool InTransaction => SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0;

    private void RollBack(long[] counts)
    {
        _writer.ResetCounts(counts);
        try
        {
            if (InTransaction) _rollback.Run();
        }
        catch (SqliteException)
        {
            // The next BEGIN fails and says why.
        }
    }

    private Exception Explain(Exception problem) => SqliteProblem.Explain(problem, _file) ?? problem;

    private abstract class Call
    {
        public Exception? Fault { get; set; }

        public abstract bool CancelWhereAsked();

        public abstract void Run(SqliteWriter writer);

        public abstract void Complete();

        public abstract void Fail(Exception problem);
    }

    private sealed class Call<T>(Func<SqliteWriter, T> body, CancellationToken cancellation) : Call
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Result => _completion.Task;

        public override bool CancelWhereAsked() => cancellation.IsCancellationRequested && _completion.TrySetCanceled(cancellation);

        public override void Run(SqliteWriter writer)
        {
            Fault = null;
            _result = body(writer);
        }

        public override void Complete()
        {
            if (Fault is { } fault) _completion.SetException(fault);
            else _completion.SetResult(_result!);
        }

        public override void Fail(Exception problem) => _completion.SetException(problem);
    }
}
