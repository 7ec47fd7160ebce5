namespace RsrNet.Core.Tests;

/// <summary>A clock that moves when a test moves it.</summary>
internal sealed class StandingTime : TimeProvider
{
    public TimeSpan Now { get; set; } = TimeSpan.FromMinutes(5);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;
}
