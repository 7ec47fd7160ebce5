using System.Globalization;
using Npgsql;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// The tables, in a schema of their own (<c>rsrnet</c> unless the connection string names another with <c>Search Path</c>). Documents are
/// split as in SQLite: what each supervision step changes is in <c>states</c>, so that a step rewrites neither text nor x and t.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>Raise it with every change of the tables or of the blobs in them, and keep reading the ones before.</summary>
    public const int Version = 3;

    /// <summary>
    /// Any number will do, as long as every version of RSR-Net takes the same: two servers that start at once must not both create the
    /// tables.
    /// </summary>
    private const long CreationLock = 0x5253_524E_6574_0001;

    /// <summary>Rows among which writers spread what they add to the counts, so that they seldom wait for each other.</summary>
    private const int CountSlots = 16;

    // arrivals has one row: the last sequence given. Whoever stores articles holds that row until the commit, so that sequences become
    // visible in order, and a reader who goes on after the last one it saw misses nothing. A sequence is never given twice.
    //
    // Vectors do not compress: EXTERNAL spares the attempt. Texts do, and lz4, where the server has it, stores a batch in half of pglz's
    // time.
    //
    // Counting a million rows takes long, so triggers keep the counts, once a statement. A slot's row is locked after all rows of documents
    // are: two writers can wait for each other, but never in a circle.
    private const string Tables = """
        CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
        CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);
        CREATE TABLE arrivals (place integer PRIMARY KEY DEFAULT 1 CHECK (place = 1), last bigint NOT NULL);
        INSERT INTO arrivals (last) VALUES (0);
        CREATE TABLE documents (
            sequence bigint PRIMARY KEY,
            id text COLLATE "C" NOT NULL UNIQUE,
            revision integer NOT NULL,
            content_hash bytea NOT NULL,
            ingested_at text NOT NULL,
            headline text NOT NULL,
            has_highlights boolean NOT NULL,
            status integer NOT NULL DEFAULT 0,
            failure text,
            learned_at bigint,
            run_start integer NOT NULL DEFAULT 0,
            step integer,
            weight_version bigint,
            residual_y real,
            residual_z real,
            confidence real,
            loss real,
            similarity real
        );
        CREATE INDEX documents_by_status ON documents (status, sequence);
        CREATE INDEX documents_unfinished ON documents (sequence) WHERE status < 2;
        CREATE INDEX documents_finished ON documents (weight_version, sequence) WHERE status IN (2, 3, 4);
        CREATE INDEX documents_learned ON documents (learned_at, sequence) WHERE learned_at IS NOT NULL;
        CREATE TABLE articles (
            sequence bigint PRIMARY KEY,
            title text,
            text text NOT NULL,
            highlights text,
            labels text,
            published_at text
        );
        DO $$ BEGIN
            EXECUTE 'ALTER TABLE articles ALTER text SET COMPRESSION lz4';
        EXCEPTION WHEN others THEN NULL;
        END $$;
        CREATE TABLE embeddings (
            sequence bigint PRIMARY KEY, encoder text NOT NULL, fingerprint bytea NOT NULL, x bytea NOT NULL, t bytea
        );
        ALTER TABLE embeddings ALTER x SET STORAGE EXTERNAL, ALTER t SET STORAGE EXTERNAL;
        CREATE TABLE states (sequence bigint PRIMARY KEY, y bytea, z bytea, trajectory bytea NOT NULL);
        ALTER TABLE states ALTER y SET STORAGE EXTERNAL, ALTER z SET STORAGE EXTERNAL, ALTER trajectory SET STORAGE EXTERNAL;
        CREATE TABLE document_counts (
            slot integer PRIMARY KEY,
            pending bigint NOT NULL DEFAULT 0,
            refining bigint NOT NULL DEFAULT 0,
            converged bigint NOT NULL DEFAULT 0,
            exhausted bigint NOT NULL DEFAULT 0,
            failed bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 10);
        CREATE FUNCTION add_to_counts(change integer[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
            UPDATE document_counts SET pending = pending + change[1], refining = refining + change[2], converged = converged + change[3],
                exhausted = exhausted + change[4], failed = failed + change[5] WHERE slot = pg_backend_pid() % SLOTS
        $$;
        CREATE FUNCTION count_documents() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        DECLARE change integer[];
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                SELECT array[-count(*) FILTER (WHERE status = 0), -count(*) FILTER (WHERE status = 1), -count(*) FILTER (WHERE status = 2),
                    -count(*) FILTER (WHERE status = 3), -count(*) FILTER (WHERE status = 4)] INTO change FROM removed;
                PERFORM add_to_counts(change);
            END IF;
            IF TG_OP <> 'DELETE' THEN
                SELECT array[count(*) FILTER (WHERE status = 0), count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2),
                    count(*) FILTER (WHERE status = 3), count(*) FILTER (WHERE status = 4)] INTO change FROM added;
                PERFORM add_to_counts(change);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER count_inserted AFTER INSERT ON documents REFERENCING NEW TABLE AS added EXECUTE FUNCTION count_documents();
        CREATE TRIGGER count_updated AFTER UPDATE ON documents REFERENCING OLD TABLE AS removed NEW TABLE AS added
            EXECUTE FUNCTION count_documents();
        CREATE TRIGGER count_deleted AFTER DELETE ON documents REFERENCING OLD TABLE AS removed EXECUTE FUNCTION count_documents();
        CREATE TABLE checkpoints (
            version bigint PRIMARY KEY,
            created_at text NOT NULL,
            loss real,
            encoder text,
            mode text NOT NULL,
            bytes bigint NOT NULL,
            pinned boolean NOT NULL DEFAULT false,
            content bytea NOT NULL
        );
        ALTER TABLE checkpoints ALTER content SET STORAGE EXTERNAL;
        CREATE TABLE damaged_checkpoints (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version bigint NOT NULL, problem text NOT NULL, content bytea NOT NULL
        );
        """;

    /// <summary>Those of the text models. A model's term is the number of times that somebody began to learn it.</summary>
    private const string ModelTables = """
        CREATE TABLE models (name text COLLATE "C" PRIMARY KEY, description text NOT NULL, term bigint NOT NULL DEFAULT 0);
        CREATE TABLE model_checkpoints (
            model text COLLATE "C" NOT NULL REFERENCES models (name) ON DELETE CASCADE,
            version bigint NOT NULL,
            created_at text NOT NULL,
            loss real,
            mode text NOT NULL,
            bytes bigint NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (model, version)
        );
        ALTER TABLE model_checkpoints ALTER content SET STORAGE EXTERNAL;
        CREATE TABLE damaged_model_checkpoints (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model text NOT NULL, version bigint NOT NULL, problem text NOT NULL, content bytea NOT NULL
        );
        """;

    /// <summary>What changes tables of schema 1: checkpoints that are kept for good.</summary>
    private const string FromVersion1 = """
        ALTER TABLE checkpoints ADD COLUMN pinned boolean NOT NULL DEFAULT false;
        """;

    /// <summary>What changes tables of schema 2: the text models' were not there.</summary>
    private const string FromVersion2 = ModelTables + "UPDATE meta SET value = '3' WHERE name = 'schema';";

    /// <summary>Creates the tables where there are none, one server at a time; otherwise checks that this version knows them, and changes older ones.</summary>
    /// <param name="schema">Where the tables are; the connection's search path has it alone.</param>
    /// <param name="place">The database's name for messages.</param>
    /// <exception cref="StoreUnavailableException">
    /// The database is of a newer version or of another program, or keeps no Unicode.
    /// </exception>
    public static async Task Ensure(NpgsqlConnection connection, string schema, string place, CancellationToken cancellation)
    {
        var encoding = await Scalar(connection, "SHOW server_encoding", cancellation) as string;
        if (encoding != "UTF8")
            throw new StoreUnavailableException($"{place} keeps text as {encoding}; create one with ENCODING 'UTF8' TEMPLATE template0");
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await Run(connection, $"SELECT pg_advisory_xact_lock({CreationLock})", cancellation);
        var tables = (string[])(await Scalar(
            connection, "SELECT coalesce(array_agg(tablename::text), '{}') FROM pg_tables WHERE schemaname = $1", cancellation, schema))!;
        if (tables.Length == 0)
        {
            // CREATE SCHEMA needs a right that CREATE TABLE in a schema that is there already does not.
            if (await Scalar(connection, "SELECT 1 FROM pg_namespace WHERE nspname = $1", cancellation, schema) is null)
                await Run(connection, $"CREATE SCHEMA {Quoted(schema)}", cancellation);
            var slots = CountSlots.ToString(CultureInfo.InvariantCulture);
            await Run(connection, Tables.Replace("SLOTS", slots, StringComparison.Ordinal), cancellation);
            await Run(connection, ModelTables, cancellation);
            await Run(connection, $"INSERT INTO document_counts (slot) SELECT generate_series(0, {CountSlots - 1})", cancellation);
            await Run(connection, $"INSERT INTO meta VALUES ('schema', '{Version}')", cancellation);
        }
        else if (!tables.Contains("meta") || !tables.Contains("documents"))
        {
            throw new StoreUnavailableException(
                $"{place} has tables of another program in its schema '{schema}'; name another with 'Search Path=...' in Server.Database");
        }
        else await Check(connection, place, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    public static async Task<object?> Scalar(NpgsqlConnection connection, string sql, CancellationToken cancellation, string? value = null)
    {
#pragma warning disable CA2100 // Constants of this class.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        if (value is not null) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        return await command.ExecuteScalarAsync(cancellation);
    }

    private static async Task Check(NpgsqlConnection connection, string place, CancellationToken cancellation)
    {
        var found = await Scalar(connection, "SELECT value FROM meta WHERE name = 'schema'", cancellation) as string;
        if (!int.TryParse(found, NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version < 1)
            throw new StoreUnavailableException($"{place} does not say which schema it has ('{found}'); bring it back from a backup");
        if (version > Version)
        {
            throw new StoreUnavailableException(
                $"{place} was written by a newer version of RSR-Net (schema {version}, this one knows up to {Version}); " +
                "update RSR-Net, or use another database");
        }
        if (version < 2) await Run(connection, FromVersion1, cancellation);
        if (version < 3) await Run(connection, FromVersion2, cancellation);
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static async Task Run(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
#pragma warning disable CA2100 // Constants of this class; the one name in them is quoted.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
