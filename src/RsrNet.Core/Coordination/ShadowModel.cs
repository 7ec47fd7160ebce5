using System.Threading.Channels;
using RsrNet.Core.Documents;
using RsrNet.Core.Evaluation;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination;

/// <summary>
/// A challenger beside the learner: it gets the same labelled articles in the same batches, foretells each before it learns it, and is compared with what the
/// champion foretold. It works on a thread of its own and holds nobody up: where it comes behind it misses batches, which are counted.
/// </summary>
internal sealed class ShadowModel : IAsyncDisposable
{
    /// <summary>Batches that may wait for it.</summary>
    private const int Waiting = 16;

    private readonly ShadowOptions options;
    private readonly CoordinationOptions coordination;
    private readonly int dimensions;
    private readonly Channel<Batch> batches = Channel.CreateBounded<Batch>(new BoundedChannelOptions(Waiting) { SingleReader = true });
    private readonly Lock gate = new();
    private readonly Queue<Pair> window = new();
    private readonly List<long> promotions = [];
    private readonly Task work;
    private ResidualOptions challenger;
    private ResidualModel model;
    private long skipped;
    private bool closing;
    private int kept; // articles that all so far are to count for, until the thread has seen to it; 0 where nothing is to be forgotten

    /// <param name="dimensions">d</param>
    public ShadowModel(int dimensions, ShadowOptions options, CoordinationOptions coordination)
    {
        this.dimensions = dimensions;
        this.options = options;
        this.coordination = coordination;
        challenger = options.Challenger;
        model = new ResidualModel(dimensions, challenger, coordination);
        work = Task.Run(Work);
    }

    /// <summary>Whether the rule for promotion by itself holds.</summary>
    public bool IsReady
    {
        get
        {
            lock (gate)
            {
                if (!(options.PromoteGain > 0) || window.Count < options.Window) return false;
                if (window.Average(pair => pair.ChallengerCosine - pair.ChampionCosine) < options.PromoteGain) return false;
            }
            return Read().Gain is { Low: > 0 };
        }
    }

    /// <summary>The champion has foretold a batch.</summary>
    /// <param name="articles">With highlights, sentences and all.</param>
    /// <param name="cosines">Of the champion's predictions.</param>
    /// <param name="rouge">Of the champion's summaries as served.</param>
    public void OnJudged(IReadOnlyList<ReadArticle> articles, IReadOnlyList<double> cosines, IReadOnlyList<double> rouge)
    {
        if (articles.Count > 0 && !batches.Writer.TryWrite(new Batch(articles, cosines, rouge))) Interlocked.Add(ref skipped, articles.Count);
    }

    /// <inheritdoc cref="ResidualModel.Forget"/>
    /// <remarks>With the next batch: whoever calls does not wait for the one that is being learned.</remarks>
    public void Forget(int articles) => Volatile.Write(ref kept, articles);

    public ShadowReport Read()
    {
        Pair[] pairs;
        long version;
        ResidualOptions now;
        long[] promoted;
        lock (gate) (pairs, version, now, promoted) = ([.. window], model.Version, challenger, [.. promotions]);
        if (pairs.Length == 0)
            return new ShadowReport(now, 0, options.Window, Interlocked.Read(ref skipped), version, null, null, null, null, null, null, promoted);
        return new ShadowReport(
            now, pairs.Length, options.Window, Interlocked.Read(ref skipped), version,
            pairs.Average(pair => pair.ChampionCosine), pairs.Average(pair => pair.ChallengerCosine),
            pairs.Average(pair => pair.ChampionRouge), pairs.Average(pair => pair.ChallengerRouge),
            Bootstrap.Of([.. pairs.Select(pair => pair.ChallengerCosine - pair.ChampionCosine)]),
            Bootstrap.Of([.. pairs.Select(pair => pair.ChallengerRouge - pair.ChampionRouge)]), promoted);
    }

    /// <summary>The challenger as it stands, and how it learns.</summary>
    public (Checkpoint Weights, ResidualOptions Options) Snapshot(string encoderId, DateTimeOffset at)
    {
        lock (gate) return (model.Snapshot(encoderId, at), challenger);
    }

    /// <summary>The two change places: from now on the former champion is the challenger. The comparison begins anew.</summary>
    /// <param name="champion">What served until now.</param>
    /// <param name="learning">How it learned.</param>
    /// <param name="version">At which the challenger took over.</param>
    public void Swap(Checkpoint champion, ResidualOptions learning, long version)
    {
        var former = new ResidualModel(dimensions, learning, coordination);
        former.Restore(champion);
        lock (gate)
        {
            model.Dispose();
            (model, challenger) = (former, learning);
            window.Clear();
            promotions.Add(version);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref closing, true);
        batches.Writer.TryComplete();
        await work;
        model.Dispose();
    }

    private async Task Work()
    {
        await foreach (var batch in batches.Reader.ReadAllAsync())
        {
            if (Volatile.Read(ref closing)) continue; // what still waits is not worth the wait
            // A batch is learned under the lock: a promotion takes the model as it is between two.
            lock (gate)
            {
                if (Interlocked.Exchange(ref kept, 0) is > 0 and var articles) model.Forget(articles);
                var judged = model.Predict(batch.Articles);
                var isOpen = model.ReadoutOpen;
                var lessons = model.Learn(batch.Articles, judged);
                for (var i = 0; i < lessons.Count; i++)
                {
                    if (window.Count == options.Window) window.Dequeue();
                    window.Enqueue(new Pair(batch.Cosines[i], lessons[i].Cosine, batch.Rouge[i], isOpen ? lessons[i].Learned : lessons[i].Lead));
                }
            }
        }
    }

    private sealed record Batch(IReadOnlyList<ReadArticle> Articles, IReadOnlyList<double> Cosines, IReadOnlyList<double> Rouge);

    private readonly record struct Pair(double ChampionCosine, double ChallengerCosine, double ChampionRouge, double ChallengerRouge);
}
