using System.Runtime.InteropServices;
using System.Security.Cryptography;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Embedding;

/// <summary>
/// BART's encoder as the notebook uses it: a text's embedding is the mean over the last hidden state of its tokens, <c>&lt;s&gt;</c> and
/// <c>&lt;/s&gt;</c> included, so that an empty text has one too. Runs on all cores; callers from several threads take turns.
/// </summary>
public sealed class BartEncoder : ITextEncoder, IDisposable
{
    private readonly BartTokenizer tokenizer;
    private readonly IBartNetwork network;
    private readonly EmbeddingOptions options;
    private readonly int limit;
    private readonly Lock turn = new();
    private bool disposed;

    private BartEncoder(BartTokenizer tokenizer, BartWeights weights, EmbeddingOptions options, Func<BartWeights, IBartNetwork> create)
    {
        this.tokenizer = tokenizer;
        this.options = options;
        if (tokenizer.Size > weights.Config.Vocabulary)
            throw new InvalidDataException($"the tokenizer has {tokenizer.Size} ids, the weights {weights.Config.Vocabulary}: they are of two models");
        limit = Math.Min(options.TokenLimit, weights.Config.Positions);
        if (limit < 2) throw new InvalidDataException($"TokenLimit is {options.TokenLimit}; it must be at least 2");
        Dimensions = weights.Config.Width;
        Id = $"bart-{Dimensions}-{Fingerprint(tokenizer, weights)}"
            + (limit == BartTokenizer.DefaultLimit ? "" : $"-{limit}")
            + (options.PaddedMean ? "-padded" : "")
            + options.WeightPrecision switch { WeightPrecision.Int8 => "-int8", WeightPrecision.BFloat16 => "-bfloat16", _ => "" };
        network = create(weights);
    }

    /// <summary>
    /// Width, a hash of weights and tokens, and the options that change vectors: one model has one identity, whatever the files' form.
    /// </summary>
    public string Id { get; }

    public int Dimensions { get; }

    public bool UsesAllCores => true;

    /// <summary>Whether this processor can do with <see cref="WeightPrecision.Int8"/>: it has AVX-VNNI.</summary>
    public static bool SupportsInt8 => Int8Weights.IsFast;

    /// <summary>Reads a model folder, to run on the processor's vectors and cores.</summary>
    /// <param name="folder">As Hugging Face ships it: config.json, model.safetensors or pytorch_model.bin, vocab.json, merges.txt.</param>
    /// <exception cref="FileNotFoundException">A file is missing; the message names it.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or of another model; the message names file and problem.</exception>
    public static BartEncoder Open(string folder, EmbeddingOptions? options = null) => Open(folder, options, VectorWidths.Best);

    internal static BartEncoder Open(
        string folder, EmbeddingOptions? options, VectorWidth width, Func<string, BartTokenizer>? openTokenizer = null)
    {
        options ??= new EmbeddingOptions();
        return Open(folder, options, weights => new TeamNetwork(weights, options, width), openTokenizer);
    }

    /// <param name="create">Makes what computes with the weights; disposed with the encoder.</param>
    /// <param name="openTokenizer">Opens the tokenizer of a folder; null for Core's own.</param>
    /// <inheritdoc cref="Open(string, EmbeddingOptions?)"/>
    internal static BartEncoder Open(
        string folder, EmbeddingOptions options, Func<BartWeights, IBartNetwork> create, Func<string, BartTokenizer>? openTokenizer = null)
    {
        var weights = BartWeights.Read(folder);
        var tokenizer = (openTokenizer ?? BartTokenizer.Open)(folder);
        try
        {
            return new BartEncoder(tokenizer, weights, options, create);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"{folder}: {exception.Message}", exception);
        }
    }

    public void Encode(ReadOnlySpan<string> texts, Span<float> embeddings)
    {
        if (embeddings.Length != texts.Length * Dimensions)
        {
            throw new ArgumentException(
                $"{texts.Length} texts need {texts.Length * Dimensions} floats, the destination has {embeddings.Length}", nameof(embeddings));
        }
        var ids = new List<int>();
        var ends = new int[texts.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            tokenizer.Encode(texts[i], ids, limit);
            ends[i] = ids.Count;
        }
        var group = new Group(tokenizer.Padding, options.PaddedMean ? Longest(ends) : 0);
        for (var i = 0; i < texts.Length; i++)
        {
            group.Add(CollectionsMarshal.AsSpan(ids)[(i == 0 ? 0 : ends[i - 1])..ends[i]]);
            if (i + 1 < texts.Length && group.Rows + (ends[i + 1] - ends[i]) <= network.GroupTokens) continue;
            var done = i + 1 - group.Texts.Count;
            Encode(group, embeddings.Slice(done * Dimensions, group.Texts.Count * Dimensions));
            group.Clear();
        }
    }

    /// <summary>Tokens of a text as they are embedded, those around it included and those beyond the limit not.</summary>
    public int? CountTokens(string text) => tokenizer.Encode(text, limit).Length;

    public void Dispose()
    {
        lock (turn)
        {
            if (disposed) return;
            disposed = true;
            network.Dispose();
        }
    }

    private void Encode(Group group, Span<float> embeddings)
    {
        lock (turn)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            network.Embed(CollectionsMarshal.AsSpan(group.Ids), CollectionsMarshal.AsSpan(group.Texts), embeddings);
        }
    }

    private static int Longest(int[] ends)
    {
        var longest = 0;
        for (var i = 0; i < ends.Length; i++) longest = Math.Max(longest, ends[i] - (i == 0 ? 0 : ends[i - 1]));
        return longest;
    }

    private static string Fingerprint(BartTokenizer tokenizer, BartWeights weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(weights.Hash);
        tokenizer.AppendTo(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 6));
    }

    /// <summary>The network on the processor, with the threads that it shares the work among.</summary>
    private sealed class TeamNetwork : IBartNetwork
    {
        private readonly WorkerTeam team;
        private readonly BartNetwork network;

        public TeamNetwork(BartWeights weights, EmbeddingOptions options, VectorWidth width)
        {
            if (options.WeightPrecision == WeightPrecision.Int8 && !SupportsInt8)
                throw new InvalidDataException("Embedding.WeightPrecision is Int8, but this processor has no AVX-VNNI, without which that is slow; use Single");
            if (options.WeightPrecision == WeightPrecision.BFloat16)
                throw new InvalidDataException("Embedding.WeightPrecision is BFloat16, which needs Embedding.Engine cuda or torch-cpu; use Single");
            team = new WorkerTeam(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
            network = BartNetwork.Create(weights, team, width, options.WeightPrecision);
        }

        public BartConfig Config => network.Config;

        public int GroupTokens => network.GroupTokens;

        public void Embed(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts, Span<float> means) => network.Embed(ids, texts, means);

        public void Dispose()
        {
            network.Dispose();
            team.Dispose();
        }
    }

    /// <summary>Texts below each other.</summary>
    /// <param name="longest">Rows that each text is filled up to with padding; 0 for none.</param>
    private sealed class Group(int padding, int longest)
    {
        public List<int> Ids { get; } = [];

        public List<BartText> Texts { get; } = [];

        public int Rows => Ids.Count;

        public void Add(ReadOnlySpan<int> ids)
        {
            var rows = Math.Max(longest, ids.Length);
            Texts.Add(new BartText(Ids.Count, rows, ids.Length));
            Ids.AddRange(ids);
            for (var i = ids.Length; i < rows; i++) Ids.Add(padding);
        }

        public void Clear()
        {
            Ids.Clear();
            Texts.Clear();
        }
    }
}
