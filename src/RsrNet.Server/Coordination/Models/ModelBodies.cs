using RsrNet.Core.Coordination.Models;

namespace RsrNet.Server.Coordination.Models;

/// <param name="Engine">What computes: cpu, torch-cpu or cuda.</param>
/// <param name="Accuracy">Prequential, over about the last 500 articles; left out before the first.</param>
/// <param name="Loss">Likewise.</param>
/// <param name="Perplexity">Of a language model, likewise.</param>
/// <param name="Articles">Learned from.</param>
public sealed record ModelItem(
    string Name, string Kind, string Cell, string Vocabulary, string Engine, long Version, long DurableVersion, long Articles, double? Accuracy, double? Loss, double? Perplexity,
    string? Problem)
{
    public static ModelItem Of(ModelStatus status) => new(
        status.Name, ModelText.Camel(status.Options.Kind), ModelText.Camel(status.Options.Cell), ModelText.Camel(status.Options.Vocabulary), status.Engine, status.Version,
        status.DurableVersion, status.Scores.Articles, status.Scores.Accuracy, status.Scores.Loss, status.Perplexity, status.Problem);
}

public sealed record ModelList(IReadOnlyList<ModelItem> Items);

/// <param name="Precision">Left out where the class was never predicted.</param>
/// <param name="Articles">With this label.</param>
public sealed record ModelClass(string Label, long Articles, double? Precision, double? Recall);

/// <param name="Articles">Judged, each before it was learned from.</param>
/// <param name="Accuracy">Over all of them; of a language model over all tokens.</param>
/// <param name="RecentAccuracy">Over about the last 500.</param>
/// <param name="Perplexity">Of a language model, over about the last 500 articles: exp of the loss per token.</param>
/// <param name="Classes">Of a classifier.</param>
/// <param name="History">From the first article to now.</param>
public sealed record ModelPrequential(
    long Articles, double? Accuracy, double? RecentAccuracy, double? RecentLoss, double? Perplexity, IReadOnlyList<ModelClass>? Classes,
    IReadOnlyList<ScorePoint> History);

/// <param name="Engine">What computes: cpu, torch-cpu or cuda.</param>
/// <param name="DurableVersion">That of the newest checkpoint.</param>
/// <param name="Position">How far in the stream: sequence of the last article that was learned from or passed over.</param>
/// <param name="Parameters">Numbers that learn.</param>
/// <param name="RefusedGradients">Gradients that were not finite and left the weights as they were, since the start.</param>
/// <param name="VocabularySize">Tokens with a number.</param>
public sealed record ModelBody(
    string Name, string Kind, string Cell, string Vocabulary, string Engine, long Version, long DurableVersion, long Position, long Parameters, int VocabularySize,
    ModelOptions Options, ModelPrequential Prequential, long RefusedGradients, string? Problem)
{
    public static ModelBody Of(ModelStatus status)
    {
        var (options, scores) = (status.Options, status.Scores);
        var classes = options.Kind == ModelKind.Classifier
            ? scores.Classes.OrderByDescending(pair => pair.Value.Articles).Select(pair => new ModelClass(pair.Key, pair.Value.Articles, pair.Value.Precision, pair.Value.Recall)).ToList()
            : null;
        return new ModelBody(
            status.Name, ModelText.Camel(options.Kind), ModelText.Camel(options.Cell), ModelText.Camel(options.Vocabulary), status.Engine, status.Version, status.DurableVersion,
            status.Position, status.Parameters, status.Vocabulary, options,
            new ModelPrequential(
                scores.Articles, scores.Count == 0 ? null : (double)scores.Hits / scores.Count, scores.Accuracy, scores.Loss,
                status.Perplexity, classes, scores.History),
            status.RefusedGradients, status.Problem);
    }
}

/// <param name="Text">1 character to the limit of an article's text.</param>
public sealed record ClassifyBody(string Text);

/// <param name="Label">The likeliest; left out before anything was learned.</param>
public sealed record ClassifyAnswer(string Model, long Version, string? Label, IReadOnlyList<ClassScore> Scores);

/// <param name="Prompt">What the text goes on from; or</param>
/// <param name="Document">id of a document to go on from.</param>
/// <param name="MaxTokens">1 to 10,000; default 200.</param>
/// <param name="Temperature">0 to 10, 0 takes the likeliest; default 0.8.</param>
/// <param name="TopK">Only so many of the likeliest; 0, the default, for all.</param>
/// <param name="TopP">Only the likeliest that together have this probability; default 1.</param>
/// <param name="StopAtEnd">Whether EOS ends the text; default true.</param>
/// <param name="Stream">Server-sent events, one for each piece; so does Accept: text/event-stream.</param>
public sealed record GenerateBody(
    string? Prompt = null, string? Document = null, int? MaxTokens = null, double? Temperature = null, int? TopK = null, double? TopP = null,
    int? Seed = null, bool? StopAtEnd = null, bool? Stream = null);

public sealed record GenerateAnswer(string Model, string Text);

/// <summary>An event of a text that is being made.</summary>
public sealed record GeneratePiece(string Text);

/// <param name="Texts">At most 1,000.</param>
/// <param name="Untrained">By a network that has learned nothing, to compare.</param>
public sealed record ModelEmbedBody(IReadOnlyList<string> Texts, bool? Untrained = null);

/// <param name="Items">A vector for each text; empty before anything was learned.</param>
public sealed record ModelEmbedAnswer(string Model, IReadOnlyList<float[]> Items);

internal static class ModelText
{
    public static string Camel<T>(T value)
        where T : struct, Enum
    {
        var name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}
