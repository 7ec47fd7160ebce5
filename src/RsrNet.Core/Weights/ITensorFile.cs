namespace RsrNet.Core.Weights;

/// <summary>Named tensors in a file, read one at a time. Used by one thread at a time.</summary>
public interface ITensorFile : IDisposable
{
    /// <summary>Sizes of a tensor's dimensions; null where there is none of that name.</summary>
    IReadOnlyList<long>? FindShape(string name);

    /// <summary>Reads a tensor of floating-point numbers, whatever their width in the file.</summary>
    /// <param name="values">As long as the tensor; overwritten.</param>
    /// <exception cref="InvalidDataException">
    /// There is none of that name, its type or length is another, or the file is cut off.
    /// </exception>
    void ReadFloats(string name, Span<float> values);
}
