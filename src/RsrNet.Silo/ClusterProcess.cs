using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Hosting;
using Orleans.Runtime;
using RsrNet.Cli;
using RsrNet.Cli.Embedding;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;
using RsrNet.Grains;
using RsrNet.Grains.Articles;
using RsrNet.Grains.Coordination.Models;
using RsrNet.Grains.Documents;
using RsrNet.Grains.Replicas;
using RsrNet.Server;
using RsrNet.Server.Articles;
using RsrNet.Server.Documents;

namespace RsrNet.Silo;

/// <summary>A part of a cluster: a silo over its store, or a gateway without one, and the server before it.</summary>
internal sealed class ClusterProcess : IServing
{
    private const string PostgresInvariant = "Npgsql";

    /// <summary>The engine whose device placement is told of.</summary>
    private const string Cuda = "cuda";

    /// <summary>How long a gateway waits for a silo, and a silo for the coordinator, before it gives up.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    /// <summary>How long it waits before it says what it waits for.</summary>
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private readonly IHost cluster;
    private readonly RsrNetServer server;
    private readonly ServerStorage? storage;
    private readonly ITextEncoder encoder;

    /// <summary>What is to be done before the cluster is left.</summary>
    private readonly Func<Task> rest;

    private ClusterProcess(IHost cluster, RsrNetServer server, ServerStorage? storage, ITextEncoder encoder, string place, Func<Task> rest)
    {
        this.rest = rest;
        this.cluster = cluster;
        this.server = server;
        this.storage = storage;
        this.encoder = encoder;
        Place = place;
    }

    public ILearner Learner => cluster.Services.GetRequiredService<ClusterLearner>();

    /// <summary>The way to the cluster's grains.</summary>
    internal IGrainFactory Grains => cluster.Services.GetRequiredService<IGrainFactory>();

    public Uri Address => server.Addresses[0];

    public DemoStream Demo => server.Demo;

    public string Place { get; }

    /// <inheritdoc cref="StartServing"/>
    public static async Task<IServing> Start(ServingPlan plan, Action<string> notice, CancellationToken cancellation)
    {
        var told = new Notices(notice);
        notice = told.Tell;
        var configuration = plan.Configuration;
        var options = configuration.Section<SiloOptions>(SiloOptions.Section);
        if (options.Role != ProcessRole.Local && configuration.Server.Database.Length == 0)
        {
            throw new StoreUnavailableException(
                $"the role {options.Role} needs a database that all processes of the cluster can reach: "
                + "set Server.Database to a PostgreSQL connection string");
        }
        // Before anything is opened: the message names the model and what to do. On a gateway nothing is computed.
        if (options.Role != ProcessRole.Gateway)
        {
            foreach (var (model, wanted) in configuration.Models) wanted.FindEngine(model, plan.Engines ?? EngineCatalog.OfCore());
        }
        var described = configuration.Models.ToDictionary(model => model.Key, model => ModelDescription.Of(model.Key, model.Value, plan.ReadSentencePiece));
        var database = ForOrleans(configuration.Server.Database);
        // Each is disposed by whoever opened it until all of them are there.
        ServerStorage? storage = null;
        ITextEncoder? encoder = null;
        IHost? cluster = null;
        RsrNetServer? server = null;
        var joined = false;
        try
        {
            if (options.Role != ProcessRole.Gateway)
                storage = await ServerStorage.Open(configuration.Server, configuration.Learner.Weights, options.Role == ProcessRole.Local, cancellation);
            var encoderName = plan.EncoderName ?? (storage is null ? null : await storage.Documents.ReadSetting(SingleProcess.EncoderNameSetting, cancellation));
            encoder = plan.Encoders.OpenOrHashed(encoderName ?? EncoderChoice.Hashed, notice);
            if (storage is not null)
            {
                await StoreEncoder.Check(storage.Documents, encoder, cancellation);
                if (encoder is not HashedEncoder)
                    await storage.Documents.WriteSetting(SingleProcess.EncoderNameSetting, EncoderChoice.Durable(encoderName!), cancellation);
            }
            var grains = configuration.Section<GrainOptions>("Grains");
            cluster = storage is null
                ? BuildGateway(options, database, encoder, grains, notice)
                : BuildSilo(options, database, grains, notice, new SiloParts
                {
                    Options = configuration.Learner, Encoder = encoder, Store = storage.Documents, Checkpoints = storage.Checkpoints, Models = storage.Models,
                    ReadSentencePiece = plan.ReadSentencePiece, TextEngines = plan.Engines,
                    Engine = plan.Engine.Create, EngineName = plan.Engine.Name,
                    Device = plan.Engine.Name == Cuda ? Cuda : ReplicaEngines.Cpu,
                    Role = options.Role == ProcessRole.Gpu ? SiloRole.Gpu : SiloRole.Cpu,
                });
            await Join(cluster, options, cancellation);
            joined = true;
            var learner = cluster.Services.GetRequiredService<ClusterLearner>();
            await CheckEncoder(learner, encoder, cancellation);
            var models = cluster.Services.GetRequiredService<ClusterModels>();
            foreach (var (name, description) in described) await Name(models, name, description, notice, cancellation);
            server = RsrNetServer.Build(
                configuration.Server, configuration.Learner.Articles, learner,
                // What keeps the host from starting is thrown, and said once.
                builder => builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None),
                dataFolder: storage?.Folder, models: models);
            if (options.Dashboard.Length > 0) OrleansDashboard.Map(server.App, cluster.Services, options.Dashboard);
            await server.Start(cancellation);
            var place = options.Role == ProcessRole.Local ? storage!.Place : $"the cluster {options.Cluster}{(storage is null ? "" : $" over {storage.Place}")}";
            return new ClusterProcess(
                cluster, server, storage, encoder, place, options.Role == ProcessRole.Local ? () => Rest(learner, told) : () => Task.CompletedTask);
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            if (cluster is not null) await Leave(cluster, joined);
            (encoder as IDisposable)?.Dispose();
            if (storage is not null) await storage.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await server.Stop(CancellationToken.None);
        await server.DisposeAsync();
        await rest();
        await Leave(cluster);
        (encoder as IDisposable)?.Dispose();
        if (storage is not null) await storage.DisposeAsync();
    }

