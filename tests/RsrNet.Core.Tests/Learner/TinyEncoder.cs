using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Learner;

/// <summary>A 16-wide encoder for tests of the learner, where the words do not matter: each word adds one to the element of its hash; unit length.</summary>
internal sealed class TinyEncoder(string id = "tiny-16") : ITextEncoder
{
    public string Id => id;

    public int Dimensions => 16;

    public void Encode(ReadOnlySpan<string> texts, Span<float> embeddings)
    {
        embeddings.Clear();
        for (var i = 0; i < texts.Length; i++)
        {
            if (texts[i].Contains("unreadable", StringComparison.Ordinal)) throw new InvalidOperationException("no such letters");
            var vector = embeddings.Slice(i * Dimensions, Dimensions);
            foreach (var word in texts[i].Split(' '))
            {
                var hash = 17u;
                foreach (var letter in word) hash = (hash * 31) + letter;
                vector[(int)(hash % (uint)Dimensions)]++;
            }
            var norm = VectorMath.Norm(vector);
            foreach (ref var element in vector) element /= norm;
        }
    }
}
