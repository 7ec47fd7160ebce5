using System.Globalization;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>
/// What lists are sorted by, of every document, and where those that changed last lie on a plane (the two principal axes of all y). In memory: about 0.3 KB
/// a document beside the 3 KB of the search index. Safe to call from many threads.
/// </summary>
/// <param name="dimensions">d.</param>
/// <param name="capacity">Documents that have a place on the plane; the one that has not changed for longest loses it first. 10,000 of 768 elements take about 20 MB.</param>
public sealed class DocumentMap(int dimensions, int capacity = DocumentMap.DefaultCapacity)
{
    public const int DefaultCapacity = 10_000;

    private const float OffTheMap = 10_000;

    private sealed class Place(DocumentListItem item)
    {
        public DocumentListItem Item = item;
        public string? Label;
        // Half precision: half the memory, and a pixel is coarser by far.
        public Half[]? Y;
        public long Revision;

        /// <summary>Null for a document without a place on the plane.</summary>
        public LinkedListNode<string>? Node;
    }

    private readonly Lock gate = new();
    private readonly Dictionary<string, Place> places = new(StringComparer.Ordinal);

    /// <summary>Those on the plane.</summary>
    private readonly LinkedList<string> byChange = [];
    private readonly PrincipalAxes axes = new(dimensions, 2);
    private long revision;

    public int Count
    {
        get
        {
            lock (gate) return places.Count;
        }
    }

    public bool Has(string id)
    {
        lock (gate) return places.ContainsKey(id);
    }

    /// <summary>A document as it is now.</summary>
    public void Put(Document document) =>
        Put(DocumentListItem.Of(document), LabelOf(document.Article.Labels), document.State?.Y);

    /// <param name="label">What the map can be coloured by; null for none, or to keep the one known.</param>
    /// <param name="y">[d]; null before the first step.</param>
    public void Put(DocumentListItem item, string? label, float[]? y)
    {
        lock (gate)
        {
            if (!places.TryGetValue(item.Id, out var place)) places.Add(item.Id, place = new Place(item));
            place.Item = item;
            place.Label = label ?? place.Label;
            place.Revision = ++revision;
            if (y is null || y.Length != dimensions) return;
            // A document that ran away would make a dot of all the others, and half precision cannot hold it.
            if (!(VectorMath.Norm(y) < OffTheMap))
            {
                TakeOff(place);
                return;
            }
            axes.Add(y);
            if (place.Node is { } node)
            {
                byChange.Remove(node);
                byChange.AddLast(node);
            }
            else
            {
                if (byChange.Count >= capacity) TakeOff(places[byChange.First!.Value]);
                place.Node = byChange.AddLast(item.Id);
                place.Y = new Half[dimensions];
            }
            for (var i = 0; i < y.Length; i++) place.Y![i] = (Half)y[i];
        }
    }

    /// <summary>What a document that is here already can be coloured by; it counts as changed, but no later than it was.</summary>
    public void Label(string id, IReadOnlyDictionary<string, string> labels)
    {
        lock (gate)
        {
            if (!places.TryGetValue(id, out var place)) return;
            place.Label ??= LabelOf(labels);
            place.Revision = ++revision;
        }
    }

    /// <summary>Documents on the plane that nothing can be coloured by yet.</summary>
    public IReadOnlyList<string> Unlabelled()
    {
        lock (gate) return [.. byChange.Where(id => places[id].Label is null)];
    }

    /// <summary>Labels what has none yet by the stored articles: after a start, beside the learning.</summary>
    public async Task Label(IDocumentStore store, CancellationToken cancellation)
    {
        try
        {
            foreach (var id in Unlabelled())
            {
                if (await store.Find(id, cancellation) is { } document) Label(id, document.Article.Labels);
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or StoreUnavailableException)
        {
            // The learner closes, or the store is away: points stay grey until their documents change.
        }
    }

    public void Remove(string id)
    {
        lock (gate)
        {
            if (places.ContainsKey(id)) Drop(id);
        }
    }

    /// <summary>Where documents lie. Positions of all, because axes move with every document; what is known of them only for those that changed.</summary>
    /// <param name="since"><see cref="DocumentMapView.Revision"/> of the last view; 0 for everything. Where nothing changed since, the view is empty.</param>
    public DocumentMapView Read(long since)
    {
        lock (gate)
        {
            if (since > 0 && since == revision) return DocumentMapView.Empty with { Revision = revision };
            var points = new List<MapPoint>();
            var positions = new List<MapPosition>(byChange.Count);
            Span<float> coordinates = stackalloc float[2];
            var vector = new float[dimensions];
            foreach (var id in byChange)
            {
                var place = places[id];
                for (var i = 0; i < vector.Length; i++) vector[i] = (float)place.Y![i];
                axes.Project(vector, coordinates);
                positions.Add(new MapPosition(id, coordinates[0], coordinates[1]));
                if (place.Revision > since) points.Add(new MapPoint(place.Item, place.Label));
            }
            return new DocumentMapView(revision, points, positions);
        }
    }

    /// <summary>Documents by what people look for.</summary>
    public DocumentRanking Rank(DocumentOrder order)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(order.Skip);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(order.Take);
        // Learning puts documents here: it waits for a copy of what is known, and not while a million are compared.
        var known = new List<DocumentListItem>();
        lock (gate)
        {
            known.EnsureCapacity(places.Count);
            foreach (var place in places.Values) known.Add(place.Item);
        }
        var found = known.FindAll(item => (order.Status is not { } status || item.Status == status)
            && (order.Title is not { Length: > 0 } title || Holds(item.Title, title) || Holds(item.Id, title)));
        var sign = order.Descending ? -1 : 1;
        // What is not known yet comes last, whichever way the list runs. Only the page that is wanted is sorted.
        var ordered = found.Order(Comparer<DocumentListItem>.Create((a, b) => order.By switch
        {
            DocumentSort.Title => sign * string.Compare(a.Title ?? a.Id, b.Title ?? b.Id, StringComparison.OrdinalIgnoreCase),
            DocumentSort.Step => sign * a.Step.CompareTo(b.Step),
            DocumentSort.Residual => Compare(a.ResidualY, b.ResidualY, sign),
            DocumentSort.Confidence => Compare(a.Confidence, b.Confidence, sign),
            DocumentSort.Similarity => Compare(a.Similarity, b.Similarity, sign),
            _ => sign * a.IngestedAt.CompareTo(b.IngestedAt),
        } is var compared and not 0 ? compared : string.CompareOrdinal(a.Id, b.Id)));
        return new DocumentRanking([.. ordered.Skip(order.Skip).Take(order.Take)], found.Count, known.Count);

        static bool Holds(string? text, string part) => text?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;
    }

