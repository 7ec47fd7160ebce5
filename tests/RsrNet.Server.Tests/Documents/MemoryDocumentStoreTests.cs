using RsrNet.Core.Documents;

namespace RsrNet.Server.Tests.Documents;

public sealed class MemoryDocumentStoreTests : DocumentStoreContract
{
    protected override bool Durable => false;

    protected override Task<IDocumentStore> Open() => Task.FromResult<IDocumentStore>(new MemoryDocumentStore());
}
