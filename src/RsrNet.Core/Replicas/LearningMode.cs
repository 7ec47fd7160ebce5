namespace RsrNet.Core.Replicas;

/// <summary>What kind of network refines y, and how it learns.</summary>
public enum LearningMode
{
    /// <summary>The notebook's network on [x, y, z], exactly: the reference.</summary>
    Notebook,

    /// <summary>A start that a regression over the article's sentences gives, corrected by a small network that asks the sentences anew at each call.</summary>
    Residual,
}
