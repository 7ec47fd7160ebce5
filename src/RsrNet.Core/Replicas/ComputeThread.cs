using System.Collections.Concurrent;

namespace RsrNet.Core.Replicas;

/// <summary>
/// A thread that does nothing but one device's arithmetic, one piece of work after the other. Those who wait for it hold no thread: a batch takes
/// longer than a scheduler for short turns can spare, and some engines must always be called from the same thread.
/// </summary>
public sealed class ComputeThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly Thread thread;

    /// <param name="name">For debuggers and profilers.</param>
    public ComputeThread(string name)
    {
        thread = new Thread(Work) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Whether the caller runs on this very thread, which then must not wait for itself.</summary>
    public bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>Has the thread do something; what it throws, the returned task throws.</summary>
    /// <exception cref="ObjectDisposedException">The thread has been ended.</exception>
    public Task<T> Run<T>(Func<T> action)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            work.Add(() => Answer(action, result));
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(ComputeThread), "the replica is being closed");
        }
        return result.Task;
    }

    /// <summary>Finishes what was asked for, then ends the thread.</summary>
    public void Dispose()
    {
        work.CompleteAdding();
        if (!IsCurrent) thread.Join();
    }

    private static void Answer<T>(Func<T> action, TaskCompletionSource<T> result)
    {
        try
        {
            result.SetResult(action());
        }
#pragma warning disable CA1031 // whatever went wrong is the asker's to know; the thread goes on
        catch (Exception exception)
        {
            result.SetException(exception);
        }
#pragma warning restore CA1031
    }

    private void Work()
    {
        foreach (var action in work.GetConsumingEnumerable()) action();
    }
}