    private static int Compare(float? a, float? b, int sign) =>
        a is { } x && b is { } y ? sign * x.CompareTo(y) : (a is null).CompareTo(b is null);

    private static string? LabelOf(IReadOnlyDictionary<string, string> labels) =>
        labels.TryGetValue("topic", out var topic) ? topic
        : labels.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{labels.First().Key}: {labels.First().Value}")
        : null;

    private void Drop(string id)
    {
        if (places.Remove(id, out var place)) TakeOff(place);
    }

    private void TakeOff(Place place)
    {
        if (place.Node is not { } node) return;
        byChange.Remove(node);
        (place.Node, place.Y) = (null, null);
        // A view that only saw a point vanish must count as another one.
        revision++;
    }
}

/// <param name="X">Along the first principal axis.</param>
/// <param name="Y">Along the second.</param>
public readonly record struct MapPosition(string Id, float X, float Y);

/// <param name="Label">The label <c>topic</c>, or else the first there is; null for none.</param>
public sealed record MapPoint(DocumentListItem Item, string? Label);

/// <param name="Revision">Ascending with every change.</param>
/// <param name="Points">Those that changed since.</param>
/// <param name="Positions">All that have a place; none where nothing changed.</param>
public sealed record DocumentMapView(long Revision, IReadOnlyList<MapPoint> Points, IReadOnlyList<MapPosition> Positions)
{
    public static readonly DocumentMapView Empty = new(0, [], []);
}

public enum DocumentSort
{
    /// <summary>By arrival.</summary>
    Age,
    Title,
    Step,
    Residual,
    Confidence,
    Similarity,
}

/// <param name="Title">A part of the title or id; null for all.</param>
public sealed record DocumentOrder(
    DocumentSort By = DocumentSort.Age, bool Descending = true, DocumentStatus? Status = null, string? Title = null, int Skip = 0, int Take = 50);

/// <param name="Found">How many there are with that filter.</param>
/// <param name="Known">How many there are to choose from.</param>
public sealed record DocumentRanking(IReadOnlyList<DocumentListItem> Items, int Found, int Known);

/// <summary>The same documents with untrained and with current weights, each on the principal axes of its own.</summary>
/// <param name="Before">By the network's initial weights.</param>
/// <param name="After">By the current weights, from the same start.</param>
public sealed record MapComparison(IReadOnlyList<MapPosition> Before, IReadOnlyList<MapPosition> After)
{
    public static readonly MapComparison Empty = new([], []);

    /// <summary>
    /// Principal axes have no direction of their own: the first picture is turned, and mirrored where that fits better, until its documents lie as near to where
    /// they are in the second as they can (orthogonal Procrustes; Schönemann 1966), so that what differs is what training did.
    /// </summary>
    /// <param name="before">The same documents in the same order as in <paramref name="after"/>.</param>
    public static MapComparison Of(IReadOnlyList<MapVector> before, IReadOnlyList<MapVector> after)
    {
        var (first, second) = (MapVector.Place(before), MapVector.Place(after));
        (double Cosine, double Sine) Fit(double mirror)
        {
            double along = 0, across = 0;
            foreach (var (a, b) in first.Zip(second))
            {
                along += a.X * b.X + mirror * a.Y * b.Y;
                across += a.X * b.Y - mirror * a.Y * b.X;
            }
            return (along, across);
        }
        var (turned, mirrored) = (Fit(1), Fit(-1));
        var best = Math.Max(double.Hypot(turned.Cosine, turned.Sine), double.Hypot(mirrored.Cosine, mirrored.Sine));
        if (best == 0) return new MapComparison(first, second);
        var sign = double.Hypot(turned.Cosine, turned.Sine) == best ? 1 : -1;
        var (cosine, sine) = sign == 1 ? turned : mirrored;
        (cosine, sine) = (cosine / best, sine / best);
        return new MapComparison(
            [.. first.Select(at => at with { X = (float)(cosine * at.X - sign * sine * at.Y), Y = (float)(sine * at.X + sign * cosine * at.Y) })], second);
    }
}
