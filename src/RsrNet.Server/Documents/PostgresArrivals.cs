using Npgsql;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;

namespace RsrNet.Server.Documents;

/// <summary>
/// Stores articles: a question which ids are known, then what is new, both under the row of <c>arrivals</c>. All servers queue there for
/// the time of one commit, so that no sequence becomes visible after a higher one.
/// </summary>
internal static class PostgresArrivals
{
    private const string Known =
        "SELECT id, sequence, revision, content_hash, ingested_at, status FROM documents WHERE id = ANY ($1) ORDER BY sequence FOR UPDATE";

    private const string InsertDocuments =
        """
        INSERT INTO documents (sequence, id, revision, content_hash, ingested_at, headline, has_highlights)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bytea[], $5::text[], $6::text[], $7::boolean[])
        """;

    private const string InsertArticles =
        """
        INSERT INTO articles (sequence, title, text, highlights, labels, published_at)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        """;

    /// <param name="ContentHash">SHA-256 of the content, <see cref="Article.ContentHash"/>.</param>
    /// <param name="Row">What is to be inserted; null where the database has it already.</param>
    private sealed record Place(
        long Sequence, int Revision, byte[] ContentHash, DateTimeOffset IngestedAt, DocumentStatus Status, ArticleRow? Row);

    public static async Task<IReadOnlyList<PutOutcome>> Put(
        PostgresTransaction transaction, IReadOnlyList<ArticleRow> rows, DateTimeOffset now)
    {
        var (places, last) = await ReadKnown(transaction, rows);
        var outcomes = new PutOutcome[rows.Count];
        var replaced = new List<long>();
        var arrived = false;
        for (var i = 0; i < outcomes.Length; i++)
        {
            var (id, hash) = (rows[i].Article.Id, rows[i].ContentHash);
            var known = places.GetValueOrDefault(id);
            if (known is not null && known.ContentHash.AsSpan().SequenceEqual(hash))
            {
                outcomes[i] = new PutOutcome(id, known.Revision, known.Sequence, known.IngestedAt, Duplicate: true, known.Status);
                continue;
            }
            if (known is { Row: null }) replaced.Add(known.Sequence);
            var place = new Place(++last, (known?.Revision ?? 0) + 1, hash, now, DocumentStatus.Pending, rows[i]);
            places[id] = place;
            arrived = true;
            outcomes[i] = new PutOutcome(id, place.Revision, place.Sequence, now, Duplicate: false, place.Status);
        }
        if (!arrived) return outcomes;
        if (replaced.Count > 0) PostgresDocumentStore.Remove(transaction, replaced);
        Insert(transaction, [.. places.Values.Where(place => place.Row is not null)]);
        transaction.Add("UPDATE arrivals SET last = $1", PostgresValue.Of(last));
        await transaction.Commit();
        return outcomes;
    }

    private static async Task<(Dictionary<string, Place> Places, long Last)> ReadKnown(
        PostgresTransaction transaction, IReadOnlyList<ArticleRow> rows)
    {
        var places = new Dictionary<string, Place>(StringComparer.Ordinal);
        transaction.Add("SELECT last FROM arrivals FOR UPDATE");
        // A statement of its own, so that it sees what was committed while the one before waited.
        transaction.Add(Known, PostgresValue.Of(rows.Select(row => row.Article.Id).Distinct().ToArray()));
        await using var known = await transaction.Send();
        await known.ReadAsync();
        var last = known.GetInt64(0);
        await known.NextResultAsync();
        while (await known.ReadAsync())
        {
            places.Add(
                known.GetString(0),
                new Place(
                    known.GetInt64(1), known.GetInt32(2), known.GetFieldValue<byte[]>(3), ArticleColumns.ReadTime(known.GetString(4)),
                    (DocumentStatus)known.GetInt32(5), Row: null));
        }
        return (places, last);
    }

    private static void Insert(PostgresTransaction transaction, Place[] places)
    {
        var articles = Array.ConvertAll(places, place => place.Row!.Article);
        var sequences = Array.ConvertAll(places, place => place.Sequence);
        transaction.Add(
            InsertDocuments,
            PostgresValue.Of(sequences),
            PostgresValue.Of(Array.ConvertAll(articles, article => article.Id)),
            PostgresValue.Of(Array.ConvertAll(places, place => place.Revision)),
            PostgresValue.Of(Array.ConvertAll(places, place => place.ContentHash)),
            PostgresValue.Of(Array.ConvertAll(places, place => ArticleColumns.Time(place.IngestedAt)!)),
            PostgresValue.Of(Array.ConvertAll(articles, article => article.Headline)),
            PostgresValue.Of(Array.ConvertAll(articles, article => article.HasHighlights)));
        transaction.Add(
            InsertArticles,
            PostgresValue.Of(sequences),
            PostgresValue.Of(Array.ConvertAll(articles, article => article.Title)),
            PostgresValue.Of(Array.ConvertAll(articles, article => article.Text)),
            PostgresValue.Of(Array.ConvertAll(places, place => place.Row!.Highlights)),
            PostgresValue.Of(Array.ConvertAll(places, place => place.Row!.Labels)),
            PostgresValue.Of(Array.ConvertAll(articles, article => ArticleColumns.Time(article.PublishedAt))));
    }
}
