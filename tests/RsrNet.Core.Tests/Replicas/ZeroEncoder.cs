using RsrNet.Core.Embedding;

namespace RsrNet.Core.Tests.Replicas;

/// <summary>Knows no word at all.</summary>
internal sealed class ZeroEncoder : ITextEncoder
{
    public string Id => "zero-16";

    public int Dimensions => 16;

    public void Encode(ReadOnlySpan<string> texts, Span<float> embeddings) => embeddings.Clear();
}
