namespace RsrNet.Server.Tests.Models;

/// <summary>A BART of 16 numbers with random weights (made by tests/pytorch/make_bart.py).</summary>
internal static class TinyModel
{
    public static readonly string[] Files = ["config.json", "vocab.json", "merges.txt", "model.safetensors"];

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "bart-tiny");

    public static byte[] Bytes(string file) => File.ReadAllBytes(Path.Combine(Folder, file));

    /// <summary>A configuration file with which it can serve: it takes at most 96 tokens.</summary>
    public const string Settings = """{"Embedding": {"TokenLimit": 90}}""";

    public static void CopyTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Files) File.Copy(Path.Combine(Folder, file), Path.Combine(folder, file));
    }
}
