namespace RsrNet.Core.Replicas;

/// <summary>How a training step carries the summary from call to call. All ways give the same numbers but for rounding.</summary>
internal enum TrainingWay
{
    /// <summary>As y: two products of width d in each call and as many on its way back. For the fewest rows.</summary>
    Plain,

    /// <summary>
    /// As v, which the next call reads with W1y Wout. The weights' gradients need y and its gradient in the calls with gradient; they are made
    /// afterwards, for all of these calls at once.
    /// </summary>
    Mixed,

    /// <summary>As v, and the weights' gradients come out of that of W1y Wout: what costs most is the same for any number of rows.</summary>
    Folded,
}
