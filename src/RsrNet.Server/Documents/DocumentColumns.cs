using System.Data.Common;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Which columns a document is read from, and how: the same in SQLite and in PostgreSQL. The tables are <c>documents d</c>, <c>articles
/// a</c>, <c>embeddings e</c> and <c>states s</c>.
/// </summary>
internal static class DocumentColumns
{
    /// <summary>What <see cref="ReadWhole"/> reads.</summary>
    public const string Whole =
        """
        d.sequence, d.id, d.revision, d.ingested_at, a.title, d.status, d.failure, d.learned_at, d.run_start, d.step, d.weight_version,
        d.residual_y, d.residual_z, d.confidence, d.loss, d.similarity, a.text, a.highlights, a.labels, a.published_at,
        e.encoder, e.x, e.t, s.y, s.z, s.trajectory
        """;

    /// <summary>The other tables of <see cref="Whole"/>, after <c>FROM documents d</c>.</summary>
    public const string Joins =
        " JOIN articles a ON a.sequence = d.sequence LEFT JOIN embeddings e ON e.sequence = d.sequence " +
        "LEFT JOIN states s ON s.sequence = d.sequence ";

    /// <summary>What <see cref="ReadListed"/> reads, from <c>documents</c> alone.</summary>
    public const string Listed =
        "sequence, id, revision, headline, status, ingested_at, has_highlights, step, weight_version, " +
        "residual_y, residual_z, confidence, loss, similarity";

    /// <summary>What <see cref="ReadIndexed"/> reads and from where, up to the condition.</summary>
    public const string Indexed =
        """
        SELECT e.sequence, d.id, d.headline, e.x, s.y FROM embeddings e JOIN documents d ON d.sequence = e.sequence
        LEFT JOIN states s ON s.sequence = e.sequence
        """;

    public static Document ReadWhole(DbDataReader row) => new()
    {
        Sequence = row.GetInt64(0),
        Revision = row.GetInt32(2),
        IngestedAt = ArticleColumns.ReadTime(row.GetString(3)),
        Article = new Article(row.GetString(1), row.GetString(16))
        {
            Title = TextOrNull(row, 4),
            Highlights = ArticleColumns.ReadHighlights(TextOrNull(row, 17)),
            Labels = ArticleColumns.ReadLabels(TextOrNull(row, 18)),
            PublishedAt = TextOrNull(row, 19) is { } published ? ArticleColumns.ReadTime(published) : null,
        },
        Status = (DocumentStatus)row.GetInt32(5),
        Failure = TextOrNull(row, 6),
        LearnedAt = row.IsDBNull(7) ? null : row.GetInt64(7),
        RunStart = row.GetInt32(8),
        Embedding = row.IsDBNull(20) ? null : new DocumentEmbedding(row.GetString(20), Vector(row, 21), VectorOrNull(row, 22)),
        State = row.IsDBNull(9)
            ? null
            : new RefinementState(
                Vector(row, 23), Vector(row, 24), row.GetInt32(9), row.GetInt64(10), Single(row, 11), Single(row, 12), Single(row, 13),
                SingleOrNull(row, 14), SingleOrNull(row, 15)),
        Trajectory = row.IsDBNull(25) ? Trajectory.Empty : TrajectoryBlob.Read(row.GetFieldValue<byte[]>(25)),
    };

    public static (long Sequence, DocumentListItem Item) ReadListed(DbDataReader row)
    {
        var refined = !row.IsDBNull(7);
        var item = new DocumentListItem(
            row.GetString(1), row.GetInt32(2), row.GetString(3), (DocumentStatus)row.GetInt32(4), ArticleColumns.ReadTime(row.GetString(5)),
            row.GetBoolean(6), refined ? row.GetInt32(7) : 0, refined ? row.GetInt64(8) : null, refined ? Single(row, 9) : null,
            refined ? Single(row, 10) : null, refined ? Single(row, 11) : null, SingleOrNull(row, 12), SingleOrNull(row, 13));
        return (row.GetInt64(0), item);
    }

    /// <param name="rows">In order of sequence, one more than the limit where there are so many.</param>
    public static DocumentPage PageOf(List<(long Sequence, DocumentListItem Item)> rows, int limit) =>
        rows.Count <= limit
            ? new DocumentPage(rows.ConvertAll(row => row.Item), null)
            : new DocumentPage(rows.GetRange(0, limit).ConvertAll(row => row.Item), DocumentCursor.After(rows[limit - 1].Sequence));

    public static (long Sequence, IndexedDocument Document) ReadIndexed(DbDataReader row) =>
        (row.GetInt64(0), new IndexedDocument(row.GetString(1), row.GetString(2), Vector(row, 3), VectorOrNull(row, 4)));

    private static string? TextOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static float[] Vector(DbDataReader row, int column) => VectorBlob.Read(row.GetFieldValue<byte[]>(column));

    private static float[]? VectorOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : Vector(row, column);

    /// <summary>SQLite keeps NaN as NULL; a number that must be there was one.</summary>
    private static float Single(DbDataReader row, int column) => row.IsDBNull(column) ? float.NaN : row.GetFloat(column);

    private static float? SingleOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFloat(column);
}
