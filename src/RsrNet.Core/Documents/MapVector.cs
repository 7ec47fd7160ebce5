using RsrNet.Core.Numerics;

namespace RsrNet.Core.Documents;

/// <param name="Y">[d].</param>
public readonly record struct MapVector(string Id, float[] Y)
{
    /// <summary>Passes over a fixed set of vectors; by the last the axes have come to rest.</summary>
    private const int Passes = 5;

    /// <summary>All of them on the two principal axes of these alone; vectors of two numbers are places already.</summary>
    public static IReadOnlyList<MapPosition> Place(IReadOnlyList<MapVector> vectors)
    {
        if (vectors.Count == 0) return [];
        if (vectors[0].Y.Length <= 2) return [.. vectors.Select(vector => new MapPosition(vector.Id, vector.Y[0], vector.Y.ElementAtOrDefault(1)))];
        var axes = new PrincipalAxes(vectors[0].Y.Length, 2);
        for (var pass = 0; pass < Passes; pass++)
        {
            foreach (var vector in vectors) axes.Add(vector.Y);
        }
        var coordinates = new float[2];
        var positions = new List<MapPosition>(vectors.Count);
        foreach (var vector in vectors)
        {
            axes.Project(vector.Y, coordinates);
            positions.Add(new MapPosition(vector.Id, coordinates[0], coordinates[1]));
        }
        return positions;
    }
}
