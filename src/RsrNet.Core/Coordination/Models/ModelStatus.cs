namespace RsrNet.Core.Coordination.Models;

/// <summary>A text model as readers see it.</summary>
/// <param name="Engine">What computes: the name of an engine, not of a choice such as auto.</param>
/// <param name="Version">Updates so far.</param>
/// <param name="DurableVersion">That of the newest checkpoint.</param>
/// <param name="Position">Sequence of the last article that was learned from or passed over.</param>
/// <param name="Parameters">Numbers that learn.</param>
/// <param name="Vocabulary">Tokens with a number.</param>
/// <param name="Classes">Of a classifier, in order of their first sight.</param>
/// <param name="RefusedGradients">Gradients that were not finite and left the weights as they were, since the start.</param>
/// <param name="Problem">Why it does not learn now; null where all is well.</param>
public sealed record ModelStatus(
    string Name, ModelOptions Options, string Engine, long Version, long DurableVersion, long Position, long Parameters, int Vocabulary, IReadOnlyList<string> Classes,
    ModelScoreSnapshot Scores, long RefusedGradients, string? Problem)
{
    /// <summary>Of a language model: exp of the loss per token, over about the last 500 articles; null before the first.</summary>
    public double? Perplexity => Options.Kind == ModelKind.LanguageModel && Scores.Loss is { } loss ? Math.Exp(loss) : null;
}

/// <param name="Version">The weights that said so.</param>
/// <param name="Scores">Likeliest first; empty before anything was learned.</param>
public sealed record Classification(long Version, IReadOnlyList<ClassScore> Scores);

/// <summary>A request that this model cannot answer; the message says which can.</summary>
public sealed class ModelKindException(string message) : Exception(message);
