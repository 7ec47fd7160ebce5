namespace RsrNet.Server.Dashboard;

/// <summary>What one open dashboard shows, over all its pages.</summary>
internal sealed class DashboardView
{
    public static readonly IReadOnlyList<(string Name, TimeSpan Span)> Spans =
    [
        ("10 min", TimeSpan.FromMinutes(10)), ("1 h", TimeSpan.FromHours(1)), ("24 h", TimeSpan.FromHours(24)), ("7 days", TimeSpan.FromDays(7)),
    ];

    /// <summary>How far back charts look.</summary>
    public TimeSpan Span { get; set; } = Spans[0].Span;
}
