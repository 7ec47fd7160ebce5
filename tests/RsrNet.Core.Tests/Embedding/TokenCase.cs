using System.Text.Json;

namespace RsrNet.Core.Tests.Embedding;

/// <summary>A text and its ids as GPT-2's own algorithm gives them (tests/pytorch/bpe_oracle.py).</summary>
internal sealed record TokenCase(string Text, int[] Ids)
{
    public static IReadOnlyList<TokenCase> Parse(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(ParseLine)];

    private static TokenCase ParseLine(string line)
    {
        using var json = JsonDocument.Parse(line);
        var bytes = json.RootElement.GetProperty("utf16").GetBytesFromBase64();
        // Not Encoding.Unicode: it would repair half surrogate pairs, and they are what is tested.
        var units = new char[bytes.Length / 2];
        for (var i = 0; i < units.Length; i++) units[i] = (char)(bytes[2 * i] | bytes[2 * i + 1] << 8);
        return new TokenCase(new string(units), [.. json.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())]);
    }
}
