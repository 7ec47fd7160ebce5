using RsrNet.Core.Embedding;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Server.Configuration;

namespace RsrNet.Cli;

/// <summary>
/// What an executable brings to the commands: that of the core edition nothing of its own, that of the full edition the parts that need
/// other packages.
/// </summary>
internal sealed record Edition
{
    /// <summary>What <c>serve</c> runs.</summary>
    public StartServing Start { get; init; } = static async (plan, notice, cancellation) => await SingleProcess.Start(plan, notice, cancellation);

    /// <summary>Sections of a configuration file beside those that every edition has.</summary>
    public IReadOnlyList<IConfigurationSection> Sections { get; init; } = [];

    /// <summary>What <c>--engine</c> and the setting <c>Replicas.Engine</c> choose from.</summary>
    public EngineCatalog Engines { get; init; } = EngineCatalog.OfCore();

    /// <summary>What opens the tokenizer of BART's model folder.</summary>
    public Func<string, BartTokenizer> OpenTokenizer { get; init; } = BartTokenizer.Open;

    /// <summary>What reads a SentencePiece .model; null where nothing does.</summary>
    public ReadSentencePiece? ReadSentencePiece { get; init; }
}
