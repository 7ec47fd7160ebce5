using RsrNet.Core.Numerics;

namespace RsrNet.Cli.Bench;

/// <summary>One line of the report.</summary>
/// <param name="Name">What was measured, such as <c>train-step</c>.</param>
/// <param name="Unit">Of ours and the peer's.</param>
/// <param name="Ours">Median over all rounds.</param>
internal sealed record BenchResult(string Name, string Unit, double Ours)
{
    /// <summary>Rows of the batch; for a matrix product its edge.</summary>
    public int? Batch { get; init; }

    /// <summary>Threads on both sides.</summary>
    public int? Threads { get; init; }

    /// <summary>The other side's median.</summary>
    public double? Peer { get; init; }

    /// <summary>Median of the rounds' ratios; above 1 where ours is better.</summary>
    public double? Ratio { get; init; }

    public string? PeerName { get; init; }

    /// <summary>Where the middle 80% of our samples lie around the median.</summary>
    public string? Spread { get; init; }

    public string? PeerSpread { get; init; }

    public string? Note { get; init; }
}

/// <param name="Machine">What it was measured on.</param>
internal sealed record BenchReport(BenchMachine Machine, IReadOnlyList<BenchResult> Results);

/// <param name="Processor">Its name, as the system tells it.</param>
/// <param name="Cores">Logical cores this process may use.</param>
/// <param name="Vectors">The widest vectors it computes with.</param>
/// <param name="PeakGflops">Multiply-adds of one core without memory, the median of this run's measurements; a multiply-add is two operations.</param>
/// <param name="Runtime">.NET's version.</param>
/// <param name="Peer">PyTorch's version, or why there is none.</param>
internal sealed record BenchMachine(string Processor, int Cores, string Vectors, double PeakGflops, string Runtime, string Peer)
{
    public static BenchMachine Here(double peakGflops, string peer) => new(
        ProcessorName(), Environment.ProcessorCount, VectorWidths.Best.ToString(), peakGflops, Environment.Version.ToString(), peer);

    private static string ProcessorName()
    {
        const string List = "/proc/cpuinfo";
        var line = File.Exists(List) ? File.ReadLines(List).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
    }
}
