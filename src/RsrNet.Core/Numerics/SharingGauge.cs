namespace RsrNet.Core.Numerics;

/// <summary>
/// Decides by experience whether work goes faster alone or shared among threads. Threads that meet often are quick on idle cores and very
/// slow on busy ones, where each meeting waits for whoever has no core just now; and how busy the cores are changes while a server runs.
/// Now and then it tries the other way. Only for work whose result does not depend on the number of threads.
/// </summary>
internal sealed class SharingGauge
{
    private const int LeastPatience = 16, MostPatience = 1024;

    /// <summary>
    /// Pieces of work in a row that make a trial; the best one counts. The first one after a pause wakes sleeping threads, which takes as long as a
    /// small piece itself, and the very first meets cold caches, fresh memory and code that is not compiled yet.
    /// </summary>
    private const int TrialLength = 3;

    /// <summary>Seconds per unit of work; infinite until tried.</summary>
    private double _alone = double.PositiveInfinity;
    private double _shared = double.PositiveInfinity;
    private int _patience = LeastPatience;
    private int _untilTrial;

    /// <summary>Pieces left of a running trial, whether it shares, and its best so far.</summary>
    private int _trialLeft = TrialLength;
    private bool _trialShares = true;
    private double _trialBest = double.PositiveInfinity;

    private bool SharingPays => _shared <= _alone;

    /// <param name="most">Threads that there are, and that the work is worth.</param>
    /// <returns>That number, or 1.</returns>
    public int Choose(int most)
    {
        if (most <= 1) return 1;
        if (_trialLeft == 0 && --_untilTrial <= 0) Try(shared: !SharingPays);
        return (_trialLeft > 0 ? _trialShares : SharingPays) ? most : 1;
    }

    /// <summary>Takes in how it went.</summary>
    /// <param name="threads">As chosen.</param>
    /// <param name="work">How much it was, in any unit that is always the same.</param>
    public void Report(int threads, TimeSpan time, double work)
    {
        var paid = SharingPays;
        ref var known = ref threads == 1 ? ref _alone : ref _shared;
        var seconds = time.TotalSeconds / work;
        if (_trialLeft > 0 && _trialShares == threads > 1)
        {
            _trialBest = Math.Min(_trialBest, seconds);
            if (--_trialLeft > 0) return;
            known = _trialBest;
            // What keeps losing is tried less and less.
            _patience = Math.Min(2 * _patience, MostPatience);
            _untilTrial = _patience;
            if (double.IsInfinity(_alone)) Try(shared: false);
        }
        else
        {
            // An interruption makes one piece slow and says little; a quick one shows what can be done.
            if (seconds < known) known += (seconds - known) / 2;
            else known += (Math.Min(seconds, 2 * known) - known) / 8;
        }
        if (SharingPays != paid) _patience = _untilTrial = LeastPatience;
    }

    private void Try(bool shared)
    {
        _trialShares = shared;
        _trialLeft = TrialLength;
        _trialBest = double.PositiveInfinity;
    }
}
