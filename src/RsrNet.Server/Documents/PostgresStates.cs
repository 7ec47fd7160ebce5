using System.Security.Cryptography;
using System.Text;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Saves what supervision steps changed: a question which documents are still there and which embeddings they have, then the changes. The
/// rows are locked in order of sequence, so that servers that save the same documents wait for each other and never in a circle.
/// </summary>
internal static class PostgresStates
{
    private const string Present =
        """
        SELECT d.sequence, d.id, e.fingerprint FROM documents d LEFT JOIN embeddings e ON e.sequence = d.sequence
        WHERE d.sequence = ANY ($1) ORDER BY d.sequence FOR UPDATE OF d
        """;

    private const string UpdateDocuments =
        """
        UPDATE documents d SET status = r.status, failure = r.failure, learned_at = r.learned_at, run_start = r.run_start,
            step = r.step, weight_version = r.weight_version, residual_y = r.residual_y, residual_z = r.residual_z,
            confidence = r.confidence, loss = r.loss, similarity = r.similarity
        FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::integer[],
            $6::integer[], $7::bigint[], $8::real[], $9::real[],
            $10::real[], $11::real[], $12::real[])
            r (sequence, status, failure, learned_at, run_start, step, weight_version, residual_y, residual_z, confidence, loss, similarity)
        WHERE d.sequence = r.sequence
        """;

    private const string WriteStates =
        """
        INSERT INTO states (sequence, y, z, trajectory) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])
        ON CONFLICT (sequence) DO UPDATE SET y = excluded.y, z = excluded.z, trajectory = excluded.trajectory
        """;

    private const string WriteEmbeddings =
        """
        INSERT INTO embeddings (sequence, encoder, fingerprint, x, t)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
        ON CONFLICT (sequence) DO UPDATE SET encoder = excluded.encoder, fingerprint = excluded.fingerprint, x = excluded.x, t = excluded.t
        """;

    /// <returns>For each row whether it was saved; false where its document was deleted or has a newer revision.</returns>
    public static async Task<IReadOnlyList<bool>> Save(PostgresTransaction transaction, IReadOnlyList<StateRow> rows)
    {
        var present = new Dictionary<long, (string Id, byte[]? Fingerprint)>();
        transaction.Add(Present, PostgresValue.Of(rows.Select(row => row.Document.Sequence).Distinct().ToArray()));
        await using (var found = await transaction.Send())
        {
            while (await found.ReadAsync())
                present.Add(found.GetInt64(0), (found.GetString(1), found.IsDBNull(2) ? null : found.GetFieldValue<byte[]>(2)));
        }
        // The sequence is never given twice, so it tells a document that was deleted and came again from the one it was before.
        var saved = rows
            .Select(row => present.TryGetValue(row.Document.Sequence, out var document) && document.Id == row.Document.Id)
            .ToArray();
        // A document that is there twice, of two calls perhaps, becomes what the later one says.
        var latest = new Dictionary<long, StateRow>();
        for (var i = 0; i < saved.Length; i++)
        {
            if (saved[i]) latest[rows[i].Document.Sequence] = rows[i];
        }
        if (latest.Count == 0) return saved;
        Update(transaction, [.. latest.Values]);
        UpdateEmbeddings(transaction, latest.Values, present);
        await transaction.Commit();
        return saved;
    }

    private static void Update(PostgresTransaction transaction, StateRow[] rows)
    {
        var documents = Array.ConvertAll(rows, row => row.Document);
        var states = Array.ConvertAll(documents, document => document.State);
        var sequences = Array.ConvertAll(documents, document => document.Sequence);
        transaction.Add(
            UpdateDocuments,
            PostgresValue.Of(sequences),
            PostgresValue.Of(Array.ConvertAll(documents, document => (int)document.Status)),
            PostgresValue.Of(Array.ConvertAll(documents, document => document.Failure)),
            PostgresValue.Of(Array.ConvertAll(documents, document => document.LearnedAt)),
            PostgresValue.Of(Array.ConvertAll(documents, document => document.RunStart)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.Step)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.WeightVersion)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.ResidualY)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.ResidualZ)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.Confidence)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.Loss)),
            PostgresValue.Of(Array.ConvertAll(states, state => state?.Similarity)));
        transaction.Add(
            WriteStates,
            PostgresValue.Of(sequences),
            PostgresValue.Of(Array.ConvertAll(rows, row => row.Y)),
            PostgresValue.Of(Array.ConvertAll(rows, row => row.Z)),
            PostgresValue.Of(Array.ConvertAll(rows, row => row.Trajectory)));
    }

    /// <summary>
    /// x and t do not change from step to step: they are sent only where their fingerprint is another, which spares half of the traffic.
    /// </summary>
    private static void UpdateEmbeddings(
        PostgresTransaction transaction, IEnumerable<StateRow> rows, Dictionary<long, (string Id, byte[]? Fingerprint)> present)
    {
        var changed = new List<(StateRow Row, byte[] Fingerprint)>();
        var gone = new List<long>();
        foreach (var row in rows)
        {
            var stored = present[row.Document.Sequence].Fingerprint;
            if (row.Document.Embedding is not { } embedding)
            {
                if (stored is not null) gone.Add(row.Document.Sequence);
                continue;
            }
            var fingerprint = Fingerprint(embedding, row);
            if (!fingerprint.AsSpan().SequenceEqual(stored)) changed.Add((row, fingerprint));
        }
        if (gone.Count > 0) transaction.Add("DELETE FROM embeddings WHERE sequence = ANY ($1)", PostgresValue.Of(gone.ToArray()));
        if (changed.Count == 0) return;
        transaction.Add(
            WriteEmbeddings,
            PostgresValue.Of(changed.Select(change => change.Row.Document.Sequence).ToArray()),
            PostgresValue.Of(changed.Select(change => change.Row.Document.Embedding!.EncoderId).ToArray()),
            PostgresValue.Of(changed.Select(change => change.Fingerprint).ToArray()),
            PostgresValue.Of(changed.Select(change => change.Row.X!).ToArray()),
            PostgresValue.Of(changed.Select(change => change.Row.T).ToArray()));
    }

    /// <summary>SHA-256 over encoder, x and t, each with its length before it; -1 for no t.</summary>
    private static byte[] Fingerprint(DocumentEmbedding embedding, StateRow row)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(Encoding.UTF8.GetBytes(embedding.EncoderId));
        Append(row.X);
        Append(row.T);
        return hash.GetHashAndReset();

        void Append(byte[]? part)
        {
            hash.AppendData(BitConverter.GetBytes(part?.Length ?? -1));
            if (part is not null) hash.AppendData(part);
        }
    }
}
