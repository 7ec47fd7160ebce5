using RsrNet.Silo;
using RsrNet.Torch.Embedding;

namespace RsrNet.Cluster.Tests.Silo;

public sealed class FullEditionTests
{
    [Fact]
    public void Create_BringsLibtorchsEnginesAndTheLibrarysTokenizers()
    {
        var edition = FullEdition.Create();
        Assert.Equal(typeof(MlTokenizer), edition.OpenTokenizer.Method.DeclaringType);
        Assert.Equal(typeof(SentencePieceVocabulary), edition.ReadSentencePiece!.Method.DeclaringType);
        Assert.Equal("torch-cpu", edition.Engines.Find("torch-cpu").Name);
    }
}
