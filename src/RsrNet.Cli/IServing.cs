using RsrNet.Cli.Embedding;
using RsrNet.Core;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Replicas;
using RsrNet.Server.Articles;
using RsrNet.Server.Configuration;

namespace RsrNet.Cli;

/// <summary>What <c>serve</c> runs: a learner, or a way to one, and the server before it. Disposing lets requests finish and makes everything durable.</summary>
internal interface IServing : IAsyncDisposable
{
    ILearner Learner { get; }

    /// <summary>Where the server listens; a free port that was asked for is filled in.</summary>
    Uri Address { get; }

    /// <summary>The synthetic newswire; the dashboard's button stops and starts the same.</summary>
    DemoStream Demo { get; }

    /// <summary>Where the documents are, for people: a data folder, a database, a cluster.</summary>
    string Place { get; }
}

/// <param name="Engine">For the network, whichever the configuration names.</param>
/// <param name="Encoders">What the encoder is chosen from.</param>
/// <param name="EncoderName">Null for the one that the data was made with, and hashed where there is none yet.</param>
/// <param name="ReadSentencePiece">For text models; null where this edition reads none.</param>
/// <param name="Engines">What text models are computed on; null for Core's own.</param>
internal sealed record ServingPlan(
    ConfigurationFile Configuration, EngineOffer Engine, EncoderChoice Encoders, string? EncoderName, ReadSentencePiece? ReadSentencePiece = null,
    EngineCatalog? Engines = null);

/// <summary>Opens everything, begins to listen and to learn.</summary>
/// <param name="notice">Takes what users should know, a line each.</param>
/// <exception cref="Core.Documents.StoreUnavailableException">The data folder, the database or the cluster cannot be used.</exception>
/// <exception cref="EngineUnavailableException">A text model's engine is not there or cannot run here.</exception>
/// <exception cref="Core.WeightsRejectedException">The data was made with another encoder or network.</exception>
/// <exception cref="Server.AddressUnavailableException">Another program listens at the address.</exception>
internal delegate Task<IServing> StartServing(ServingPlan plan, Action<string> notice, CancellationToken cancellation);
