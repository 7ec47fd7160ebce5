namespace RsrNet.Core.Embedding;

/// <summary>
/// The 256 characters that stand for the 256 bytes in GPT-2's token files: printable Latin-1 characters for themselves, the others in order
/// as U+0100, U+0101, ... A blank is "Ġ".
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Make();

    public static char Of(byte value) => Characters[value];

    private static char[] Make()
    {
        var characters = new char[256];
        var next = 0x100;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            characters[value] = (char)(printable ? value : next++);
        }
        return characters;
    }
}
