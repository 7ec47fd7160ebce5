using RsrNet.Core.Documents;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Replicas;

/// <summary>Documents that are refined together, each until it is finished.</summary>
/// <param name="documents">Embedded, with the states they begin from.</param>
public sealed class RefinementRun(IReadOnlyList<Document> documents, RsrNetOptions options, TimeProvider time)
{
    private readonly List<(int BaseStep, Document Document)> ended = [];
    private List<Running> running = [.. documents.Select(document => new Running(
        document.State?.Step ?? 0, document.NewRun(), options.Documents.Acceleration > 0 ? new AndersonMixing(options.Documents.Acceleration) : null))];

    /// <summary>Those that are finished, each with the step it began from.</summary>
    public IReadOnlyList<(int BaseStep, Document Document)> Ended => ended;

    /// <summary>Those that are not.</summary>
    public int Count => running.Count;

    public bool IsDone => running.Count == 0;

    /// <summary>One supervision step of those that are not finished.</summary>
    /// <param name="replica">With weights.</param>
    /// <param name="version">Of its weights.</param>
    /// <returns>Whether any is left.</returns>
    public bool Step(Replica replica, long version)
    {
        replica.Place(running.ConvertAll(one => one.Document));
        replica.Refine();
        for (var row = 0; row < running.Count; row++)
        {
            var one = running[row];
            var before = one.Document.State;
            var stepped = replica.Stepped(one.Document, row, trained: false, version, time.GetUtcNow(), options.Documents);
            running[row] = one with { Document = stepped.IsFinished ? stepped : stepped.Mixed(one.Mixing, before) };
        }
        ended.AddRange(running.Where(one => one.Document.IsFinished).Select(one => (one.BaseStep, one.Document)));
        running = running.FindAll(one => !one.Document.IsFinished);
        return !IsDone;
    }

    private readonly record struct Running(int BaseStep, Document Document, AndersonMixing? Mixing);
}
