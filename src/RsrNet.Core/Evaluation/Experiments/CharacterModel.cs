using System.Globalization;
using System.Text.Json;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;
using RsrNet.Core.Numerics.Gradients;
using RsrNet.Core.Replicas.Recurrent;

namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>
/// The character-model notebook: the first 100 characters of each abstract between BOS and EOS, embedding and hidden 128, Adam at 0.001, batches of 64; as many
/// batches as two epochs over 5,000 abstracts have.
/// </summary>
public static class CharacterModel
{
    private const int Batch = 64, Lines = 5_000, Epochs = 2, Characters = 100, Width = 128;

    /// <param name="abstracts">One text each; the last tenth is held out.</param>
    /// <param name="batches">Per epoch; null for as many as 5,000 lines have.</param>
    /// <param name="open">What the model computes on; null for our own tape.</param>
    public static ExperimentReport Run(
        IReadOnlyList<string> abstracts, Action<string> progress, int seed = 1, int? batches = null, OpenTextEngine? open = null,
        CancellationToken cancellation = default)
    {
        var texts = abstracts.Select(text => text.Length > Characters ? text[..Characters] : text).ToList();
        var held = texts[^(texts.Count / 10)..];
        var taught = texts[..^held.Count];
        var options = new ModelOptions
        {
            Kind = ModelKind.LanguageModel, Vocabulary = VocabularyKind.Characters, Cell = RecurrentCell.Rnn, Embedding = Width, Hidden = Width,
            Window = Characters + 1, MaxTokens = Characters + 1, BatchSize = Batch, LearningRate = 1e-3, ClipNorm = double.MaxValue, Seed = seed,
        };
        var vocabulary = new CharacterVocabulary();
        foreach (var text in taught) vocabulary.Learn(text);
        using var model = new LanguageModel(options, vocabulary, open: open);
        var difference = CompareByHand(model, taught[..Math.Min(8, taught.Count)]);

        var random = new Random(seed);
        var order = new Queue<string>();
        var each = batches ?? (Lines + Batch - 1) / Batch;
        var curve = new List<double>();
        var lastEpoch = default(TapeLoss);
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            lastEpoch = default;
            for (var step = 0; step < each; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                while (order.Count < Math.Min(Batch, taught.Count))
                {
                    var shuffled = taught.ToArray();
                    random.Shuffle(shuffled);
                    foreach (var text in shuffled) order.Enqueue(text);
                }
                var loss = model.Learn([.. Enumerable.Range(0, Math.Min(Batch, taught.Count)).Select(_ => order.Dequeue())]);
                curve.Add(loss.Value);
                lastEpoch = new TapeLoss(lastEpoch.Value + loss.Value * loss.Count, lastEpoch.Count + loss.Count, 0);
                if ((step + 1) % 20 == 0 || step + 1 == each)
                    progress(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch + 1}/{Epochs}, batch {step + 1}/{each}: loss {loss.Value:0.000}"));
            }
        }
        List<ExperimentFigure> figures =
        [
            new("loss of the last batch, before its update", curve[^1], AtMost: 2.40),
            new("loss over the second epoch, each batch before its update", lastEpoch.Value / lastEpoch.Count),
            new("loss on abstracts held out", model.Evaluate(held).Value, AtMost: 2.40),
            new("largest difference of a hand-written RNN layer to the fused one", difference, AtMost: 1e-4),
        ];
        var sample = string.Concat(Generation.Continue(model, "", new GenerationOptions { Temperature = 0.7, MaxTokens = Characters, Seed = seed }));
        return new ExperimentReport("char-lm", figures, [new ExperimentCurve("training loss", curve)], "loss by batch", [$"a sample: {sample}"]);
    }

    /// <summary>Reads the abstracts of a JSON-lines file.</summary>
    /// <exception cref="InvalidDataException">A line has no abstract.</exception>
    public static List<string> ReadAbstracts(string path)
    {
        var abstracts = new List<string>();
        foreach (var line in File.ReadLines(path))
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("abstract", out var text) || text.GetString() is not { Length: > 0 } value)
                throw new InvalidDataException($"{path}, line {abstracts.Count + 1}: it has no 'abstract'; give JSON lines with title and abstract");
            abstracts.Add(value);
        }
        return abstracts;
    }

    /// <summary>The states of h = tanh(x W_ih^T + b + h W_hh^T) out of single operations of the tape against the layer of the model's engine, which does all steps at once.</summary>
    private static double CompareByHand(LanguageModel model, IReadOnlyList<string> texts)
    {
        using var product = MatrixProduct.Create();
        using var tape = new Tape(product);
        var batch = new SequenceBatch();
        batch.Set([.. texts.Select(text =>
        {
            var tokens = new List<int> { SpecialToken.Begin };
            model.Vocabulary.Encode(text, tokens);
            return (IReadOnlyList<int>)tokens;
        })]);
        var parameters = model.Network.Parameters;
        var fused = model.Engine.Summarize(batch.Tokens, batch.Steps);
        double largest = 0;
        TapeMatrix? h = null;
        for (var t = 0; t < batch.Steps.Steps; t++)
        {
            var rows = batch.Steps.Active(t);
            var embedded = tape.Embed(parameters["embedding.weight"], batch.Tokens.Slice(batch.Steps.Offset(t), rows));
            var sum = tape.Linear(embedded, parameters["rnn.weight_ih_l0"], parameters["rnn.bias_ih_l0"], parameters["rnn.bias_hh_l0"]);
            if (h is not null) sum = tape.Add(sum, tape.Linear(tape.Input(h.Values[..(rows * Width)], rows, Width), parameters["rnn.weight_hh_l0"]));
            h = tape.Activate(sum, Activation.Tanh);
            for (var i = 0; i < rows * Width; i++) largest = Math.Max(largest, Math.Abs(h.Values[i] - fused[batch.Steps.Offset(t) * Width + i]));
        }
        return largest;
    }
}
