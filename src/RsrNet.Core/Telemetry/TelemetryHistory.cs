using RsrNet.Core.Weights;

namespace RsrNet.Core.Telemetry;

/// <summary>
/// The numbers people watch, over time, in bounded memory: every second for ten minutes, every ten seconds for three hours, every two minutes for
/// a week. Each coarser tier holds means of the finer one. Kept over restarts in one small file. Safe to call from many threads.
/// </summary>
/// <remarks>About 7,000 points of 24 floats, and as many for the tensors' norms: 1.5 MB.</remarks>
public sealed class TelemetryHistory
{
    private const uint Magic = 0x31485352; // "RSH1"
    private static readonly int Width = Enum.GetValues<HistorySeries>().Length;

    /// <summary>Tensors whose norms are kept; a network has 14. Any beyond are left out.</summary>
    private const int NormWidth = 24;

    private readonly Lock gate = new();
    private readonly HistoryTier[] tiers = Tiers(Width);
    private readonly HistoryTier[] normTiers = Tiers(NormWidth);

    /// <summary>Columns of the norms, in the order in which the tensors were first seen.</summary>
    private readonly List<string> tensors = [];

    /// <summary>Adds a moment; moments come in ascending order, others are left out.</summary>
    public void Add(TelemetrySnapshot numbers)
    {
        var values = new float[Width];
        void Set(HistorySeries series, double? value) => values[(int)series] = (float)(value ?? double.NaN);
        Set(HistorySeries.Articles, numbers.ArticlesPerSecond);
        Set(HistorySeries.Steps, numbers.StepsPerSecond);
        Set(HistorySeries.Updates, numbers.UpdatesPerSecond);
        Set(HistorySeries.Loss, numbers.Loss);
        Set(HistorySeries.Similarity, numbers.PrequentialSimilarity);
        Set(HistorySeries.Error, numbers.PrequentialError);
        Set(HistorySeries.ResidualY, numbers.ResidualY);
        Set(HistorySeries.ResidualZ, numbers.ResidualZ);
        Set(HistorySeries.ResidualP90, numbers.ResidualPercentiles?.P90);
        Set(HistorySeries.Converged, numbers.ConvergedShare);
        Set(HistorySeries.Backlog, numbers.Documents.Unfinished);
        Set(HistorySeries.Documents, numbers.Documents.Total);
        Set(HistorySeries.WeightVersion, numbers.WeightVersion);
        Set(HistorySeries.GradientNorm, numbers.GradientNorm);
        Set(HistorySeries.TrainSeconds, numbers.Replicas.Average(replica => replica.TrainSeconds));
        Set(HistorySeries.Staleness, numbers.Replicas.Average(replica => replica.Staleness));
        Set(HistorySeries.Refused, numbers.RefusedGradients);
        Set(HistorySeries.EmbeddingSeconds, numbers.EmbeddingSeconds);
        Set(HistorySeries.StoreBytes, numbers.StoreBytes);
        Set(HistorySeries.ParameterNorm, numbers.ParameterNorms.Count == 0 ? null : Math.Sqrt(numbers.ParameterNorms.Values.Sum(norm => norm * norm)));
        Set(HistorySeries.CopySimilarity, numbers.PrequentialCopySimilarity);
        Set(HistorySeries.Rouge, numbers.PrequentialRouge);
        Set(HistorySeries.LeadRouge, numbers.PrequentialLeadRouge);
        Set(HistorySeries.CalibrationError, numbers.Calibration?.ExpectedError);
        lock (gate)
        {
            foreach (var tier in tiers) tier.Add(numbers.At, values);
            if (numbers.ParameterNorms.Count == 0) return;
            var norms = new float[NormWidth];
            Array.Fill(norms, float.NaN);
            foreach (var (tensor, norm) in numbers.ParameterNorms)
            {
                if (ColumnOf(tensor) is { } column) norms[column] = (float)norm;
            }
            foreach (var tier in normTiers) tier.Add(numbers.At, norms);
        }
    }