    private static IHost BuildSilo(SiloOptions options, string database, GrainOptions grains, Action<string> notice, SiloParts parts)
    {
        var builder = NewHost(notice, options.Role);
        var (port, gatewayPort) = (options.Port == 0 ? FreePort() : options.Port, options.GatewayPort == 0 ? FreePort() : options.GatewayPort);
        builder.UseOrleans(silo =>
        {
            silo.AddRsrNet(parts, grains);
            silo.Configure<Orleans.Configuration.SiloOptions>(one => one.SiloName = NameOf(options, port));
            if (options.Role == ProcessRole.Local)
            {
                silo.UseLocalhostClustering(port, gatewayPort, serviceId: options.Cluster, clusterId: options.Cluster);
                silo.UseInMemoryReminderService();
                silo.AddMemoryGrainStorage("PubSubStore");
            }
            else
            {
                silo.Configure<ClusterOptions>(one => (one.ClusterId, one.ServiceId) = (options.Cluster, options.Cluster));
                silo.Configure<ClusterMembershipOptions>(one => one.ProbeTimeout = TimeSpan.FromSeconds(options.ProbeSeconds));
                silo.ConfigureEndpoints(IPAddress.Parse(options.Address), port, gatewayPort, listenOnAnyHostAddress: false);
                silo.UseAdoNetClustering(one => (one.Invariant, one.ConnectionString) = (PostgresInvariant, database));
                silo.UseAdoNetReminderService(one => (one.Invariant, one.ConnectionString) = (PostgresInvariant, database));
                silo.AddAdoNetGrainStorage("PubSubStore", one => (one.Invariant, one.ConnectionString) = (PostgresInvariant, database));
            }
            if (options.Tls.IsOn) silo.UseTls(options.Tls.Open());
            if (options.Dashboard.Length > 0) silo.AddDashboard();
        });
        return builder.Build();
    }

    private static IHost BuildGateway(SiloOptions options, string database, ITextEncoder encoder, GrainOptions grains, Action<string> notice)
    {
        var builder = NewHost(notice, options.Role);
        builder.UseOrleansClient(client =>
        {
            client.AddRsrNet(encoder, grains);
            client.Configure<ClusterOptions>(one => (one.ClusterId, one.ServiceId) = (options.Cluster, options.Cluster));
            client.UseAdoNetClustering(one => (one.Invariant, one.ConnectionString) = (PostgresInvariant, database));
            var (since, told) = (TimeProvider.System.GetTimestamp(), false);
            client.UseConnectionRetryFilter(async (_, cancellation) =>
            {
                var waited = TimeProvider.System.GetElapsedTime(since);
                if (waited > TellAfter && !told)
                {
                    told = true;
                    notice(
                        $"no silo of the cluster {options.Cluster} takes this gateway yet: is one running over the same database, and do all sides use the "
                        + $"same Silo.Tls? It tries until {StartPatience.TotalMinutes:0} minutes are over");
                }
                await Task.Delay(RetryAfter, cancellation);
                return waited < StartPatience;
            });
            if (options.Tls.IsOn) client.UseTls(options.Tls.Open());
            if (options.Dashboard.Length > 0) client.AddDashboard();
        });
        return builder.Build();
    }

