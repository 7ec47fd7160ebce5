using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>Shows some tokens as unknown in training, so that no single word decides.</summary>
internal static class TokenDropout
{
    /// <param name="shown">Holds the result where anything may be hidden.</param>
    /// <returns>[N] the tokens themselves where the shape has no such dropout.</returns>
    public static ReadOnlySpan<int> Hide(ReadOnlySpan<int> tokens, RecurrentShape shape, ref int[] shown, ref SplitMix64 random)
    {
        if (shape.TokenDropout == 0) return tokens;
        if (shown.Length < tokens.Length) shown = new int[tokens.Length];
        for (var i = 0; i < tokens.Length; i++) shown[i] = random.NextDouble() < shape.TokenDropout ? shape.Unknown : tokens[i];
        return shown.AsSpan(0, tokens.Length);
    }
}
