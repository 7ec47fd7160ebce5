using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Tests.Documents;

public sealed class DocumentMapTests
{
    private readonly DocumentMap map = new(4, capacity: 3);

    [Fact]
    public void Capacity_DropsWhatHasNotChangedForLongest()
    {
        Put("a", 1);
        Put("b", 2);
        Put("c", 3);
        Put("a", 4);
        Put("d", 5);
        Assert.Equal(["a", "c", "d"], map.Read(0).Positions.Select(position => position.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Rank_KnowsThoseWithoutAPlaceToo()
    {
        for (var i = 0; i < 9; i++) Put($"d{i}", i);
        Assert.Equal(["d0", "d1"], Ids(new DocumentOrder(DocumentSort.Residual, Descending: false, Take: 2)));
        Assert.Equal((9, 9), (map.Rank(new DocumentOrder()).Found, map.Rank(new DocumentOrder()).Known));
        Assert.Equal(3, map.Read(0).Positions.Count);
        Put("d0", 10);
        Assert.Equal(["d0", "d7", "d8"], map.Read(0).Positions.Select(position => position.Id).Order(StringComparer.Ordinal));
        map.Remove("d1");
        map.Remove("d8");
        Assert.Equal(7, map.Rank(new DocumentOrder()).Known);
        Assert.Equal(["d0", "d7"], map.Read(0).Positions.Select(position => position.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void View_DescribesOnlyWhatChanged_AndPlacesAll()
    {
        Put("a", 1);
        Put("b", 2);
        var first = map.Read(0);
        Put("b", 3);
        var second = map.Read(first.Revision);
        Assert.Equal(["b"], second.Points.Select(point => point.Item.Id));
        Assert.Equal(2, second.Positions.Count);
        Assert.Equal((second.Revision, 0), (map.Read(second.Revision).Revision, map.Read(second.Revision).Positions.Count));
        map.Remove("a");
        Assert.True(map.Read(second.Revision).Revision > second.Revision);
        Assert.Single(map.Read(second.Revision).Positions);
    }

    [Fact]
    public void Rank_SortsBothWays_WithTheUnknownLast()
    {
        map.Put(Item("a", 0.5f), null, null);
        map.Put(Item("b", null), null, null);
        map.Put(Item("c", 0.1f), null, null);
        Assert.Equal(["a", "c", "b"], Ids(new DocumentOrder(DocumentSort.Residual)));
        Assert.Equal(["c", "a", "b"], Ids(new DocumentOrder(DocumentSort.Residual, Descending: false)));
        Assert.Equal(["c"], Ids(new DocumentOrder(DocumentSort.Residual, Title: "TITLE C")));
        Assert.Equal((1, 3, 3), (map.Rank(new DocumentOrder(Skip: 2, Take: 5)).Items.Count, map.Rank(new DocumentOrder()).Found, map.Rank(new DocumentOrder()).Known));
    }

    [Fact]
    public void DocumentThatRanAway_IsListedButHasNoPlace()
    {
        Put("a", 1);
        Put("b", float.MaxValue);
        Assert.Equal(["a"], map.Read(0).Positions.Select(position => position.Id));
        Assert.Equal(2, map.Rank(new DocumentOrder()).Found);
    }

    private string[] Ids(DocumentOrder order) => [.. map.Rank(order).Items.Select(item => item.Id)];

    private void Put(string id, float value) => map.Put(Item(id, value), "topic", [value, -value, 1, 0]);

    private static DocumentListItem Item(string id, float? residual) =>
        new(id, 1, $"Title {id}", DocumentStatus.Refining, DateTimeOffset.UnixEpoch, false, 1, 1, residual, residual, 0.5f, null, null);

    [Fact]
    public void Comparison_TurnsAndMirrorsTheFirstPictureOntoTheSecond()
    {
        var random = new SplitMix64(3);
        List<MapVector> before = [], after = [];
        for (var i = 0; i < 200; i++)
        {
            var (wide, narrow) = (3 * random.NextUniform(1), random.NextUniform(1));
            after.Add(new MapVector($"d{i}", [wide, narrow, 0, 0]));
            // The same picture, turned by a quarter and mirrored, in other dimensions.
            before.Add(new MapVector($"d{i}", [0, narrow, 0, -wide]));
        }
        var comparison = MapComparison.Of(before, after);
        Assert.Equal(comparison.After.Select(position => position.Id), comparison.Before.Select(position => position.Id));
        foreach (var (a, b) in comparison.Before.Zip(comparison.After)) Assert.InRange(double.Hypot(a.X - b.X, a.Y - b.Y), 0, 0.2);
        Assert.True(comparison.After.Max(position => Math.Abs(position.X)) > 2, "the wide axis is the first");
    }

    [Fact]
    public void Comparison_OfNothing_IsEmpty() => Assert.Empty(MapComparison.Of([], []).Before);
}
