namespace RsrNet.Core.Embedding;

/// <summary>How an encoder holds the weights of its linear maps.</summary>
public enum WeightPrecision
{
    /// <summary>As they are in the model's file, 4 bytes each.</summary>
    Single,

    /// <summary>
    /// Whole numbers of 8 bits, 1 byte each: a quarter of the memory and about twice the speed on processors with AVX-VNNI; vectors differ
    /// from those of <see cref="Single"/> by some thousandths.
    /// </summary>
    Int8,

    /// <summary>
    /// The upper half of a single's bits, 2 bytes each: half the memory, and much more speed on GPUs that have units for it; vectors differ from
    /// those of <see cref="Single"/> by some hundredths. Engines on libtorch only.
    /// </summary>
    BFloat16,
}
