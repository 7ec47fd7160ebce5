using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Coordination.Models;

/// <summary>What a text model is, wherever it is learned.</summary>
/// <param name="Options">Checked.</param>
/// <param name="Vocabulary">What its <see cref="ModelOptions.VocabularyFile"/> held when it was named: whoever learns it need not have the file. Null where there is none.</param>
public sealed record ModelDescription(ModelOptions Options, VocabularyContent? Vocabulary = null)
{
    /// <summary>Reads the vocabulary's file, and says what is wrong with it.</summary>
    /// <param name="name">The model's, for messages.</param>
    /// <param name="readSentencePiece">Null where this edition reads none.</param>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static ModelDescription Of(string name, ModelOptions options, ReadSentencePiece? readSentencePiece)
    {
        var path = options.VocabularyFile;
        if (path.Length == 0) return new ModelDescription(options);
        if (!File.Exists(path)) throw new FileNotFoundException($"Models.{name}.VocabularyFile is '{path}', and there is no such file");
        try
        {
            return new ModelDescription(options, ModelVocabulary.ReadFile(options, readSentencePiece));
        }
        catch (InvalidDataException problem)
        {
            throw new IOException($"Models.{name}.VocabularyFile is '{path}': {problem.Message}", problem);
        }
    }
}

/// <summary>
/// How a model comes to its name. The first to name one says what it is; whoever names it later may pace it otherwise, and must not want another network under the
/// same name.
/// </summary>
public static class ModelNaming
{
    /// <returns>What is different from now on, for a line to the user; null where nothing is.</returns>
    /// <exception cref="ModelConflictException">There is a model of this name whose network is another; the message names every difference.</exception>
    public static async Task<NamedModel> Name(this IModelStore models, string name, ModelDescription description, CancellationToken cancellation = default)
    {
        if (await models.Add(name, description, cancellation)) return new NamedModel(description, IsNew: true, null);
        var known = (await models.List(static _ => { }, cancellation)).GetValueOrDefault(name)
            ?? throw new IOException($"what is kept of the model '{name}' is damaged; remove it with DELETE /v1/models/{name}");
        var (before, wanted) = (known.Options, description.Options);
        // The vocabulary was read when the model was first named; where the file lay does not matter.
        var paced = before.PacedAs(wanted);
        if (Differences(paced, wanted with { VocabularyFile = before.VocabularyFile }) is { Count: > 0 } conflicts)
        {
            throw new ModelConflictException(
                $"Models.{name} is another model than the one that learns under this name: {string.Join("; ", conflicts.Select(one => $"{one.Option} is {one.Wanted} here and {one.Known} there"))}. "
                + $"Give it another name, or the options of that one, or remove that one (DELETE /v1/models/{name})");
        }
        var changes = Differences(before, paced);
        if (changes.Count == 0) return new NamedModel(known, IsNew: false, null);
        var changed = known with { Options = paced };
        await models.Change(name, changed, cancellation);
        return new NamedModel(changed, IsNew: false, $"model {name}: {string.Join(", ", changes.Select(one => $"{one.Option} is {one.Wanted} from now on (it was {one.Known})"))}");
    }

    private static List<(string Option, string Known, string Wanted)> Differences(ModelOptions known, ModelOptions wanted) =>
    [
        .. typeof(ModelOptions).GetProperties().Where(property => property.CanWrite && !Equals(property.GetValue(known), property.GetValue(wanted)))
            .Select(property => (property.Name, Text(property.GetValue(known)), Text(property.GetValue(wanted)))),
    ];

    private static string Text(object? value) => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "";
}

/// <param name="Description">What it is now.</param>
/// <param name="Changed">What is paced otherwise than before; null where nothing is.</param>
public sealed record NamedModel(ModelDescription Description, bool IsNew, string? Changed);

/// <summary>Two configurations want different networks under one name.</summary>
public sealed class ModelConflictException(string message) : Exception(message);
