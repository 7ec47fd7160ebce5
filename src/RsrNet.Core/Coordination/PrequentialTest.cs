using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;

namespace RsrNet.Core.Coordination;

/// <summary>
/// Test before training in the residual mode: what a reader was given of each labelled document, and what is learned from that. A document's prediction is its
/// first step of refinement, from the beginning; highlights that came late are held against what was foretold while nobody knew them.
/// </summary>
/// <param name="replica">Its rows are used up by a test.</param>
/// <param name="steps">Supervision steps of a prediction.</param>
internal sealed class PrequentialTest(Replica replica, int steps)
{
    /// <param name="documents">With highlights and at least one sentence each.</param>
    /// <param name="served">The weights from before.</param>
    /// <param name="version">Theirs.</param>
    /// <param name="learning">How the mode learns now.</param>
    /// <param name="onStepped">Told of each step that is one of the document's own: its number among the documents, and its row.</param>
    /// <returns>One for each document.</returns>
    public List<Lesson> Judge(
        IReadOnlyList<Document> documents, RecursionWeights served, long version, ResidualOptions learning, Action<int, int> onStepped)
    {
        replica.Load(served, version);
        List<int> foretold = [.. Enumerable.Range(0, documents.Count).Where(number => !documents[number].WasForetold)];
        replica.Place(foretold.ConvertAll(number => documents[number].Afresh()));
        for (var step = 0; step < steps && foretold.Count > 0; step++)
        {
            replica.Refine();
            for (var row = 0; row < foretold.Count; row++)
            {
                if (documents[foretold[row]].State?.Loss is null) onStepped(foretold[row], row);
            }
        }
        var statistics = new ResidualStatistics(served);
        var readout = learning.NewReadout();
        var lessons = new List<Lesson>(documents.Count);
        var next = 0;
        for (var number = 0; number < documents.Count; number++)
        {
            var document = documents[number];
            var y = next < foretold.Count && foretold[next] == number ? replica.Y(next++) : document.State!.Y;
            lessons.Add(Lesson.Of(ReadArticle.Of(document), y, statistics, readout, replica.Read(document.Embedding!)));
        }
        return lessons;
    }
}
