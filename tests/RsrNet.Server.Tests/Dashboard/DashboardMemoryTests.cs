using RsrNet.Server.Tests.Cli;

namespace RsrNet.Server.Tests.Dashboard;

/// <summary>What an open dashboard holds in the server. The heap is the whole process's: nothing else runs beside it.</summary>
[Collection(AloneCollection.Name)]
public sealed class DashboardMemoryTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    private const int Pages = 8;
    private const double Limit = 10;

    [Fact]
    public async Task OpenOverview_HoldsLessThanTenMegabytes()
    {
        // The first one brings what all of them share.
        var (first, _) = await dashboard.Open("");
        var before = Held();
        for (var i = 0; i < Pages; i++) await dashboard.Open("");
        var each = (Held() - before) / (double)Pages / 1e6;
        TestContext.Current.TestOutputHelper?.WriteLine($"{each:0.00} MB for an open overview");
        Assert.True(each < Limit, $"an open overview holds {each:0.0} MB");
        await first.Context.CloseAsync();
    }

    private static long Held()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
