using System.Globalization;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Bench;

/// <summary>What to measure.</summary>
internal sealed record BenchOptions
{
    /// <summary>Samples of each side of each case; at least 1.</summary>
    public int Rounds { get; init; } = 15;

    /// <summary>Threads on both sides, one comparison after the other.</summary>
    public IReadOnlyList<int> Threads { get; init; } = [1, 2];

    /// <summary>Names of results to measure; empty for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    public bool Measures(string name) => Only.Count == 0 || Only.Contains(name);
}

/// <summary>
/// Measures ours and PyTorch's in turns: in each round every case gets a sample of the machine's peak, one of ours and one of the peer's, right
/// after each other, so that what disturbs the machine disturbs all three. Medians over the rounds are reported, and the median of the rounds' ratios.
/// </summary>
internal sealed class Benchmark(BenchOptions options, Func<int, TorchPeer?> startPeer, Action<string> notice)
{
    public const string NoPeer = "no python3 with torch";

    private readonly List<BenchResult> _results = [];
    private readonly Samples _peaks = new();
    private string _peerName = NoPeer;

    /// <summary>The names of all results.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "train-step", "train-step-peak", "inference", "matmul", "matmul-peak", "recurrent-numbers", "recurrent-char", "recurrent-lstm", "text-replicas",
        "allocations", "encoder-hashed", "encoder-bart", "encoder-bart-peak", "encoder-bart-int8", "pipeline", "pipeline-residual", "memory", "telemetry-cost",
    ];

    public async Task<BenchReport> Run(CancellationToken cancellation = default)
    {
        foreach (var threads in options.Threads) Compare(threads, cancellation);
        if (options.Measures("text-replicas")) MeasureReplicas(cancellation);
        if (options.Measures("allocations")) MeasureAllocations();
        if (options.Measures("encoder-hashed")) MeasureEncoder();
        if (options.Measures("pipeline") || options.Measures("pipeline-residual")) await MeasurePipeline(cancellation);
        if (options.Measures("memory")) await MeasureMemory(cancellation);
        if (options.Measures("telemetry-cost")) await MeasureTelemetry(cancellation);
        if (_peaks.Count == 0) _peaks.Add(PeakFma.Measure());
        return new BenchReport(BenchMachine.Here(_peaks.Median / 1e9, _peerName), _results);
    }

    private void Compare(int threads, CancellationToken cancellation)
    {
        using var models = new Models();
        var measured = Cases(threads, models).Select(of => new Measured(of)).ToList();
        if (measured.Count == 0) return;
        using var peer = startPeer(threads);
        if (peer is not null)
        {
            _peerName = peer.Name;
            foreach (var of in measured) of.Case.Introduce(peer);
        }
        try
        {
            for (var round = 0; round < options.Rounds; round++)
            {
                notice(string.Create(CultureInfo.InvariantCulture, $"{threads} {(threads == 1 ? "thread" : "threads")}, round {round + 1} of {options.Rounds}"));
                foreach (var of in measured)
                {
                    cancellation.ThrowIfCancellationRequested();
                    _peaks.Add(of.Sample(peer));
                }
            }
        }
        finally
        {
            foreach (var of in measured) of.Case.Dispose();
        }
        foreach (var of in measured) Report(of, threads, peer?.Name);
    }

    private IEnumerable<BenchCase> Cases(int threads, Models models)
    {
        // Shares of a core's peak are of one core.
        bool Wanted(string name, string peak) => options.Measures(name) || (threads == 1 && options.Measures(peak));

        if (Wanted("train-step", "train-step-peak"))
        {
            foreach (var rows in (int[])[2, 8, 64, 256]) yield return new TrainingStep(rows, threads);
        }
        if (options.Measures("inference"))
        {
            foreach (var rows in (int[])[1, 8, 64, 256]) yield return new Inference(rows, threads);
        }
        if (Wanted("matmul", "matmul-peak"))
        {
            foreach (var edge in (int[])[128, 256, 512, 1024, 2048]) yield return new SquareProduct(edge, threads);
        }
        if (Wanted("encoder-bart", "encoder-bart-peak"))
        {
            yield return new BartEncoding(models.Bart, 1, threads);
            // Seconds for each repeat: with one thread as well it would take longer than all the rest.
            if (threads > 1) yield return new BartEncoding(models.Bart, 32, threads);
        }
        if (options.Measures("encoder-bart-int8") && threads == 1 && BartEncoder.SupportsInt8)
            yield return new BartEncoding(models.Bart, 1, threads, WeightPrecision.Int8);
        // The recurrent models learn on one thread beside the recursion.
        if (threads != 1) yield break;
        if (options.Measures("recurrent-numbers")) yield return new NumbersStep(64);
        if (options.Measures("recurrent-char")) yield return new CharacterStep(64);
        if (options.Measures("recurrent-lstm")) yield return new ClassifierStep(64);
    }

    private void Report(Measured of, int threads, string? peerName)
    {
        var rate = of.Case.Rate;
        double InUnit(double seconds) => rate is { } given ? given.PerRepeat / seconds : 1e6 * seconds;
        string? Note(string? note) => peerName is null ? note is null ? NoPeer : $"{note}; {NoPeer}" : note;

        if (options.Measures(of.Case.Name))
        {
            _results.Add(new BenchResult(of.Case.Name, rate?.Unit ?? (threads == 1 ? "us of processor time" : "us"), InUnit(of.Ours.Median))
            {
                Batch = of.Case.Size,
                Threads = threads,
                Peer = peerName is null ? null : InUnit(of.Peers.Median),
                Ratio = peerName is null ? null : of.Ratios.Median,
                PeerName = peerName,
                Spread = of.Ours.Spread(),
                PeerSpread = peerName is null ? null : of.Peers.Spread(),
                Note = Note(of.Case.Note),
            });
        }
        var peak = of.Case.Name + "-peak";
        if (threads != 1 || of.Case.Operations == 0 || of.Case is Inference || !options.Measures(peak)) return;
        _results.Add(new BenchResult(peak, "share of one core's multiply-adds", of.Shares.Median)
        {
            Batch = of.Case.Size,
            Threads = 1,
            Peer = peerName is null ? null : of.PeerShares.Median,
            Ratio = peerName is null ? null : of.Ratios.Median,
            PeerName = peerName,
            Spread = of.Shares.Spread(),
            Note = Note(of.Case is TrainingStep ? "counting the arithmetic that the step cannot do without, on both sides" : of.Case.Note),
        });
    }

    /// <summary>One thread and two replicas in turns, so that what disturbs the machine disturbs both.</summary>
    private void MeasureReplicas(CancellationToken cancellation)
    {
        ReplicaGain[] gains = [ReplicaGain.Classifier(), ReplicaGain.Characters()];
        var samples = Array.ConvertAll(gains, _ => (One: new Samples(), Two: new Samples(), Ratio: new Samples()));
        try
        {
            for (var round = 0; round < options.Rounds; round++)
            {
                cancellation.ThrowIfCancellationRequested();
                notice(string.Create(CultureInfo.InvariantCulture, $"text-replicas, round {round + 1} of {options.Rounds}"));
                foreach (var (gain, (ones, twos, ratios)) in gains.Zip(samples))
                {
                    var (one, two) = (gain.One.Measure(), gain.Two.Measure());
                    ones.Add(one);
                    twos.Add(two);
                    ratios.Add(one / two);
                }
            }
        }
        finally
        {
            foreach (var gain in gains) gain.Dispose();
        }
        foreach (var (gain, (ones, twos, ratios)) in gains.Zip(samples))
        {
            _results.Add(new BenchResult("text-replicas", "us for an update by two replicas", 1e6 * twos.Median)
            {
                Batch = 64,
                Threads = 2,
                Spread = twos.Spread(),
                Note = string.Create(
                    CultureInfo.InvariantCulture, $"{gain.Name}; by one thread {1e6 * ones.Median:0} us, {ratios.Median:0.00} times as long in the same round"),
            });
        }
    }

    private void MeasureAllocations()
    {
        foreach (var create in (Func<BenchCase>[])[() => new TrainingStep(64, 2), () => new Inference(64, 2), () => new CharacterStep(64)])
        {
            using var of = create();
            of.Measure();
            _results.Add(new BenchResult("allocations", "bytes", of.Allocated()) { Batch = of.Size, Threads = 2, Note = of.Name });
        }
    }

    private void MeasureEncoder() => _results.Add(
        new BenchResult("encoder-hashed", "articles/s", EncoderRate.Measure(new HashedEncoder(), options.Rounds)) { Threads = 1, Note = "4 KB each, processor time" });

    /// <summary>Both learning modes in turns, so that what disturbs the machine disturbs both.</summary>
    private async Task MeasurePipeline(CancellationToken cancellation)
    {
        const int Articles = 4_000;
        (string Name, LearningMode Mode)[] modes = [("pipeline", LearningMode.Notebook), ("pipeline-residual", LearningMode.Residual)];
        var wanted = Array.FindAll(modes, of => options.Measures(of.Name));
        var learned = wanted.ToDictionary(of => of.Name, _ => new Samples());
        var finished = wanted.ToDictionary(of => of.Name, _ => new Samples());
        var processor = wanted.ToDictionary(of => of.Name, _ => new Samples());
        var ratios = new Samples();
        var rounds = Math.Clamp(options.Rounds / 3, 1, 5);
        for (var round = 0; round < rounds; round++)
        {
            notice(string.Create(CultureInfo.InvariantCulture, $"pipeline, round {round + 1} of {rounds}"));
            var inRound = new List<double>(wanted.Length);
            foreach (var (name, mode) in wanted)
            {
                var rates = await Pipeline.Measure(mode, Articles, cancellation);
                notice(string.Create(CultureInfo.InvariantCulture, $"{name}: {rates.Learned:0} articles/s, {1e3 * rates.Processor:0.00} ms of processor time each"));
                learned[name].Add(rates.Learned);
                finished[name].Add(rates.Finished);
                processor[name].Add(1e3 * rates.Processor);
                inRound.Add(rates.Learned);
            }
            if (wanted.Length == 2) ratios.Add(inRound[1] / inRound[0]);
        }
        foreach (var (name, mode) in wanted)
        {
            _results.Add(new BenchResult(name, "labelled articles/s", learned[name].Median)
            {
                Threads = Environment.ProcessorCount,
                Spread = learned[name].Spread(),
                Note = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Articles} of 4 KB by HTTP until durable, learned and readable, sender in the same process; {finished[name].Median:0}/s until all are refined to the end; {processor[name].Median:0.00} ms of processor time each, sender included")
                    + (mode == LearningMode.Residual && wanted.Length == 2
                        ? string.Create(CultureInfo.InvariantCulture, $"; {ratios.Median:0.00} times the mode notebook in the same round") : ""),
            });
        }
    }

    private async Task MeasureMemory(CancellationToken cancellation)
    {
        const int Documents = 10_000;
        notice("memory");
        _results.Add(new BenchResult("memory", "MB", await Pipeline.MeasureMemory(Documents, cancellation)) { Note = $"held more for {Documents:N0} documents at rest" });
    }

    private async Task MeasureTelemetry(CancellationToken cancellation)
    {
        const int Articles = 5_000;
        var (unwatched, clock, processor) = (new Samples(), new Samples(), new Samples());
        var rounds = Math.Clamp(options.Rounds / 3, 1, 5);
        await using var cost = new TelemetryCost();
        await cost.Start(cancellation);
        for (var round = 0; round < rounds; round++)
        {
            notice(string.Create(CultureInfo.InvariantCulture, $"telemetry-cost, round {round + 1} of {rounds}"));
            // Who begins changes: whatever grows with the time of the run meets both.
            var first = await cost.Measure(Articles, watched: round % 2 == 1, cancellation);
            var second = await cost.Measure(Articles, watched: round % 2 == 0, cancellation);
            var (on, off) = round % 2 == 1 ? (first, second) : (second, first);
            unwatched.Add(off.Clock);
            clock.Add(on.Clock / off.Clock);
            processor.Add(on.Processor / off.Processor);
        }
        _results.Add(new BenchResult("telemetry-cost", "of the training throughput when nobody looks", clock.Median)
        {
            Spread = clock.Spread(),
            Note = string.Create(
                CultureInfo.InvariantCulture,
                $"{unwatched.Median:0} labelled articles/s when nobody looks; by the server's processor time {processor.Median:0.000}; {cost.Setting}"),
        });
    }

    /// <summary>Model folders that cases share, made when they are needed.</summary>
    private sealed class Models : IDisposable
    {
        private RandomBart? bart;

        public RandomBart Bart => bart ??= new RandomBart();

        public void Dispose() => bart?.Dispose();
    }

    /// <summary>A case and its samples.</summary>
    private sealed class Measured(BenchCase of)
    {
        public BenchCase Case { get; } = of;

        /// <summary>Seconds.</summary>
        public Samples Ours { get; } = new();

        public Samples Peers { get; } = new();

        public Samples Ratios { get; } = new();

        public Samples Shares { get; } = new();

        public Samples PeerShares { get; } = new();

        /// <returns>The peak beside it, operations a second.</returns>
        public double Sample(TorchPeer? peer)
        {
            // The best of three: an interruption makes a peak too low, nothing makes it too high.
            var peak = Math.Max(PeakFma.Measure(), Math.Max(PeakFma.Measure(), PeakFma.Measure()));
            var ours = Case.Measure();
            Ours.Add(ours);
            Shares.Add(Case.Operations / ours / peak);
            if (peer is not null && Case.PeerKind is { } kind)
            {
                var theirs = peer.Measure(kind, Case.Size);
                Peers.Add(theirs);
                Ratios.Add(theirs / ours);
                PeerShares.Add(Case.Operations / theirs / peak);
            }
            return peak;
        }
    }
}
