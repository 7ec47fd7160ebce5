namespace RsrNet.Core.Documents;

/// <summary>Where a document stands. Pending -> Refining -> Converged or Exhausted; newer weights may take a finished one back to Refining.</summary>
public enum DocumentStatus
{
    /// <summary>Stored; no supervision step has run for this revision yet.</summary>
    Pending,
    /// <summary>At least one supervision step has run; more will.</summary>
    Refining,
    /// <summary>The residuals fell below the tolerance.</summary>
    Converged,
    /// <summary>The step limit was reached first.</summary>
    Exhausted,
    /// <summary>The text could not be embedded, or refinement gave something that is no number; the reason is in <see cref="Document.Failure"/>.</summary>
    Failed,
}
