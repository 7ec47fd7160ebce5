using System.CommandLine;
using RsrNet.Cli.Articles;
using RsrNet.Cli.Embedding;
using RsrNet.Cli.Replicas;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Weights;

namespace RsrNet.Cli.Coordination;

/// <summary><c>rsrnet train PATH...</c>: learns from files in this process, the way the notebook does, without a server.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal)
    {
        var defaults = new RsrNetOptions();
        var paths = new Argument<string[]>("PATH")
        {
            Description = ".story, .csv or .jsonl files with highlights, folders of them, or - for NDJSON at standard input.",
            Arity = ArgumentArity.OneOrMore,
        };
        var epochs = NumberOption.Of("--epochs", "How often to go through the articles.", 3, least: 1);
        var batch = NumberOption.Of("--batch", "Articles in a batch.", defaults.Coordination.BatchSize, least: 2);
        var seed = NumberOption.Of(
            "--seed", "Seed of the initial weights and of the order of articles.", defaults.Replicas.Seed, least: int.MinValue);
        var checkpoints = new Option<string?>("--checkpoint-dir")
        {
            Description = "Keeps checkpoints in this folder, and goes on from the newest one there.",
            HelpName = "DIR",
        };
        var save = new Option<string?>("--save")
        {
            Description = "Writes the weights to a safetensors file with PyTorch's state_dict names.",
            HelpName = "FILE",
        };
        var json = new Option<bool>("--json")
        {
            Description = "JSON: a line for each epoch {epoch, loss, similarity, documents, seconds}, then {done: true, weightVersion}.",
        };
        var encoder = EncoderChoice.Option();
        var learning = LearningChoice.Option();
        var engine = EngineChoice.Option(terminal, byDefault: defaults.Replicas.Engine);
        var command = new Command("train", "Learns from articles with highlights, without a server.")
        {
            paths, epochs, batch, seed, encoder, engine, learning, checkpoints, save, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var mode = LearningChoice.Of(parsed.GetValue(learning)) ?? defaults.Learning;
            var network = EngineChoice.Of(terminal, parsed.GetValue(engine), mode: mode);
            var options = defaults with
            {
                Learning = mode,
                Replicas = defaults.Replicas with { Seed = parsed.GetValue(seed), Engine = network.Name },
                Residual = defaults.Residual with { Seed = parsed.GetValue(seed) },
                Coordination = defaults.Coordination with { BatchSize = parsed.GetValue(batch) },
            };
            var articles = await LabelledArticles.Read(parsed.GetRequiredValue(paths), options.Articles, terminal, cancellation);
            if (articles.Count < 2) throw new CommandException("training needs at least two articles with highlights");
            await using var store = new MemoryDocumentStore();
            var folder = parsed.GetValue(checkpoints) is { } path ? new CheckpointFolder(path, options.Weights) : null;
            var chosen = EncoderChoice.Of(terminal, options.Embedding).Open(parsed.GetRequiredValue(encoder));
            using var closing = chosen as IDisposable;
            await using var learner = await LocalLearner.Open(
                options, chosen, store, folder, network.Create, warn: terminal.Notice, cancellation: cancellation);
            await learner.Ingest(articles, cancellation);
            var training = new Training(learner, [.. articles.Select(article => article.Id)], options, terminal);
            for (var epoch = 1; epoch <= parsed.GetValue(epochs); epoch++)
            {
                var report = await training.Run(epoch, parsed.GetValue(epochs), cancellation);
                terminal.ResultWriter.WriteLine(parsed.GetValue(json) ? JsonText.Of(report) : report.ToString());
            }
            var weights = await learner.FindWeights(null, cancellation)
                ?? throw new InvalidOperationException("a learner always has current weights");
            if (parsed.GetValue(save) is { } file) Save(weights, file, terminal);
            if (parsed.GetValue(json)) terminal.ResultWriter.WriteLine(JsonText.Of(new { done = true, weightVersion = weights.Version }));
            else terminal.ResultWriter.WriteLine($"done: weight version {weights.Version}");
            return RsrNetCommand.Done;
        });
        return command;
    }

    private static void Save(Checkpoint weights, string file, Terminal terminal)
    {
        var path = Path.GetFullPath(file);
        using (var stream = new FileStream(path + ".partial", FileMode.Create, FileAccess.Write))
        {
            if (weights.Residual is null) StateDict.Write(stream, weights.Weights);
            else CheckpointFile.Write(stream, weights with { Optimizer = null });
        }
        File.Move(path + ".partial", path, overwrite: true);
        terminal.Notice($"wrote {path}");
    }
}
