using Microsoft.AspNetCore.Components;
using RsrNet.Core.Coordination;
using RsrNet.Core.Telemetry;
using RsrNet.Server.Telemetry;

namespace RsrNet.Server.Dashboard;

/// <summary>A page that shows the feed's numbers and draws itself anew after each look.</summary>
public abstract class LivePage : ComponentBase, IDisposable
{
    /// <summary>Points of a line: more than a chart has room for are not sent.</summary>
    private const int ChartPoints = 150;

    private bool following;

    [Inject]
    private TelemetryFeed Feed { get; set; } = null!;

    [Inject]
    private DashboardView View { get; set; } = null!;

    /// <summary>The last look; null before the first.</summary>
    protected TelemetrySnapshot? Now => Feed.Latest;

    /// <summary>How the challenger does; null where there is none.</summary>
    protected ShadowReport? Shadow => Feed.Shadow;

    protected string? FeedProblem => Feed.Problem ?? Now?.Problem;

    protected TimeSpan Span => View.Span;

    protected DateTimeOffset At => Now?.At ?? Feed.Time.GetUtcNow();

    protected override void OnInitialized()
    {
        if (!RendererInfo.IsInteractive) return;
        following = true;
        Feed.Changed += OnChanged;
    }

    /// <summary>A number over the span that is looked at.</summary>
    protected IReadOnlyList<HistoryPoint> Past(HistorySeries series) => Feed.History.Read(series, At, Known, ChartPoints);

    /// <summary>A tensor's norm over that span.</summary>
    protected IReadOnlyList<HistoryPoint> PastNorm(string tensor) => Feed.History.ReadNorm(tensor, At, Known, ChartPoints);

    /// <summary>What else to fetch after a look, before the page is drawn.</summary>
    protected virtual Task OnLook() => Task.CompletedTask;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (following) Feed.Changed -= OnChanged;
        following = false;
    }

    /// <summary>The span, or less where the past is younger: points are not spent on a time before it.</summary>
    private TimeSpan Known => Feed.History.Since is { } since && At - since + TimeSpan.FromSeconds(1) is var age && age > TimeSpan.Zero && age < View.Span ? age : View.Span;

    private void OnChanged() => _ = InvokeAsync(async () =>
    {
        if (!following) return;
        await OnLook();
        StateHasChanged();
    });
}
