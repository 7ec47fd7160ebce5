using RsrNet.Core.Coordination.Models;

namespace RsrNet.Server.Coordination.Models;

/// <summary>A text that is being made, whose first piece can be waited for before anything is answered.</summary>
internal sealed class GeneratedPieces : IAsyncDisposable
{
    private readonly CancellationTokenSource ending;
    private readonly IAsyncEnumerator<string> pieces;
    private bool hasFirst;

    /// <param name="cancellation">The asker's.</param>
    /// <param name="stopping">The server's.</param>
    public GeneratedPieces(ITextModel model, string prompt, GenerationOptions generation, CancellationToken cancellation, CancellationToken stopping)
    {
        ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping);
        pieces = model.Generate(prompt, generation, ending.Token).GetAsyncEnumerator(ending.Token);
    }

    public async Task Begin() => hasFirst = await pieces.MoveNextAsync();

    /// <summary>All of them, the first included.</summary>
    public async IAsyncEnumerable<string> Read()
    {
        if (!hasFirst) yield break;
        do yield return pieces.Current;
        while (await pieces.MoveNextAsync());
    }

    public async ValueTask DisposeAsync()
    {
        // A piece that is waited for ends when it is told to.
        await ending.CancelAsync();
        await pieces.DisposeAsync();
        ending.Dispose();
    }
}
