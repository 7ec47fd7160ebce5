using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Weights;

/// <summary>The folder against the contract; its files and crashes are tested in Core.</summary>
public sealed class CheckpointFolderContractTests : CheckpointStoreContract
{
    private readonly TemporaryFolder _folder = new();

    protected override Task<ICheckpointStore> Open(WeightOptions options) =>
        Task.FromResult<ICheckpointStore>(new CheckpointFolder(_folder.Path, options));

    protected override ValueTask CleanUp()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override Task<byte[]> ReadStored(long version) => File.ReadAllBytesAsync(FileOf(version), Cancellation);

    protected override Task WriteStored(long version, byte[] content) => File.WriteAllBytesAsync(FileOf(version), content, Cancellation);

    private string FileOf(long version) => _folder.File($"weights-{version:D12}.safetensors");
}
