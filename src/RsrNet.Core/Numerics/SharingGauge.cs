namespace RsrNet.Core.Numerics;

/// <summary>
/// Decides by experience whether work goes faster alone or shared among threads. Threads that meet often are quick on idle cores and very
/// slow on busy ones, where each meeting waits for whoever has no core just now; and how busy the cores are changes while a server runs.
/// Now and then it tries the other way. Only for work whose result does not depend on the number of threads.
/// </summary>
internal sealed class SharingGauge
{
    private const int LeastPatience = 16, MostPatience = 1024;

    /// <summary>Seconds per unit of work; 0 while unknown.</summary>
    private double _alone;
    private double _shared;
    private int _patience = LeastPatience;
    private int _untilTrial = LeastPatience;

    private bool SharingPays => _shared <= _alone;

    /// <param name="most">Threads that there are, and that the work is worth.</param>
    /// <returns>That number, or 1.</returns>
    public int Choose(int most)
    {
        if (most <= 1) return 1;
        if (_shared == 0) return most;
        if (_alone == 0) return 1;
        if (--_untilTrial > 0) return SharingPays ? most : 1;
        // What keeps losing is tried less and less.
        _patience = Math.Min(2 * _patience, MostPatience);
        _untilTrial = _patience;
        return SharingPays ? 1 : most;
    }

    /// <summary>Takes in how it went.</summary>
    /// <param name="threads">As chosen.</param>
    /// <param name="work">How much it was, in any unit that is always the same.</param>
    public void Report(int threads, TimeSpan time, double work)
    {
        var paid = SharingPays;
        ref var known = ref threads == 1 ? ref _alone : ref _shared;
        var seconds = time.TotalSeconds / work;
        // An interruption makes one try slow and says little; a quick one shows what can be done.
        if (known == 0) known = seconds;
        else if (seconds < known) known += (seconds - known) / 2;
        else known += (Math.Min(seconds, 2 * known) - known) / 8;
        if (SharingPays == paid) return;
        _patience = _untilTrial = LeastPatience;
    }
}
