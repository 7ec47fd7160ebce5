using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace RsrNet.Server.Tests.Documents;

/// <summary>
/// A PostgreSQL server of the tests' own, in a temporary folder and with its default durability; started by the first test that needs it.
/// Where PostgreSQL is not installed, those tests are skipped and say so. It is found on PATH, and where Debian puts it.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    /// <summary>
    /// Runs a program until this process lets go of its standard input, by will or by dying: then the server stops at once, its clients
    /// with it. PostgreSQL's signals: INT is fast, QUIT immediate (as in a crash).
    /// </summary>
    private const string Leash = "\"$@\" & server=$!; read -r signal; kill -\"${signal:-INT}\" $server; wait $server";

    /// <summary>Must never be seen in a message.</summary>
    public const string Password = "secret-word";

    private static readonly PostgresPrograms Programs = PostgresPrograms.Find();

    private string _folder = "";
    private Process? _leash;

    /// <summary>Where it listens on the loopback interface.</summary>
    public int Port { get; private set; }

    /// <summary>Holds its Unix socket.</summary>
    public string SocketFolder => _folder;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <returns>A connection string to tables of their own: a schema that nobody else uses.</returns>
    public async Task<string> NewSchema()
    {
        await EnsureRunning();
        return ConnectionString($"test_{Guid.NewGuid():N}");
    }

    public string ConnectionString(string schema) =>
        $"Host=127.0.0.1;Port={Port};Database=postgres;Username=postgres;Password={Password};Search Path={schema};Command Timeout=60";

    /// <summary>Starts the server where it does not run. Skips the test where there is none.</summary>
    public async Task EnsureRunning()
    {
        if (_leash is { HasExited: false }) return;
        if (Programs.Problem is { } problem) Assert.Skip(problem);
        if (_folder.Length == 0)
        {
            _folder = await Create();
            Port = FreePort();
        }
        await Start();
    }

    /// <summary>Ends the server.</summary>
    /// <param name="crash">Without shutting down: what was not on the disk is lost.</param>
    public async Task Stop(bool crash = false)
    {
        if (_leash is null) return;
        await _leash.StandardInput.WriteLineAsync(crash ? "QUIT" : "INT");
        await _leash.WaitForExitAsync();
        _leash.Dispose();
        _leash = null;
        NpgsqlConnection.ClearAllPools();
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }

    private static async Task<string> Create()
    {
        var folder = Directory.CreateTempSubdirectory("rsrnet-pg-").FullName;
        var words = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(words, Password);
        if (Programs.User is { } user) await Run("chown", "-R", user, folder);
        // The cluster itself need not survive a lost power supply while it is made; the server keeps its default, fsync.
        await Run(Programs.AsUser(
            Programs.PathOf("initdb"), "--no-sync", "--encoding=UTF8", "--locale=C", "--username=postgres", "--auth=scram-sha-256",
            $"--pwfile={words}", $"--pgdata={folder}/data"));
        return folder;
    }

    private async Task Start()
    {
        _leash = StartProcess(Programs.AsUser(
            "/bin/sh", "-c", Leash, "sh", Programs.PathOf("postgres"), "-D", $"{_folder}/data", "-k", _folder, "-h", "127.0.0.1",
            "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "max_connections=60"));
        // Nobody reads them in time: PostgreSQL's messages come with the exceptions.
        _leash.OutputDataReceived += (_, _) => { };
        _leash.ErrorDataReceived += (_, _) => { };
        _leash.BeginOutputReadLine();
        _leash.BeginErrorReadLine();
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString("public") + ";Pooling=false");
                await connection.OpenAsync(TestContext.Current.CancellationToken);
                return;
            }
            catch (NpgsqlException) when (!_leash.HasExited)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task Run(params string[] command)
    {
        using var process = StartProcess(command);
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)} failed: {await errors}");
    }

    private static Process StartProcess(string[] command)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var argument in command.AsSpan(1)) start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
    }
}
