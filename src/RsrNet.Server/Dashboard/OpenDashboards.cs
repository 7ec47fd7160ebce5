using Microsoft.AspNetCore.Components.Server.Circuits;
using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Dashboard;

/// <summary>Counts the browsers that have a page open.</summary>
internal sealed class OpenDashboards : CircuitHandler
{
    private readonly Lock gate = new();
    private long open;

    public override Task OnConnectionUpAsync(Circuit circuit, CancellationToken cancellationToken) => Add(1);

    public override Task OnConnectionDownAsync(Circuit circuit, CancellationToken cancellationToken) => Add(-1);

    private Task Add(long change)
    {
        lock (gate) DashboardInstruments.OnConnections(open += change);
        return Task.CompletedTask;
    }
}
