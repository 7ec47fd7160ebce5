using Orleans.Concurrency;
using RsrNet.Core.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Documents;

/// <summary>Questions about all documents, for gateways, which have no way to the store of their own.</summary>
[Alias("rsrnet.document-queries-grain")]
public interface IDocumentQueriesGrain : IGrainWithIntegerKey
{
    [Alias("list")]
    Task<DocumentPage> List(DocumentQuery query);
}

/// <summary>Any silo answers; a few at a time, since the store does the work.</summary>
[StatelessWorker(4), PreferCpuSilos]
internal sealed class DocumentQueriesGrain(IDocumentStore store) : Grain, IDocumentQueriesGrain
{
    public Task<DocumentPage> List(DocumentQuery query) => store.List(query);
}
