using System.Diagnostics.Metrics;

namespace RsrNet.Core.Telemetry;

/// <summary>Who looks on.</summary>
public static class DashboardInstruments
{
    private static readonly Gauge<long> Connections = RsrNetTelemetry.Meter.CreateGauge<long>(
        "rsrnet.dashboard.connections", "{connection}", "Browsers that have a page of the dashboard open.");

    public static void OnConnections(long open) => Connections.Record(open);
}
