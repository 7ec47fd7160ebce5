using RsrNet.Core.Weights;

namespace RsrNet.Server.Tests.Weights;

public sealed class ModelFolderTests : ModelStoreContract
{
    private readonly TemporaryFolder folder = new();

    protected override Task<IModelStore> Open() => Task.FromResult<IModelStore>(new ModelFolder(folder.Path));

    protected override Task Damage(string name, long version) =>
        File.WriteAllBytesAsync(Path.Combine(folder.Path, name, $"weights-{version:D12}.safetensors"), [1, 2, 3], Cancellation);

    protected override ValueTask CleanUp()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Description_Damaged_IsLeftOutWithAWord()
    {
        await Store.Add("topics", new Core.Coordination.Models.ModelDescription(new()), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "topics", "model.json"), "{", Cancellation);
        var warnings = new List<string>();
        Assert.Empty(await Store.List(warnings.Add, Cancellation));
        Assert.Contains("model.json is damaged", Assert.Single(warnings), StringComparison.Ordinal);
    }
}
