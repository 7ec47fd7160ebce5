using System.Buffers;
using System.Text;

namespace RsrNet.Torch.Embedding;

/// <summary>Text that UTF-8 can hold, for tokenizers that do not ask.</summary>
internal static class WellFormed
{
    /// <returns>The text with U+FFFD for each half of a surrogate pair that stands alone; null where there is none.</returns>
    public static string? Repair(ReadOnlySpan<char> text)
    {
        for (var from = 0; text[from..].IndexOfAnyInRange('\ud800', '\udfff') is var offset and >= 0; from += offset + 2)
        {
            if (Rune.DecodeFromUtf16(text[(from + offset)..], out _, out _) == OperationStatus.Done) continue;
            var repaired = new StringBuilder(text.Length);
            foreach (var rune in text.EnumerateRunes()) repaired.Append(rune.ToString());
            return repaired.ToString();
        }
        return null;
    }
}