    private static HostApplicationBuilder NewHost(Action<string> notice, ProcessRole role)
    {
        // Empty: environment variables and appsettings.json of whatever folder it is started in must not change a cluster.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "RsrNet.Silo" });
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Logging.AddProvider(new NoticeLogging(notice)).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        // A cluster of one has nobody to warn of; in a larger one, who comes and goes is worth a line.
        builder.Logging.AddFilter("Orleans", role == ProcessRole.Local ? LogLevel.Error : LogLevel.Warning);
        // The kind of garbage collection, and threads that had to wait for a core: nothing to act on.
        builder.Logging.AddFilter("Orleans.Runtime.Silo", LogLevel.Error).AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        return builder;
    }

    private static async Task Join(IHost cluster, SiloOptions options, CancellationToken cancellation)
    {
        try
        {
            await cluster.StartAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // whatever keeps a silo from joining, the user is told in one line what to look at
        catch (Exception problem) when (problem is not WeightsRejectedException)
        {
            var address = options.Role == ProcessRole.Gateway ? "" : $" at {options.Address}";
            throw new StoreUnavailableException(
                $"the {options.Role.ToString().ToLowerInvariant()} process cannot join the cluster {options.Cluster}{address}: {Innermost(problem)}; "
                + "is the database prepared (deploy/database.sh), are the ports free, do all sides use the same Silo.Tls?",
                problem);
        }
#pragma warning restore CA1031

        static string Innermost(Exception problem) => problem.InnerException is { } inner ? Innermost(inner) : problem.Message;
    }

    /// <summary>Waits until the cluster answers, and compares its encoder with the one here, which embeds what is searched for.</summary>
    private static async Task CheckEncoder(ClusterLearner learner, ITextEncoder encoder, CancellationToken cancellation)
    {
        var theirs = (await Patiently(() => learner.ReadTelemetry(cancellation), cancellation)).Encoder;
        if (theirs != encoder.Id)
            throw new WeightsRejectedException($"the cluster's documents are embedded by '{theirs}', and this process has '{encoder.Id}'; choose it with --encoder");
    }

    /// <summary>Makes a model of the configuration the cluster's.</summary>
    private static async Task Name(ClusterModels models, string name, ModelDescription description, Action<string> notice, CancellationToken cancellation)
    {
        if (await Patiently(() => models.Name(name, description, cancellation), cancellation) is { } changed) notice(changed);
    }

    /// <summary>Asks until the cluster answers.</summary>
    private static async Task<T> Patiently<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (StoreUnavailableException) when (TimeProvider.System.GetElapsedTime(since) < StartPatience)
            {
                await Task.Delay(RetryAfter, cancellation);
            }
        }
    }

    /// <summary>Where this silo is the whole cluster, nobody else ends what it has begun.</summary>
    private static async Task Rest(ClusterLearner learner, Notices notices)
    {
        try
        {
            await learner.Rest();
        }
        catch (StoreUnavailableException problem)
        {
            notices.Tell($"the last weights could not be saved: {problem.Message}");
        }
        // What Orleans says of calls that find nobody any more concerns nobody either.
        notices.AreOver = true;
    }

    /// <param name="joined">One that could not join has nothing to hand over, and does not let itself be stopped.</param>
    private static async Task Leave(IHost cluster, bool joined = true)
    {
        try
        {
            if (joined) await cluster.StopAsync(CancellationToken.None);
        }
        finally
        {
            if (cluster is IAsyncDisposable disposable) await disposable.DisposeAsync();
            else cluster.Dispose();
        }
    }

    /// <summary>Orleans' tables are in the database's own schema; only the store's are where the connection string says.</summary>
    private static string ForOrleans(string database)
    {
        if (database.Length == 0) return "";
        var settings = new NpgsqlConnectionStringBuilder(database) { SearchPath = null };
        // Membership and reminders are a few statements a minute.
        settings.MaxPoolSize = Math.Min(settings.MaxPoolSize, 5);
        return settings.ConnectionString;
    }

    private static string NameOf(SiloOptions options, int port) =>
        options.Name.Length > 0 ? options.Name
        : options.Role == ProcessRole.Local ? "local"
        : $"{options.Role.ToString().ToLowerInvariant()} {Environment.MachineName}:{port}";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Lines for the user, until the process ends.</summary>
    private sealed class Notices(Action<string> notice)
    {
        public bool AreOver { get; set; }

        public void Tell(string line)
        {
            if (!AreOver) notice(line);
        }
    }

    /// <summary>Signals and the end of the process are the program's business.</summary>
    private sealed class EmbeddedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
