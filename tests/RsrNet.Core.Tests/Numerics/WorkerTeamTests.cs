using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Numerics;

public sealed class WorkerTeamTests
{
    [Fact]
    public void Barrier_SeparatesPhases()
    {
        using var team = new WorkerTeam(4);
        var sums = new int[4];
        var wrong = 0;
        for (var round = 0; round < 50; round++)
        {
            Array.Clear(sums);
            team.Run(4, member =>
            {
                for (var phase = 1; phase <= 20; phase++)
                {
                    sums[member] = phase;
                    team.Barrier();
                    foreach (var sum in sums) if (sum != phase) Interlocked.Increment(ref wrong);
                    team.Barrier();
                }
            });
        }
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void SleepingMembers_WakeUp()
    {
        using var team = new WorkerTeam(3);
        var done = 0;
        for (var round = 0; round < 5; round++)
        {
            team.Run(3, _ => Interlocked.Increment(ref done));
            Thread.Sleep(5);
        }
        Assert.Equal(15, done);
    }

    [Fact]
    public void FewerMembersThanThreads_OnlyThoseWork()
    {
        using var team = new WorkerTeam(4);
        var seen = new int[4];
        team.Run(2, member => seen[member]++);
        Assert.Equal([1, 1, 0, 0], seen);
    }

    [Fact]
    public void FailureOnAnotherThread_ReachesTheCaller()
    {
        using var team = new WorkerTeam(2);
        var error = Assert.Throws<InvalidOperationException>(() => team.Run(2, member =>
        {
            if (member == 1) throw new ArithmeticException("no");
        }));
        Assert.IsType<ArithmeticException>(error.InnerException);
    }
}
