namespace RsrNet.Core.Coordination;

/// <summary>How several replicas learn together. One replica alone does the same in every mode.</summary>
public enum CoordinationMode
{
    /// <summary>The replicas share each batch, and an update waits for all of them: what one process makes of the joined batch, up to batch statistics.</summary>
    Synchronous,

    /// <summary>Each replica has batches of its own, and a gradient is applied when it comes, unless its weights are too old. Nobody waits for a slow one.</summary>
    Asynchronous,

    /// <summary>Each replica steps weights of its own for some batches; then weights and moments are averaged. For thin links between machines.</summary>
    LocalSteps,
}

/// <summary>How exactly the numbers of a contribution travel.</summary>
public enum GradientPrecision
{
    /// <summary>32 bits, as computed.</summary>
    Single,

    /// <summary>The upper 16 of them, rounded to nearest even: half the bytes, each number within 1/256 of itself.</summary>
    BFloat16,
}
