using RsrNet.Cli;
using RsrNet.Core.Replicas;
using RsrNet.Grains;
using RsrNet.Server.Configuration;
using RsrNet.Torch.Embedding;
using RsrNet.Torch.Replicas;

namespace RsrNet.Silo;

/// <summary>What this executable brings to the commands: <c>serve</c> runs a part of a cluster, be it the only one.</summary>
internal static class FullEdition
{
    public static Edition Create() => new()
    {
        Start = ClusterProcess.Start,
        Engines = EngineCatalog.OfCore().AddTorch(),
        OpenTokenizer = MlTokenizer.Open,
        ReadSentencePiece = SentencePieceVocabulary.Read,
        Sections =
        [
            new ConfigurationSection<SiloOptions>(SiloOptions.Section, silo => silo.Problems()),
            new ConfigurationSection<GrainOptions>("Grains", grains => grains.Problems()),
        ],
    };
}
