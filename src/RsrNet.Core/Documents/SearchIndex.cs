using System.Diagnostics.CodeAnalysis;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>
/// Every document's search vector in memory, for exact nearest-neighbour search: a scan at memory speed, 3 KB a document of 768 elements. Safe
/// to call from many threads: searches run side by side; a change waits for those that are under way and is over in microseconds.
/// </summary>
/// <param name="dimensions">d.</param>
public sealed class SearchIndex(int dimensions) : IDisposable
{
    // Vectors lie in blocks of this many documents, so that growing copies nothing and no array becomes huge.
    private const int BlockDocuments = 1024;

    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<(string Id, string? Title)> _documents = [];
    private readonly List<float[]> _blocks = [];

    public int Count
    {
        get
        {
            _lock.EnterReadLock();
            try
            {
                return _documents.Count;
            }
            finally
            {
                _lock.ExitReadLock();
            }
        }
    }

    /// <summary>Adds a document or replaces what is known of it.</summary>
    /// <param name="vector">[d] of any length but zero counts the same: it is scaled to unit length. A zero vector is found with score 0.</param>
    /// <exception cref="ArgumentException">The vector is not d wide or holds something that is no number.</exception>
    public void Put(string id, string? title, ReadOnlySpan<float> vector)
    {
        if (vector.Length != dimensions) throw new ArgumentException($"a vector of {vector.Length} elements does not fit an index of {dimensions}", nameof(vector));
        var norm = MathF.Sqrt(VectorMath.Dot(vector, vector));
        if (!float.IsFinite(norm)) throw new ArgumentException($"the vector of '{id}' holds something that is no number", nameof(vector));
        _lock.EnterWriteLock();
        try
        {
            if (!_places.TryGetValue(id, out var place))
            {
                place = _documents.Count;
                if (place == _blocks.Count * BlockDocuments) _blocks.Add(new float[BlockDocuments * dimensions]);
                _places.Add(id, place);
                _documents.Add(default);
            }
            _documents[place] = (id, title);
            var stored = VectorAt(place);
            for (var i = 0; i < stored.Length; i++) stored[i] = norm > 0 ? vector[i] / norm : 0;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <returns>Whether it was there.</returns>
    public bool Remove(string id)
    {
        _lock.EnterWriteLock();
        try
        {
            if (!_places.Remove(id, out var place)) return false;
            // The last one moves into the gap.
            var last = _documents.Count - 1;
            if (place != last)
            {
                VectorAt(last).CopyTo(VectorAt(place));
                _documents[place] = _documents[last];
                _places[_documents[place].Id] = place;
            }
            _documents.RemoveAt(last);
            // One spare block stays, so that adding and removing at the edge does not allocate each time.
            while ((_blocks.Count - 1) * BlockDocuments > last + BlockDocuments) _blocks.RemoveAt(_blocks.Count - 1);
            return true;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>The vector of a document, unit length.</summary>
    public bool TryGet(string id, [NotNullWhen(true)] out float[]? vector)
    {
        _lock.EnterReadLock();
        try
        {
            vector = _places.TryGetValue(id, out var place) ? VectorAt(place).ToArray() : null;
            return vector is not null;
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>The documents with the largest cosine to a vector, best first; equal ones in order of id.</summary>
    /// <param name="query">[d].</param>
    /// <param name="k">At most so many; at least 1.</param>
    /// <param name="except">An id that is left out: the document one searches by.</param>
    /// <exception cref="ArgumentException">The query is not d wide.</exception>
    public IReadOnlyList<SearchHit> Search(ReadOnlySpan<float> query, int k, string? except = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (query.Length != dimensions) throw new ArgumentException($"a query of {query.Length} elements does not fit an index of {dimensions}", nameof(query));
        var norm = MathF.Sqrt(VectorMath.Dot(query, query));
        var scale = norm > 0 && float.IsFinite(norm) ? 1 / norm : 0;
        _lock.EnterReadLock();
        try
        {
            var left = except is not null && _places.TryGetValue(except, out var place) ? place : -1;
            // A heap of the k best so far, the worst of them on top.
            var best = new PriorityQueue<int, (float Score, string Id)>(Math.Min(k, _documents.Count) + 1, WorstFirst);
            for (var i = 0; i < _documents.Count; i++)
            {
                if (i == left) continue;
                var score = Math.Clamp(VectorMath.Dot(query, VectorAt(i)) * scale, -1, 1);
                if (best.Count < k) best.Enqueue(i, (score, _documents[i].Id));
                else if (best.TryPeek(out _, out var worst) && score >= worst.Score) best.EnqueueDequeue(i, (score, _documents[i].Id));
            }
            var hits = new SearchHit[best.Count];
            for (var i = hits.Length - 1; i >= 0; i--)
            {
                best.TryDequeue(out var found, out var priority);
                hits[i] = new SearchHit(_documents[found].Id, _documents[found].Title, priority.Score);
            }
            return hits;
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    public void Dispose() => _lock.Dispose();

    private static readonly Comparer<(float Score, string Id)> WorstFirst = Comparer<(float Score, string Id)>.Create((a, b) =>
        a.Score != b.Score ? a.Score.CompareTo(b.Score) : string.CompareOrdinal(b.Id, a.Id));

    private Span<float> VectorAt(int place) => _blocks[place / BlockDocuments].AsSpan(place % BlockDocuments * dimensions, dimensions);
}
