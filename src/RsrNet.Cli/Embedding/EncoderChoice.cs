using System.CommandLine;
using RsrNet.Cli.Models;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;

namespace RsrNet.Cli.Embedding;

/// <summary>The encoders, by name: hashed, a model of the library, or a model folder.</summary>
/// <param name="options">How texts are embedded.</param>
/// <param name="engines">What they are embedded on.</param>
/// <param name="openTokenizer">Opens the tokenizer of a model folder.</param>
internal sealed class EncoderChoice(EmbeddingOptions options, ModelLibrary library, EngineCatalog engines, Func<string, BartTokenizer> openTokenizer)
{
    public const string Hashed = "hashed";

    public static Option<string> Option() => new("--encoder")
    {
        Description = $"Which encoder: {Hashed}, the one that needs no download; bart-base or another of `rsrnet models list`; or a model folder.",
        HelpName = "NAME or FOLDER",
        DefaultValueFactory = _ => Hashed,
    };

    public static EncoderChoice Of(Terminal terminal, EmbeddingOptions? options = null) =>
        new(options ?? new EmbeddingOptions(), ModelsCommand.LibraryOf(terminal), terminal.Edition.Engines, terminal.Edition.OpenTokenizer);

    /// <summary>A name as it can be kept for later: folders become absolute.</summary>
    public static string Durable(string name) => IsFolder(name) ? Path.GetFullPath(name) : name;

    /// <summary>
    /// Asks early for what only a slip of the pen explains: a model may come later, a folder that was named should be there.
    /// </summary>
    /// <exception cref="CommandException">The name is that of a folder that is not there.</exception>
    public static void RequireFolder(string name)
    {
        if (IsFolder(name) && !Directory.Exists(name)) throw new CommandException($"--encoder {name}: there is no such folder");
    }

    /// <exception cref="CommandException">There is no such encoder, or its files are damaged; the message says how to get it.</exception>
    public ITextEncoder Open(string name)
    {
        RequireFolder(name);
        if (TryOpen(name) is { } encoder) return encoder;
        var model = ModelName.Resolve(name);
        RequireFullName(model);
        throw new CommandException(
            $"--encoder {name}: {model} is not among the models here; `rsrnet models pull {model}` downloads it, and {Hashed} needs no download");
    }

    /// <summary>The encoder, or the hashed one where it is a model that is not here.</summary>
    /// <param name="notice">Told of that.</param>
    /// <exception cref="CommandException">A folder is not there, or a model's files are damaged.</exception>
    public ITextEncoder OpenOrHashed(string name, Action<string> notice)
    {
        if (IsFolder(name)) return Open(name);
        if (TryOpen(name) is { } encoder) return encoder;
        RequireFullName(ModelName.Resolve(name));
        notice(
            $"the encoder {name} is not here, so texts are embedded by the {Hashed} one; "
            + $"`rsrnet models pull {ModelName.Resolve(name)}` downloads it");
        return new HashedEncoder();
    }

    /// <exception cref="UsageException">No hub could have it: it has no owner.</exception>
    private void RequireFullName(string model)
    {
        if (ModelName.Check(model).Contains('/', StringComparison.Ordinal)) return;
        string[] known = [Hashed, "bart-base", .. library.List().Select(installed => installed.Name)];
        throw new UsageException($"--encoder: there is no '{model}' here; there are {string.Join(", ", known)}, or a model folder such as ./{model}");
    }

    private ITextEncoder? TryOpen(string name)
    {
        if (name == Hashed || name == new HashedEncoder().Id) return new HashedEncoder();
        var folder = IsFolder(name) ? Path.GetFullPath(name) : library.Find(ModelName.Resolve(name));
        if (folder is null || !Directory.Exists(folder)) return null;
        try
        {
            var bart = engines.FindForBart(options.Engine).OpenBart!(folder, options, openTokenizer);
            // A padded mean depends on the batch: nothing to remember.
            return options.CacheTexts > 0 && !options.PaddedMean ? new CachedEncoder(bart, options.CacheTexts) : bart;
        }
        catch (Exception problem) when (problem is InvalidDataException or FileNotFoundException)
        {
            throw new CommandException($"--encoder {name}: {problem.Message}", problem);
        }
        catch (EngineUnavailableException problem)
        {
            throw new CommandException($"Embedding.Engine: {problem.Message}", problem);
        }
    }

    /// <summary>A name has one slash at most, and no folder's marks.</summary>
    private static bool IsFolder(string name) =>
        Path.IsPathRooted(name) || name.StartsWith('.') || name.Contains('\\', StringComparison.Ordinal) || name.Count(letter => letter == '/') > 1
        || name.EndsWith('/') || (name != Hashed && Directory.Exists(name) && File.Exists(Path.Combine(name, "config.json")));
}
