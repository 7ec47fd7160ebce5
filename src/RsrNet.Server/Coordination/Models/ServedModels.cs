using RsrNet.Core.Coordination.Models;

namespace RsrNet.Server.Coordination.Models;

/// <param name="Models">Null where this server has no text models.</param>
internal sealed record ServedModels(ITextModels? Models)
{
    /// <summary>Empty where there are none, or the cluster does not answer: a page shows what it has.</summary>
    public async Task<IReadOnlyList<ModelStatus>> List()
    {
        try
        {
            return Models is null ? [] : await Models.List();
        }
        catch (Core.Documents.StoreUnavailableException)
        {
            return [];
        }
    }
}
