namespace RsrNet.Cli.Models;

/// <summary>Brings a model from a hub into the library: all files of one commit, each checked, then all of them in one step.</summary>
internal sealed class ModelPull(ModelHub hub, ModelLibrary library, string model, string revision)
{
    private readonly List<HubFile> files = [];
    private long before;
    private long current;

    /// <summary>Bytes of all files; 0 until <see cref="Look"/> is done.</summary>
    public long Size => files.Sum(file => file.Size);

    /// <summary>Bytes that are here.</summary>
    public long Done => Volatile.Read(ref before) + Volatile.Read(ref current);

    /// <summary>Asks the hub what there is.</summary>
    /// <exception cref="HubException">The model is not there, or the hub cannot be reached.</exception>
    public async Task Look(CancellationToken cancellation)
    {
        var commit = revision;
        foreach (var name in ModelLibrary.Required)
        {
            var file = await hub.Find(model, commit, name, cancellation)
                ?? throw new HubException($"{hub.Address} has no {name} of {model} at {revision}: the name is wrong, or the model is no BART");
            // The branch may move while files come: all of them are taken from the commit of the first.
            commit = file.Commit ?? commit;
            files.Add(file);
        }
        foreach (var name in ModelLibrary.Weights)
        {
            if (await hub.Find(model, commit, name, cancellation) is not { } file) continue;
            files.Add(file);
            return;
        }
        throw new HubException($"{hub.Address} has no weights of {model}: neither {string.Join(" nor ", ModelLibrary.Weights)}");
    }

    /// <summary>Downloads what is not here yet, and installs the model.</summary>
    /// <exception cref="HubException">A file did not come, or came damaged; what came is kept for the next try.</exception>
    /// <exception cref="CommandException">The files are no model that can be used.</exception>
    public async Task<InstalledModel> Run(CancellationToken cancellation)
    {
        var workplace = library.Workplace(model);
        foreach (var file in files)
        {
            var target = Path.Combine(workplace, file.Name);
            if (!File.Exists(target) || !await file.Matches(target, cancellation))
                await hub.Download(file, target, bytes => Volatile.Write(ref current, bytes), cancellation);
            Volatile.Write(ref current, 0);
            Volatile.Write(ref before, before + file.Size);
        }
        foreach (var path in Directory.EnumerateFiles(workplace))
        {
            if (!files.Exists(file => file.Name == Path.GetFileName(path))) File.Delete(path);
        }
        return library.Install(model);
    }
}
