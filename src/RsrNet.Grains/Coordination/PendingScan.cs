using RsrNet.Core.Documents;

namespace RsrNet.Grains.Coordination;

/// <summary>
/// Walks along the documents that wait, in order of arrival: those that are pending from where it stopped before, and, each time it begins anew, those that
/// somebody had begun to refine and did not finish.
/// </summary>
internal sealed class PendingScan(IDocumentStore store, int page)
{
    private string? pending;
    private string? refining;
    private bool morePending = true;
    private bool moreRefining = true;
    private int beginnings;

    public bool HasMore => morePending || moreRefining;

    /// <summary>There are new ones behind those it has seen.</summary>
    public void OnArrival() => morePending = true;

    public void FromTheStart()
    {
        (pending, refining) = (null, null);
        (morePending, moreRefining) = (true, true);
        beginnings++;
    }

    /// <summary>The ids of the next page; may be empty.</summary>
    public async Task<IReadOnlyList<string>> Next()
    {
        var beginning = beginnings;
        if (moreRefining)
        {
            var begun = await store.List(new DocumentQuery(DocumentStatus.Refining, page, refining));
            if (beginning == beginnings) (refining, moreRefining) = (begun.Next, begun.Next is not null);
            return [.. begun.Items.Select(item => item.Id)];
        }
        // Arrivals from here on are told again.
        morePending = false;
        var waiting = await store.List(new DocumentQuery(DocumentStatus.Pending, page, pending));
        if (beginning == beginnings && waiting.Next is not null) (pending, morePending) = (waiting.Next, true);
        return [.. waiting.Items.Select(item => item.Id)];
    }
}
