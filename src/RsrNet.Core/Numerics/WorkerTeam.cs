namespace RsrNet.Core.Numerics;

/// <summary>
/// Threads that stay alive between pieces of work and meet at barriers inside one: a supervision step has some fifty places where all must be
/// done before any goes on, a few microseconds apart, too often for the thread pool. The caller is member 0. One caller at a time.
/// </summary>
/// <remarks>
/// Waiting members spin for a moment, then give their core away, and sleep after about <see cref="IdleSpins"/> rounds without work. Nothing
/// is allocated after construction.
/// </remarks>
public sealed class WorkerTeam : IDisposable
{
    /// <summary>About 50 microseconds: longer than the pause between two products, shorter than anybody notices.</summary>
    private const int IdleSpins = 1000;

    private const int BarrierSpins = 2000;

    private readonly Member[] _members;
    private Action<int>? _work;
    private Exception? _failure;
    private int _running;
    private int _active;
    private int _arrived;
    private volatile int _round;
    private volatile bool _disposed;

    /// <param name="size">Threads in all, the caller's included; at least 1.</param>
    public WorkerTeam(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;
        _members = new Member[size - 1];
        for (var i = 0; i < _members.Length; i++)
        {
            var member = new Member(i + 1);
            _members[i] = member;
            new Thread(() => Serve(member)) { IsBackground = true, Name = $"rsrnet compute {member.Index}" }.Start();
        }
    }

    public int Size { get; }

    /// <summary>Members at work in the running call; <see cref="Barrier"/> waits for so many.</summary>
    public int Active => _active;

    /// <summary>Runs work(0) here and work(1), ... on other threads at the same time; returns when all are done.</summary>
    /// <param name="members">How many take part, at most <see cref="Size"/>.</param>
    /// <param name="work">Gets the member's number. Must not throw between barriers: the others would wait for ever.</param>
    public void Run(int members, Action<int> work)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        members = Math.Clamp(members, 1, Size);
        _active = members;
        if (members == 1)
        {
            work(0);
            return;
        }
        _work = work;
        _failure = null;
        Volatile.Write(ref _running, members - 1);
        for (var i = 0; i < members - 1; i++) _members[i].Call();
        try
        {
            work(0);
        }
        finally
        {
            var spin = 0;
            while (Volatile.Read(ref _running) > 0) Pause(ref spin);
            _work = null;
        }
        if (_failure is { } failure) throw new InvalidOperationException($"a compute thread failed: {failure.Message}", failure);
    }

    /// <summary>Waits until every active member has come here. What they wrote before it is visible after it.</summary>
    public void Barrier()
    {
        if (_active == 1) return;
        var round = _round;
        if (Interlocked.Increment(ref _arrived) == _active)
        {
            _arrived = 0;
            _round = round + 1;
            return;
        }
        var spin = 0;
        while (_round == round) Pause(ref spin);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var member in _members) member.Call();
    }

    private static void Pause(ref int spin)
    {
        if (++spin < BarrierSpins) Thread.SpinWait(1);
        else Thread.Yield();
    }

    private void Serve(Member member)
    {
        while (true)
        {
            member.Await();
            if (_disposed) return;
            try
            {
                _work!(member.Index);
            }
            catch (Exception failure)
            {
                _failure = failure;
            }
            Interlocked.Decrement(ref _running);
        }
    }

    /// <summary>One thread's mailbox.</summary>
    private sealed class Member(int index)
    {
        private readonly object _gate = new();
        private volatile bool _called;

        public int Index { get; } = index;

        public void Call()
        {
            lock (_gate)
            {
                _called = true;
                Monitor.Pulse(_gate);
            }
        }

        public void Await()
        {
            for (var spin = 0; spin < IdleSpins && !_called; spin++) Thread.SpinWait(4);
            lock (_gate)
            {
                while (!_called) Monitor.Wait(_gate);
                _called = false;
            }
        }
    }
}