    /// <summary>Where the past begins; null while there is none.</summary>
    public DateTimeOffset? Since
    {
        get
        {
            lock (gate) return tiers[^1].Since;
        }
    }

    /// <summary>The past up to now, oldest first, from the finest tier that reaches far enough back.</summary>
    /// <param name="span">How far back to look.</param>
    /// <param name="points">At most so many; more are thinned by taking means of neighbours. At least 2.</param>
    public IReadOnlyList<HistoryPoint> Read(HistorySeries series, DateTimeOffset now, TimeSpan span, int points)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 2);
        lock (gate) return Read(tiers, (int)series, now, span, points);
    }

    /// <summary>The norm of one parameter tensor, likewise; empty for a name that never came.</summary>
    public IReadOnlyList<HistoryPoint> ReadNorm(string tensor, DateTimeOffset now, TimeSpan span, int points)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 2);
        lock (gate)
        {
            var column = tensors.IndexOf(tensor);
            return column < 0 ? [] : Read(normTiers, column, now, span, points);
        }
    }

    /// <summary>Writes the history to a file, so that a crash leaves the one before.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        using var buffer = new MemoryStream();
        using (var writer = new BinaryWriter(buffer, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Width);
            lock (gate)
            {
                foreach (var tier in tiers) tier.Write(writer);
                writer.Write(tensors.Count);
                foreach (var tensor in tensors) writer.Write(tensor);
                foreach (var tier in normTiers) tier.Write(writer);
            }
        }
        DurableFile.Write(path, file =>
        {
            buffer.Position = 0;
            buffer.CopyTo(file);
        });
    }

    /// <summary>Goes on from a file; one that is not there, damaged or of another kind leaves the history empty.</summary>
    /// <returns>Whether it was read.</returns>
    public bool Load(string path)
    {
        try
        {
            if (!File.Exists(path)) return false;
            using var reader = new BinaryReader(new MemoryStream(File.ReadAllBytes(path)));
            if (reader.ReadUInt32() != Magic) return false;
            var width = reader.ReadInt32();
            if (width is < 1 or > 1000) return false;
            lock (gate)
            {
                foreach (var tier in tiers) tier.Read(reader, width);
                ReadNorms(reader);
            }
            return true;
        }
        // A past that cannot be read is a blank chart, not a server that does not start.
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            lock (gate)
            {
                tensors.Clear();
                foreach (var tier in (HistoryTier[])[.. tiers, .. normTiers]) tier.Clear();
            }
            return false;
        }
    }

    private static HistoryTier[] Tiers(int width) =>
    [
        new(TimeSpan.FromSeconds(1), 600, width), new(TimeSpan.FromSeconds(10), 1080, width), new(TimeSpan.FromMinutes(2), 5040, width),
    ];

    private static List<HistoryPoint> Read(HistoryTier[] from, int column, DateTimeOffset now, TimeSpan span, int points) =>
        (from.FirstOrDefault(tier => tier.Span >= span) ?? from[^1]).Read(column, now - span, now, points);

    private int? ColumnOf(string tensor)
    {
        var column = tensors.IndexOf(tensor);
        if (column >= 0) return column;
        if (tensors.Count == NormWidth) return null;
        tensors.Add(tensor);
        return tensors.Count - 1;
    }

    private void ReadNorms(BinaryReader reader)
    {
        tensors.Clear();
        // A file from before there were any ends here.
        if (reader.BaseStream.Position == reader.BaseStream.Length) return;
        var count = reader.ReadInt32();
        if (count is < 0 or > NormWidth) throw new InvalidDataException("a count that cannot be");
        for (var i = 0; i < count; i++) tensors.Add(reader.ReadString());
        foreach (var tier in normTiers) tier.Read(reader, NormWidth);
    }
}

/// <param name="At">Middle of the time the value stands for.</param>
/// <param name="Value">A mean; NaN where nothing was known.</param>
public readonly record struct HistoryPoint(DateTimeOffset At, float Value);
