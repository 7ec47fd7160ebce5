using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Coordination.Models;

/// <summary>How the next token is chosen.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens at most. Default 200; 1 to 10,000.</summary>
    public int MaxTokens { get; init; } = 200;

    /// <summary>Below 1 the likely ones become likelier; 0 always takes the likeliest. Default 0.8; 0 to 10.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only so many of the likeliest. Default 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest that together have this probability. Default 1: all; above 0.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>The same seed, prompt and weights give the same text. Default 0.</summary>
    public int Seed { get; init; }

    /// <summary>Whether EOS ends the text; otherwise it is never chosen. Default true.</summary>
    public bool StopAtEnd { get; init; } = true;
}

/// <summary>Draws tokens from logits.</summary>
public sealed class TokenSampler(GenerationOptions options)
{
    private SplitMix64 random = new(unchecked((ulong)options.Seed));
    private int[] order = [];
    private double[] weights = [];

    /// <param name="logits">[V].</param>
    /// <param name="count">Numbers that stand for something; the network may have room for more.</param>
    public int Next(ReadOnlySpan<float> logits, int count)
    {
        if (order.Length < count) (order, weights) = (new int[count], new double[count]);
        var candidates = 0;
        for (var token = 0; token < count; token++)
        {
            if (token is SpecialToken.Padding or SpecialToken.Unknown or SpecialToken.Begin || (token == SpecialToken.End && !options.StopAtEnd)) continue;
            order[candidates] = token;
            weights[candidates++] = -logits[token];
        }
        Array.Sort(weights, order, 0, candidates);
        if (options.Temperature == 0) return order[0];
        var best = weights[0];
        double sum = 0;
        for (var i = 0; i < candidates; i++) sum += weights[i] = Math.Exp((best - weights[i]) / options.Temperature);
        if (options.TopK > 0 && options.TopK < candidates) candidates = options.TopK;
        double reached = 0;
        for (var i = 0; i < candidates; i++)
        {
            reached += weights[i];
            if (reached >= options.TopP * sum) candidates = i + 1;
        }
        var wanted = random.NextDouble() * reached;
        for (var i = 0; i < candidates - 1; i++)
        {
            wanted -= weights[i];
            if (wanted < 0) return order[i];
        }
        return order[candidates - 1];
    }
}

/// <summary>A text that a language model makes, piece by piece.</summary>
public static class Generation
{
    /// <summary>What follows the prompt, in pieces as they are made.</summary>
    public static IEnumerable<string> Continue(LanguageModel model, string prompt, GenerationOptions options)
    {
        var sampler = new TokenSampler(options);
        var state = model.Follow(prompt, out var logits);
        // A piece of text is what the newest tokens add to the one before them: words bring the blank between, bytes may need the next ones.
        var tokens = new List<int>();
        var shown = 0;
        for (var made = 0; made < options.MaxTokens; made++)
        {
            var token = sampler.Next(logits, model.Vocabulary.Count);
            if (token == SpecialToken.End) break;
            tokens.Add(token);
            var text = Decode(tokens);
            // Bytes of a character that is not whole yet are kept back.
            if (text.Length > shown && text[^1] != '\uFFFD')
            {
                yield return text[shown..];
                tokens.RemoveRange(0, tokens.Count - 1);
                shown = Decode(tokens).Length;
            }
            model.Step(token, state, logits);
        }
        var rest = Decode(tokens);
        if (rest.Length > shown) yield return rest[shown..];

        string Decode(List<int> some) => model.Vocabulary.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(some));
    }
}
