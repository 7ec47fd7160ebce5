using RsrNet.Core.Embedding;

namespace RsrNet.Cli.Models;

/// <summary>The models on this machine: a folder for each, <c>OWNER--NAME</c>. A model is there whole or not at all.</summary>
/// <param name="root">Made when it is needed.</param>
internal sealed class ModelLibrary(string root)
{
    /// <summary>What a model folder is read from; either file of weights will do, and the first is taken where both are there.</summary>
    public static readonly string[] Required = ["config.json", "vocab.json", "merges.txt"];

    /// <summary>The tokenizer's files as fairseq ships them; a folder that is imported may have these instead.</summary>
    private static readonly string[] FairseqTokens = ["encoder.json", "vocab.bpe", "dict.txt"];

    public static readonly string[] Weights = ["model.safetensors", "pytorch_model.bin"];

    /// <summary>How a file of Git LFS begins that was cloned without its content.</summary>
    private static ReadOnlySpan<byte> LfsPointer => "version https://git-lfs"u8;

    public string Root => root;

    /// <summary>A model's folder; null where it is not there.</summary>
    public string? Find(string name)
    {
        var folder = FolderOf(name);
        return Directory.Exists(folder) ? folder : null;
    }

    public IReadOnlyList<InstalledModel> List()
    {
        if (!Directory.Exists(root)) return [];
        return
        [
            .. new DirectoryInfo(root).EnumerateDirectories().Where(folder => folder.Name[0] != '.').OrderBy(folder => folder.Name, StringComparer.Ordinal)
                .Select(folder => new InstalledModel(
                    folder.Name.Replace("--", "/", StringComparison.Ordinal), folder.FullName, folder.EnumerateFiles().Sum(file => file.Length))),
        ];
    }

    /// <summary>Where a model's files gather before they are all there: on the same disk, so that moving them is one step.</summary>
    public string Workplace(string name)
    {
        var folder = Path.Combine(root, ".incoming", Path.GetFileName(FolderOf(name)));
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Checks what has gathered, and puts it in its place in one step; an earlier one goes.</summary>
    /// <exception cref="CommandException">The files are not those of a BART that can be used; nothing changed.</exception>
    public InstalledModel Install(string name)
    {
        var (incoming, folder) = (Workplace(name), FolderOf(name));
        Check(incoming);
        string? old = null;
        if (Directory.Exists(folder))
        {
            old = incoming + ".old";
            if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
            Directory.Move(folder, old);
        }
        Directory.Move(incoming, folder);
        if (old is not null) Directory.Delete(old, recursive: true);
        return List().Single(model => model.Folder == new DirectoryInfo(folder).FullName);
    }

    /// <summary>Copies a folder's model into the library.</summary>
    /// <exception cref="CommandException">A file is missing or is not what its name says; nothing changed.</exception>
    public InstalledModel Import(string source, string name)
    {
        if (!Directory.Exists(source)) throw new CommandException($"{source}: there is no such folder");
        var weights = Weights.FirstOrDefault(file => File.Exists(Path.Combine(source, file)))
            ?? throw new CommandException($"{source} lacks the weights: {string.Join(" or ", Weights)}");
        var fairseq = !File.Exists(Path.Combine(source, "vocab.json")) && FairseqTokens.All(file => File.Exists(Path.Combine(source, file)));
        string[] files = fairseq ? ["config.json", .. FairseqTokens, weights] : [.. Required, weights];
        foreach (var file in files)
        {
            var path = Path.Combine(source, file);
            if (!File.Exists(path)) throw new CommandException($"{source} lacks {file}; a model folder has {string.Join(", ", files)}");
            if (IsLfsPointer(path))
                throw new CommandException($"{path} only points to its content: it was cloned without Git LFS; run `git lfs pull` there, or download the file");
        }
        var workplace = Workplace(name);
        foreach (var left in Directory.EnumerateFiles(workplace)) File.Delete(left);
        foreach (var file in files) File.Copy(Path.Combine(source, file), Path.Combine(workplace, file));
        return Install(name);
    }

    private static void Check(string folder)
    {
        try
        {
            // The shortest limit suits every model; what counts is that all files can be read and belong together.
            BartEncoder.Open(folder, new EmbeddingOptions { TokenLimit = 2, Threads = 1 }).Dispose();
        }
        catch (Exception problem) when (problem is InvalidDataException or FileNotFoundException)
        {
            throw new CommandException($"the files cannot be used as an encoder: {problem.Message}", problem);
        }
    }

    private static bool IsLfsPointer(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> start = stackalloc byte[LfsPointer.Length];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(LfsPointer);
    }

    private string FolderOf(string name) => Path.Combine(root, ModelName.Check(name).Replace("/", "--", StringComparison.Ordinal));
}

/// <param name="Bytes">Of all its files.</param>
internal sealed record InstalledModel(string Name, string Folder, long Bytes);
