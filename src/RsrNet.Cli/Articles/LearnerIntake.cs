using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Cli.Articles;

/// <summary>Gives articles to a learner in this process and waits while it cannot take more, so that a feed never loses one.</summary>
/// <param name="notice">Takes a line when waiting for the store begins and ends.</param>
internal sealed class LearnerIntake(ILearner learner, TimeProvider time, Action<string> notice)
{
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(2);

    /// <returns>How many of them were new.</returns>
    public async Task<int> Put(IReadOnlyList<Article> articles, CancellationToken cancellation)
    {
        var unavailable = false;
        while (true)
        {
            TimeSpan pause;
            try
            {
                var outcomes = await learner.Ingest(articles, cancellation);
                if (unavailable) notice("the store takes articles again");
                return outcomes.Count(outcome => !outcome.Duplicate);
            }
            catch (BacklogFullException full)
            {
                pause = full.RetryAfter;
            }
            catch (StoreUnavailableException problem)
            {
                if (!unavailable) notice($"{problem.Message}; trying again every {StorePause.TotalSeconds:0} s");
                unavailable = true;
                pause = StorePause;
            }
            await Task.Delay(pause, time, cancellation);
        }
    }
}
