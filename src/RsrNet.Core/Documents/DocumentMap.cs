using System.Globalization;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <summary>
/// The documents that changed last, in memory: where each lies on a plane (the two principal axes of all y), and what a list is sorted by. Safe to
/// call from many threads.
/// </summary>
/// <param name="dimensions">d.</param>
/// <param name="capacity">Documents kept; the one that has not changed for longest goes first. 10,000 of 768 elements take about 20 MB.</param>
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
        public LinkedListNode<string>? Node;
    }

    private readonly Lock gate = new();
    private readonly Dictionary<string, Place> places = new(StringComparer.Ordinal);
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
            if (!places.TryGetValue(item.Id, out var place))
            {
                if (places.Count >= capacity) Drop(byChange.First!.Value);
                place = new Place(item) { Node = byChange.AddLast(item.Id) };
                places.Add(item.Id, place);
            }
            else
            {
                byChange.Remove(place.Node!);
                byChange.AddLast(place.Node!);
            }
            place.Item = item;
            place.Label = label ?? place.Label;
            place.Revision = ++revision;
            if (y is null || y.Length != dimensions) return;
            // A document that ran away would make a dot of all the others, and half precision cannot hold it.
            if (!(VectorMath.Norm(y) < OffTheMap))
            {
                place.Y = null;
                return;
            }
            axes.Add(y);
            place.Y ??= new Half[dimensions];
            for (var i = 0; i < y.Length; i++) place.Y[i] = (Half)y[i];
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

    /// <summary>Documents that nothing can be coloured by yet.</summary>
    public IReadOnlyList<string> Unlabelled()
    {
        lock (gate) return [.. places.Where(place => place.Value.Label is null).Select(place => place.Key)];
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
    /// <param name="since"><see cref="DocumentMapView.Revision"/> of the last view; 0 for everything.</param>
    public DocumentMapView Read(long since)
    {
        lock (gate)
        {
            var points = new List<MapPoint>();
            var positions = new List<MapPosition>(places.Count);
            Span<float> coordinates = stackalloc float[2];
            var vector = new float[dimensions];
            foreach (var (id, place) in places)
            {
                if (place.Y is null) continue;
                for (var i = 0; i < vector.Length; i++) vector[i] = (float)place.Y[i];
                axes.Project(vector, coordinates);
                positions.Add(new MapPosition(id, coordinates[0], coordinates[1]));
                if (place.Revision > since) points.Add(new MapPoint(place.Item, place.Label));
            }
            return new DocumentMapView(revision, points, positions);
        }
    }

    /// <summary>Documents by what people look for, of those that are here.</summary>
    public DocumentRanking Rank(DocumentOrder order)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(order.Skip);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(order.Take);
        lock (gate)
        {
            var items = places.Values.Select(place => place.Item);
            if (order.Status is { } status) items = items.Where(item => item.Status == status);
            if (order.Title is { Length: > 0 } title)
            {
                items = items.Where(item => item.Title?.Contains(title, StringComparison.OrdinalIgnoreCase) == true
                    || item.Id.Contains(title, StringComparison.OrdinalIgnoreCase));
            }
            var found = items.ToList();
            var sign = order.Descending ? -1 : 1;
            // What is not known yet comes last, whichever way the list runs.
            found.Sort((a, b) => order.By switch
            {
                DocumentSort.Title => sign * string.Compare(a.Title ?? a.Id, b.Title ?? b.Id, StringComparison.OrdinalIgnoreCase),
                DocumentSort.Step => sign * a.Step.CompareTo(b.Step),
                DocumentSort.Residual => Compare(a.ResidualY, b.ResidualY, sign),
                DocumentSort.Confidence => Compare(a.Confidence, b.Confidence, sign),
                DocumentSort.Similarity => Compare(a.Similarity, b.Similarity, sign),
                _ => sign * a.IngestedAt.CompareTo(b.IngestedAt),
            } is var compared and not 0 ? compared : string.CompareOrdinal(a.Id, b.Id));
            return new DocumentRanking([.. found.Skip(order.Skip).Take(order.Take)], found.Count, places.Count);
        }
    }

    private static int Compare(float? a, float? b, int sign) =>
        a is { } x && b is { } y ? sign * x.CompareTo(y) : (a is null).CompareTo(b is null);

    private static string? LabelOf(IReadOnlyDictionary<string, string> labels) =>
        labels.TryGetValue("topic", out var topic) ? topic
        : labels.Count > 0 ? string.Create(CultureInfo.InvariantCulture, $"{labels.First().Key}: {labels.First().Value}")
        : null;

    private void Drop(string id)
    {
        if (!places.Remove(id, out var place)) return;
        byChange.Remove(place.Node!);
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
/// <param name="Positions">All that have a y.</param>
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
/// <param name="Known">How many there are to choose from: the documents that changed last.</param>
public sealed record DocumentRanking(IReadOnlyList<DocumentListItem> Items, int Found, int Known);

/// <summary>The same documents with untrained and with current weights, each on the principal axes of its own.</summary>
/// <param name="Before">By the network's initial weights.</param>
/// <param name="After">By the current weights, from the same start.</param>
public sealed record MapComparison(IReadOnlyList<MapPosition> Before, IReadOnlyList<MapPosition> After)
{
    public static readonly MapComparison Empty = new([], []);
}
