using System.Globalization;
using RsrNet.Core.Embedding;
using RsrNet.Core.Numerics;

namespace RsrNet.Cli.Bench;

/// <summary>
/// Embeddings of texts by an encoder of BART-base's size; ours from the text on, PyTorch's from tokens on, with the same random weights.
/// </summary>
internal sealed class BartEncoding : BenchCase
{
    private const int Longest = 512;

    /// <summary>
    /// Tokens of real texts, cut off at 512: 12 news items (AG News), 8 abstracts (arXiv), 12 articles (CNN/DailyMail), in turns.
    /// </summary>
    private static readonly int[] Mixed =
    [
        37, 281, 122, 79, 301, 245, 45, 159, 318, 63, 351, 386, 59, 362, 461, 61,
        248, 512, 51, 313, 512, 53, 312, 512, 36, 512, 54, 512, 108, 512, 50, 512,
    ];

    private readonly WeightPrecision _precision;
    private readonly string _weights;
    private readonly BartEncoder _encoder;
    private readonly int[] _lengths;
    private readonly string[] _texts;
    private readonly float[] _embeddings;

    /// <param name="texts">1 for a text of 512 tokens, or as many of mixed length, at most 32.</param>
    /// <param name="precision">Of our weights; PyTorch's are always single.</param>
    public BartEncoding(RandomBart model, int texts, int threads, WeightPrecision precision = WeightPrecision.Single)
        : base(precision == WeightPrecision.Int8 ? "encoder-bart-int8" : "encoder-bart", texts, threads)
    {
        _precision = precision;
        _weights = model.WeightsPath;
        _encoder = BartEncoder.Open(model.Directory, new EmbeddingOptions { Threads = threads, WeightPrecision = precision });
        _lengths = texts == 1 ? [Longest] : Mixed[..texts];
        _texts = Array.ConvertAll(_lengths, Text);
        _embeddings = new float[texts * _encoder.Dimensions];
    }

    public override string PeerKind => "bart";

    /// <summary>For each token four products with d x d and two with d x f numbers; for each pair of tokens two of d numbers.</summary>
    public override double Operations
    {
        get
        {
            double d = RandomBart.Width, f = RandomBart.Hidden;
            return 2 * RandomBart.Layers * _lengths.Sum(length => length * (4 * d * d + 2 * d * f) + 2.0 * length * length * d);
        }
    }

    public override (string Unit, double PerRepeat)? Rate => ("tokens/s", _lengths.Sum());

    public override string? Note => Size == 1
        ? $"a text of {Longest} tokens{(_precision == WeightPrecision.Int8 ? "; weights of 8 bits, PyTorch's are single" : "")}"
        : string.Create(
        CultureInfo.InvariantCulture,
        $"texts of {_lengths.Min()} to {_lengths.Max()} tokens, {_lengths.Average():0} on average; PyTorch with nested tensors, which leave the padding out");

    public override void Introduce(TorchPeer peer) =>
        peer.Tell($"bart-model {Size} {RandomBart.Heads} {string.Join(',', _lengths)} {_weights}");

    public override void Run() => _encoder.Encode(_texts, _embeddings);

    public override void Dispose() => _encoder.Dispose();

    private static string Text(int tokens)
    {
        var random = new SplitMix64((ulong)tokens);
        return string.Create(tokens - 2, random, (text, state) =>
        {
            foreach (ref var letter in text) letter = (char)('a' + state.Next() % 26);
        });
    }
}
