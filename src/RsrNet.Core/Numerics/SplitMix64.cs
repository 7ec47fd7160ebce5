namespace RsrNet.Core.Numerics;

/// <summary>
/// A random number generator whose numbers are the same on every machine and in every version of .NET. Steele, Lea, Flood: Fast
/// splittable pseudorandom number generators (2014); constants and shifts as in Vigna's splitmix64.c.
/// </summary>
public struct SplitMix64(ulong seed)
{
    private ulong state = seed;

    public ulong Next()
    {
        state += 0x9E3779B97F4A7C15;
        var mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>Uniform in [0, 1), in steps of 2^-53.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [-bound, bound).</summary>
    public float NextUniform(double bound) => (float)((2 * NextDouble() - 1) * bound);
}
