namespace RsrNet.Core.Replicas;

/// <summary>
/// The arrays that a reading and its start are written into: most of what they take, and used again for another article once nobody reads the old one any more.
/// </summary>
/// <param name="dimensions">d</param>
internal sealed class ReadingMemory(int dimensions)
{
    private float[] products = [];
    private double[] features = [];
    private double[] weightings = [];

    /// <summary>[d] each, as they were left.</summary>
    public float[] Given { get; } = new float[dimensions];

    public float[] X { get; } = new float[dimensions];

    public float[] Lead { get; } = new float[dimensions];

    public float[] Anchor { get; } = new float[dimensions];

    public float[] U { get; } = new float[dimensions];

    public float[] Y { get; } = new float[dimensions];

    /// <summary>[n, n] and more, as they were left.</summary>
    /// <param name="count">n</param>
    public float[] Products(int count) => products.Length < count * count ? products = new float[count * count] : products;

    /// <summary>[n, 10] and more, likewise.</summary>
    public double[] Features(int count) => Room(ref features, count * SentenceFeatures.Count);

    /// <inheritdoc cref="Features"/>
    public double[] Weightings(int count) => Room(ref weightings, count * PoolFeatures.Weightings);

    private static double[] Room(ref double[] array, int length) => array.Length < length ? array = new double[length] : array;
}
