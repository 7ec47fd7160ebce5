using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Weights;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Weights;

/// <summary>
/// Text models in a PostgreSQL database, where whoever learns one finds it on whichever server that runs. A checkpoint is a row that holds the bytes of a
/// <see cref="ModelCheckpointFile"/>; a model's row counts its terms.
/// </summary>
/// <param name="database">Not disposed with the store.</param>
public sealed class PostgresModelStore(PostgresDatabase database) : IModelStore
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    public async Task<IReadOnlyDictionary<string, ModelDescription>> List(Action<string> warn, CancellationToken cancellation = default)
    {
        var models = new SortedDictionary<string, ModelDescription>(StringComparer.Ordinal);
        foreach (var (name, json) in await database.Read("SELECT name, description FROM models", row => (row.GetString(0), row.GetString(1)), cancellation))
        {
            try
            {
                models.Add(name, JsonSerializer.Deserialize<ModelDescription>(json, Json) ?? throw new JsonException("null"));
            }
            catch (JsonException problem)
            {
                warn($"the description of the model '{name}' in {database.Place} is damaged, and it is left out: {problem.Message}");
            }
        }
        return models;
    }

    public async Task<bool> Add(string name, ModelDescription description, CancellationToken cancellation = default) => (await Rows(
        "INSERT INTO models (name, description) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name", cancellation, name, TextOf(description))).Count > 0;

    public Task Change(string name, ModelDescription description, CancellationToken cancellation = default) =>
        Rows("UPDATE models SET description = $2 WHERE name = $1 RETURNING name", cancellation, name, TextOf(description));

    public async Task<bool> Remove(string name, CancellationToken cancellation = default) =>
        (await Rows("DELETE FROM models WHERE name = $1 RETURNING name", cancellation, name)).Count > 0;

    public async Task<IModelCheckpoints?> Claim(string name, CancellationToken cancellation = default) =>
        await Rows("UPDATE models SET term = term + 1 WHERE name = $1 RETURNING term::text", cancellation, name) is [var term]
            ? new Checkpoints(database, name, long.Parse(term, System.Globalization.CultureInfo.InvariantCulture))
            : null;

    private static string TextOf(ModelDescription description) => JsonSerializer.Serialize(description, Json);

    /// <summary>One statement that is durable once it has answered.</summary>
    private Task<List<string>> Rows(string sql, CancellationToken cancellation, params string[] values) => database.Transact(
        async transaction =>
        {
            transaction.Add(sql, [.. values.Select(PostgresValue.Of)]);
            var found = new List<string>();
            await using (var rows = await transaction.Send())
            {
                while (await rows.ReadAsync(cancellation)) found.Add(rows.GetString(0));
            }
            await transaction.Commit();
            return found;
        },
        cancellation);

    private sealed class Checkpoints(PostgresDatabase database, string name, long term) : IModelCheckpoints
    {
        private const string Upsert =
            """
            INSERT INTO model_checkpoints (model, version, created_at, loss, mode, bytes, content) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (model, version) DO UPDATE SET created_at = excluded.created_at, loss = excluded.loss, mode = excluded.mode, bytes = excluded.bytes,
                content = excluded.content
            """;

        private const string Prune =
            "DELETE FROM model_checkpoints WHERE model = $1 AND version IN (SELECT version FROM model_checkpoints WHERE model = $1 ORDER BY version DESC OFFSET $2)";

        public Task Save(ModelCheckpoint checkpoint, CancellationToken cancellation = default)
        {
            var content = ModelCheckpointFile.Write(checkpoint);
            var summary = checkpoint.Summarize(content.Length);
            var keep = checkpoint.Options.Keep;
            return database.Transact(
                async transaction =>
                {
                    // Until the commit nobody else can claim the model.
                    transaction.Add("SELECT 1 FROM models WHERE name = $1 AND term = $2 FOR SHARE", PostgresValue.Of(name), PostgresValue.Of(term));
                    await using (var held = await transaction.Send())
                    {
                        if (!await held.ReadAsync(cancellation)) throw new ModelClaimException(name);
                    }
                    transaction.Add(
                        Upsert, PostgresValue.Of(name), PostgresValue.Of(summary.Version), PostgresValue.Of(ArticleColumns.Time(summary.CreatedAt)!),
                        PostgresValue.Of(summary.Loss), PostgresValue.Of(summary.Mode), PostgresValue.Of(summary.Bytes), PostgresValue.Of(content));
                    transaction.Add(Prune, PostgresValue.Of(name), PostgresValue.Of(keep));
                    await transaction.Commit();
                    return true;
                },
                cancellation);
        }

        public async Task<ModelCheckpoint?> LoadNewest(Action<string> warn, CancellationToken cancellation = default)
        {
            foreach (var summary in await List(cancellation))
            {
                try
                {
                    if (await Load(summary.Version, cancellation) is { } checkpoint) return checkpoint;
                }
                catch (Exception problem) when (problem is InvalidDataException or WeightsRejectedException)
                {
                    await SetAside(summary.Version, problem.Message, cancellation);
                    warn($"checkpoint {summary.Version} is damaged and was moved to the table damaged_model_checkpoints: {problem.Message}");
                }
            }
            return null;
        }

        public async Task<ModelCheckpoint?> Find(long version, CancellationToken cancellation = default)
        {
            try
            {
                return await Load(version, cancellation);
            }
            catch (WeightsRejectedException problem)
            {
                throw new InvalidDataException($"checkpoint {version} of '{name}' in {database.Place}: {problem.Message}", problem);
            }
        }

        public async Task<IReadOnlyList<WeightSummary>> List(CancellationToken cancellation = default) => await database.Read(
            "SELECT version, created_at, loss, mode, bytes FROM model_checkpoints WHERE model = $1 ORDER BY version DESC", ReadSummary, cancellation, PostgresValue.Of(name));

        private async Task<ModelCheckpoint?> Load(long version, CancellationToken cancellation)
        {
            var found = await database.Read(
                "SELECT content FROM model_checkpoints WHERE model = $1 AND version = $2", row => row.GetFieldValue<byte[]>(0), cancellation,
                PostgresValue.Of(name), PostgresValue.Of(version));
            if (found.Count == 0) return null;
            var checkpoint = ModelCheckpointFile.Read(new MemoryStream(found[0], writable: false), $"checkpoint {version} of '{name}'");
            return checkpoint.Version == version ? checkpoint : throw new InvalidDataException($"checkpoint {version} of '{name}' holds version {checkpoint.Version}");
        }

        private Task<bool> SetAside(long version, string problem, CancellationToken cancellation) => database.Transact(
            async transaction =>
            {
                transaction.Add(
                    """
                    WITH damaged AS (DELETE FROM model_checkpoints WHERE model = $1 AND version = $2 RETURNING model, version, content)
                    INSERT INTO damaged_model_checkpoints (model, version, problem, content) SELECT model, version, $3, content FROM damaged
                    """,
                    PostgresValue.Of(name), PostgresValue.Of(version), PostgresValue.Of(problem));
                await transaction.Commit();
                return true;
            },
            cancellation);

        private static WeightSummary ReadSummary(DbDataReader row) => new(
            row.GetInt64(0), ArticleColumns.ReadTime(row.GetString(1)), row.IsDBNull(2) ? null : row.GetFloat(2), null, row.GetString(3), row.GetInt64(4), Current: false);
    }
}
