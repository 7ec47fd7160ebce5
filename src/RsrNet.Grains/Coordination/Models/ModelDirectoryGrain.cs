using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Coordination.Models;

/// <summary>Knows which text models the cluster has. There is one, with the key 0.</summary>
[Alias("rsrnet.model-directory-grain")]
public interface IModelDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>Sees to it that each model learns.</summary>
    [Alias("wake"), ResponseTimeout("00:02:00")]
    Task Wake();

    /// <summary>Articles were stored.</summary>
    [Alias("on-arrived"), OneWay]
    Task OnArrived();

    /// <summary>Has each model end its learning and write a checkpoint, before the whole cluster is stopped.</summary>
    [Alias("rest"), ResponseTimeout("00:02:00")]
    Task Rest();

    /// <summary>In the order of their names; of one that does not answer, what it said last, and why.</summary>
    [Alias("list")]
    Task<ModelStatus[]> List();

    [Alias("has")]
    Task<bool> Has(string name);

    /// <returns>False where there is a model of this name.</returns>
    /// <exception cref="EngineUnavailableException">Its engine is not there or cannot run.</exception>
    [Alias("add"), ResponseTimeout("00:02:00")]
    Task<bool> Add(string name, ModelDescription description);

    /// <summary>A configuration names a model (<see cref="ModelNaming"/>).</summary>
    /// <returns>What is paced otherwise from now on; null where nothing is.</returns>
    /// <exception cref="ModelConflictException">There is another model of this name.</exception>
    [Alias("name"), ResponseTimeout("00:02:00")]
    Task<string?> Name(string name, ModelDescription description);

    /// <returns>Whether there was one.</returns>
    [Alias("remove"), ResponseTimeout("00:02:00")]
    Task<bool> Remove(string name);
}

/// <summary>Its memory is what the store says; the models' grains do the work.</summary>
[Reentrant, KeepAlive, PreferCpuSilos]
internal sealed class ModelDirectoryGrain(IModelStore models, SiloNeighbours neighbours, EngineCatalog engines, ILogger<ModelDirectoryGrain> logger)
    : Grain, IModelDirectoryGrain, IRemindable
{
    private const string Reminder = "learn";

    /// <summary>Orleans' shortest.</summary>
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, ModelStatus> latest = new(StringComparer.Ordinal);
    private SortedDictionary<string, ModelOptions> known = new(StringComparer.Ordinal);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod, cancellationToken);
        await ReadNames();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Wake();

    public async Task Wake()
    {
        await ReadNames();
        await Task.WhenAll(known.Keys.Select(name => Model(name).Wake()));
        if (neighbours.LeaveTheRest) DeactivateOnIdle();
    }

    public Task OnArrived()
    {
        foreach (var name in known.Keys) Model(name).OnArrived().Ignore();
        return Task.CompletedTask;
    }

    public Task Rest() => Task.WhenAll(known.Keys.Select(name => Model(name).Rest()));

    public Task<ModelStatus[]> List() => Task.WhenAll(known.Select(model => Read(model.Key, model.Value)));

    public Task<bool> Has(string name) => Task.FromResult(known.ContainsKey(name));

    public async Task<bool> Add(string name, ModelDescription description)
    {
        // A gateway does not know what silos compute on.
        description.Options.FindEngine(name, engines);
        if (!await models.Add(name, description)) return false;
        known[name] = description.Options;
        await Model(name).Wake();
        return true;
    }

    public async Task<string?> Name(string name, ModelDescription description)
    {
        var named = await models.Name(name, description);
        known[name] = named.Description.Options;
        if (named.Changed is not null) await Model(name).Leave();
        await Model(name).Wake();
        return named.Changed;
    }

    public async Task<bool> Remove(string name)
    {
        known.Remove(name);
        latest.Remove(name);
        if (!await models.Remove(name)) return false;
        await Model(name).Leave();
        return true;
    }

    private IModelGrain Model(string name) => GrainFactory.GetGrain<IModelGrain>(name);

    private async Task ReadNames()
    {
        var stored = await models.List(warning => logger.LogWarning("{Warning}", warning));
        known = new SortedDictionary<string, ModelOptions>(stored.ToDictionary(model => model.Key, model => model.Value.Options), StringComparer.Ordinal);
    }

    private async Task<ModelStatus> Read(string name, ModelOptions options)
    {
        try
        {
            return latest[name] = await Model(name).Read();
        }
#pragma warning disable CA1031 // whatever keeps one model from answering, the others are there
        catch (Exception problem)
        {
            var before = latest.GetValueOrDefault(name) ?? new ModelStatus(name, options, "", 0, 0, 0, 0, 0, [], new ModelScores().Read(), 0, null);
            return before with { Problem = $"it does not answer: {problem.Message}" };
        }
#pragma warning restore CA1031
    }
}
