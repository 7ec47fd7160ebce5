using System.Diagnostics;
using System.Globalization;
using RsrNet.Cli.Telemetry;
using RsrNet.Core;

namespace RsrNet.Cli.Coordination;

/// <param name="Loss">Of each batch's last supervision step, a mean over the documents.</param>
/// <param name="Similarity">Mean cosine to the highlights of the predictions made before each batch was learned.</param>
/// <param name="Documents">Documents learned from.</param>
internal sealed record EpochReport(int Epoch, double? Loss, double Similarity, int Documents, double Seconds)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"epoch {Epoch}: loss {Loss.Brief()}, similarity {Similarity:0.000}, {Documents:N0} documents in {Seconds:0.0} s");
}

/// <summary>Goes through labelled documents epoch by epoch, in another order each time, with a line of progress for each batch.</summary>
internal sealed class Training(LocalLearner learner, string[] ids, RsrNetOptions options, Terminal terminal)
{
    /// <summary>Lines of progress an epoch where no terminal shows it live.</summary>
    private const int Lines = 10;

    // Only for the order of documents.
    private readonly Random random = new(options.Replicas.Seed);

    public async Task<EpochReport> Run(int epoch, int epochs, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var size = options.Coordination.BatchSize;
        var batches = (ids.Length + size - 1) / size;
        random.Shuffle(ids);
        double loss = 0, similarity = 0;
        int done = 0, learned = 0;
        using var status = new StatusLine(terminal);
        for (var batch = 1; batch <= batches; batch++)
        {
            var report = await learner.Learn(ids[done..Math.Min(done + size, ids.Length)], cancellation);
            done += report.Documents;
            similarity += report.Similarity * report.Documents;
            if (report.Loss is { } batchLoss)
            {
                loss += batchLoss * report.Documents;
                learned += report.Documents;
            }
            var line = $"epoch {epoch}/{epochs}  batch {batch}/{batches}" +
                $"  loss {((double?)report.Loss).Brief()}  similarity {((double?)report.Similarity).Brief()}";
            status.Show(line);
            if (!status.IsLive && (batch * Lines / batches > (batch - 1) * Lines / batches)) terminal.Notice(line);
        }
        return new EpochReport(
            epoch, learned > 0 ? loss / learned : null, similarity / done, done, Math.Round(clock.Elapsed.TotalSeconds, 3));
    }
}
