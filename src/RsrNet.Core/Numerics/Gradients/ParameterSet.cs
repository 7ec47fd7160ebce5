namespace RsrNet.Core.Numerics.Gradients;

/// <summary>All tensors of a network that learn, in two flat buffers: values and the gradient of the loss.</summary>
public sealed unsafe class ParameterSet
{
    private readonly Dictionary<string, Parameter> _byName = new(StringComparer.Ordinal);
    private readonly List<Parameter> _parameters = [];
    private readonly ParameterSet? _source;
    private long _version;

    /// <param name="shapes">In the order of PyTorch's <c>parameters()</c>.</param>
    /// <param name="source">A replica's: another set of the same shapes, whose values this one shares. The gradient is its own.</param>
    /// <exception cref="ArgumentException">A name is there twice, or the shapes are not the source's.</exception>
    public ParameterSet(IEnumerable<ParameterShape> shapes, ParameterSet? source = null)
    {
        _source = source;
        var offset = 0;
        foreach (var shape in shapes)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(shape.Rows, 1, shape.Name);
            var parameter = new Parameter(this, shape, offset);
            _byName.Add(shape.Name, parameter);
            _parameters.Add(parameter);
            offset = checked(offset + parameter.Length);
        }
        if (source is not null && source.Values.Length != offset) throw new ArgumentException("the shapes are not the source's", nameof(shapes));
        // Pinned for good: operations keep pointers to them.
        Values = source?.Values ?? GC.AllocateArray<float>(offset, pinned: true);
        Gradient = GC.AllocateArray<float>(offset, pinned: true);
        fixed (float* values = Values) Pointer = values;
        fixed (float* gradient = Gradient) Slope = gradient;
    }

    public IReadOnlyList<Parameter> Parameters => _parameters;

    public float[] Values { get; }

    public float[] Gradient { get; }

    /// <summary>Counts the changes of the values; packed copies follow it.</summary>
    public long Version => _source?.Version ?? _version;

    internal float* Pointer { get; }

    internal float* Slope { get; }

    /// <exception cref="ArgumentException">There is no such tensor.</exception>
    public Parameter this[string name] => Find(name) ?? throw new ArgumentException($"the network has no tensor '{name}'", nameof(name));

    public Parameter? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>To be called after the values were written to; of a replica's on its source.</summary>
    public void OnChanged() => _version++;

    /// <summary>Of tables only the rows that are not zero.</summary>
    public void ClearGradient()
    {
        foreach (var parameter in _parameters) parameter.ClearGradient();
    }
}
