namespace RsrNet.Core.Coordination;

/// <summary>
/// Smith: Super-convergence (2018), as fastai's fit_one_cycle: from peak/25 by a cosine to the peak over the first quarter of the steps, then to peak/100,000.
/// </summary>
/// <param name="peak">The highest learning rate.</param>
/// <param name="steps">Steps in all.</param>
public sealed class OneCycleRate(double peak, int steps)
{
    private const double Rise = 0.25, Start = 25, End = 1e5;

    /// <param name="step">From 0.</param>
    public double At(int step)
    {
        var done = Math.Clamp((double)step / Math.Max(1, steps), 0, 1);
        return done < Rise ? Between(peak / Start, peak, done / Rise) : Between(peak, peak / End, (done - Rise) / (1 - Rise));
    }

    private static double Between(double from, double to, double share) => from + (to - from) * (1 - Math.Cos(Math.PI * share)) / 2;
}
