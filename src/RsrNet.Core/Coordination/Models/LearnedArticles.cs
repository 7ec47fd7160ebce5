using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RsrNet.Core.Coordination.Models;

/// <summary>
/// What a model was taught, by a fingerprint of 64 bits each. An article comes by again when something else of it has changed (highlights that came late,
/// a label of another name); it teaches nothing twice. 8 bytes an article in a checkpoint.
/// </summary>
public sealed class LearnedArticles(IEnumerable<long> fingerprints)
{
    private readonly HashSet<long> fingerprints = [.. fingerprints];

    public int Count => fingerprints.Count;

    /// <summary>For a checkpoint; ascending.</summary>
    public long[] Read() => [.. fingerprints.Order()];

    /// <param name="label">Of a classifier: what it is taught; an article whose label was corrected teaches the new one.</param>
    /// <returns>Whether it is new to the model, which is taught it now.</returns>
    public bool Add(string id, string text, string? label) => fingerprints.Add(Of(id, text, label));

    public bool Contains(string id, string text, string? label) => fingerprints.Contains(Of(id, text, label));

    private static long Of(string id, string text, string? label)
    {
        // JSON-like lengths before the parts: no two triples make the same bytes.
        var bytes = Encoding.UTF8.GetBytes($"{id.Length} {id} {text.Length} {text} {label}");
        return BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(bytes));
    }
}
