using System.Data.Common;
using RsrNet.Core;
using RsrNet.Core.Documents;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Weights;

/// <summary>
/// The checkpoints of one learner in a PostgreSQL database, where a coordinator finds them on whichever server it runs. Each is a row that
/// holds the bytes of a <see cref="CheckpointFile"/>.
/// </summary>
/// <remarks>One coordinator at a time writes; what it has to see to is not done here.</remarks>
public sealed class PostgresCheckpointStore : ICheckpointStore
{
    private const string Upsert =
        """
        INSERT INTO checkpoints (version, created_at, loss, encoder, mode, bytes, content, pinned) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (version) DO UPDATE SET created_at = excluded.created_at, loss = excluded.loss, encoder = excluded.encoder,
            mode = excluded.mode, bytes = excluded.bytes, content = excluded.content, pinned = excluded.pinned
        """;

    private const string Prune =
        """
        DELETE FROM checkpoints WHERE version IN (SELECT version FROM checkpoints WHERE version <> $1 AND NOT pinned ORDER BY version DESC OFFSET $2)
            OR version IN (SELECT version FROM checkpoints WHERE pinned ORDER BY version DESC OFFSET $3)
        """;

    private readonly PostgresDatabase _database;
    private readonly int _keep;

    /// <param name="database">Not disposed with the store.</param>
    /// <exception cref="ArgumentException">Weights.Keep is below 2.</exception>
    public PostgresCheckpointStore(PostgresDatabase database, WeightOptions options)
    {
        if (options.Keep < 2)
            throw new ArgumentException(
                $"Weights.Keep must be at least 2, so that a damaged newest checkpoint has one before it, not {options.Keep}");
        _database = database;
        _keep = options.Keep;
    }

    /// <inheritdoc/>
    /// <exception cref="WeightsRejectedException">A number is not finite; nothing was written.</exception>
    public Task<WeightSummary> Save(Checkpoint checkpoint, CancellationToken cancellation = default)
    {
        using var file = new MemoryStream();
        CheckpointFile.Write(file, checkpoint);
        var content = file.ToArray();
        return Guarded(() => _database.Transact(
            async transaction =>
            {
                transaction.Add(
                    Upsert, PostgresValue.Of(checkpoint.Version), PostgresValue.Of(ArticleColumns.Time(checkpoint.CreatedAt)!),
                    PostgresValue.Of(checkpoint.Loss), PostgresValue.Of(checkpoint.EncoderId), PostgresValue.Of(checkpoint.Mode),
                    PostgresValue.Of(content.LongLength), PostgresValue.Of(content), PostgresValue.Of(checkpoint.Pinned));
                transaction.Add(
                    Prune, PostgresValue.Of(checkpoint.Version), PostgresValue.Of(_keep - 1), PostgresValue.Of(CheckpointFolder.MostPinned));
                await transaction.Commit();
                return new WeightSummary(
                    checkpoint.Version, checkpoint.CreatedAt, checkpoint.Loss, checkpoint.EncoderId, checkpoint.Mode, content.LongLength,
                    Current: false) { Pinned = checkpoint.Pinned };
            },
            cancellation));
    }

    /// <inheritdoc/>
    /// <remarks>A damaged one is moved to the table <c>damaged_checkpoints</c>, never deleted.</remarks>
    /// <exception cref="IOException">The database cannot be read.</exception>
    /// <exception cref="NotSupportedException">A newer version of RSR-Net wrote the newest one.</exception>
    public Task<Checkpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default) => Guarded(async () =>
    {
        const string newestFirst = "SELECT version FROM checkpoints ORDER BY version DESC";
        foreach (var version in await _database.Read(newestFirst, row => row.GetInt64(0), cancellation))
        {
            try
            {
                // Null where another server has pruned it since.
                if (await Load(version, cancellation) is { } checkpoint) return checkpoint;
            }
            catch (Exception problem) when (problem is InvalidDataException or WeightsRejectedException)
            {
                await SetAside(version, problem.Message, cancellation);
                warn($"checkpoint {version} is damaged and was moved to the table damaged_checkpoints: {problem.Message}");
            }
        }
        return null;
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default) =>
        Guarded<IReadOnlyList<WeightSummary>>(async () => await _database.Read(
            "SELECT version, created_at, loss, encoder, mode, bytes, pinned FROM checkpoints ORDER BY version DESC", ReadSummary, cancellation));

    /// <inheritdoc/>
    public Task<Checkpoint?> Find(long version, CancellationToken cancellation = default) => Guarded(async () =>
    {
        try
        {
            return await Load(version, cancellation);
        }
        catch (WeightsRejectedException problem)
        {
            throw new InvalidDataException($"checkpoint {version} in {_database.Place}: {problem.Message}", problem);
        }
    });

    private async Task<Checkpoint?> Load(long version, CancellationToken cancellation)
    {
        var found = await _database.Read(
            "SELECT content FROM checkpoints WHERE version = $1", row => row.GetFieldValue<byte[]>(0), cancellation,
            PostgresValue.Of(version));
        if (found.Count == 0) return null;
        var checkpoint = CheckpointFile.Read(new MemoryStream(found[0], writable: false));
        if (checkpoint.Version != version) throw new InvalidDataException($"checkpoint {version} holds version {checkpoint.Version}");
        return checkpoint;
    }

    private Task<bool> SetAside(long version, string problem, CancellationToken cancellation) => _database.Transact(
        async transaction =>
        {
            transaction.Add(
                """
                WITH damaged AS (DELETE FROM checkpoints WHERE version = $1 RETURNING version, content)
                INSERT INTO damaged_checkpoints (version, problem, content) SELECT version, $2, content FROM damaged
                """,
                PostgresValue.Of(version), PostgresValue.Of(problem));
            await transaction.Commit();
            return true;
        },
        cancellation);

    private static WeightSummary ReadSummary(DbDataReader row) => new(
        row.GetInt64(0), ArticleColumns.ReadTime(row.GetString(1)), row.IsDBNull(2) ? null : row.GetFloat(2),
        row.IsDBNull(3) ? null : row.GetString(3), row.GetString(4), row.GetInt64(5), Current: false)
    {
        Pinned = row.GetBoolean(6),
    };

    /// <summary>The port knows files' exceptions alone.</summary>
    private static async Task<T> Guarded<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (StoreUnavailableException problem)
        {
            throw new IOException(problem.Message, problem);
        }
    }
}
