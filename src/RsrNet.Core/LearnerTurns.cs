using System.Collections.Concurrent;
using System.Threading.Channels;

namespace RsrNet.Core;

/// <summary>
/// What others ask of the learning loop, answered between two of its turns, so that there is nothing to lock. Where no loop runs the asker does it,
/// one at a time.
/// </summary>
internal sealed class LearnerTurns : IDisposable
{
    /// <summary>The loop looks around at least so often, though nobody calls it.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentQueue<Func<Task>> requests = new();
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim turn = new(1, 1);
    private Task? loop;

    /// <summary>Whether a loop was started.</summary>
    public bool HasLoop => loop is not null;

    public bool Stopping => stop.IsCancellationRequested;

    /// <summary>Cancelled when the learner closes.</summary>
    public CancellationToken Stopped => stop.Token;

    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public void Start(Func<Task> run)
    {
        if (loop is not null) throw new InvalidOperationException("the learner has been started already");
        loop = Task.Run(run);
    }

    /// <summary>Ends the rest that the loop may be taking; from any thread.</summary>
    public void Wake() => wake.Writer.TryWrite(true);

    /// <inheritdoc cref="Ask{T}"/>
    public Task Ask(Func<Task> work) => Ask(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Has the loop do something between two turns; where no loop runs, does it here.</summary>
    /// <exception cref="ObjectDisposedException">The learner is closing.</exception>
    public async Task<T> Ask<T>(Func<Task<T>> work)
    {
        ObjectDisposedException.ThrowIf(stop.IsCancellationRequested, typeof(LocalLearner));
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        requests.Enqueue(async () =>
        {
            try
            {
                answer.SetResult(await work());
            }
#pragma warning disable CA1031 // whatever went wrong is the asker's to know, not the loop's
            catch (Exception exception)
            {
                answer.SetException(exception);
            }
#pragma warning restore CA1031
        });
        if (loop is null)
        {
            await turn.WaitAsync();
            try
            {
                await Answer();
            }
            finally
            {
                turn.Release();
            }
        }
        else Wake();
        return await answer.Task;
    }

    /// <summary>Answers everything that was asked so far.</summary>
    public async Task Answer()
    {
        while (requests.TryDequeue(out var request)) await request();
    }

    /// <summary>Waits until somebody calls, or something is due.</summary>
    /// <param name="due">How long until then; nulls do not count.</param>
    public async Task Rest(params TimeSpan?[] due)
    {
        var wait = due.Append(LongestRest).Min() ?? LongestRest;
        if (wait < ShortestRest) wait = ShortestRest;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        timeout.CancelAfter(wait);
        try
        {
            await wake.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // Nobody called; something is due by itself, or the learner closes.
        }
    }

    /// <summary>Tells the loop to end; <see cref="Ended"/> is when it has.</summary>
    public Task Stop() => stop.CancelAsync();

    public Task Ended => loop ?? Task.CompletedTask;

    public void Dispose()
    {
        turn.Dispose();
        stop.Dispose();
    }
}
