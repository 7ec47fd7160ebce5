using RsrNet.Core.Articles;
using RsrNet.Core.Coordination;
using RsrNet.Core.Documents;
using RsrNet.Core.Replicas;
using RsrNet.Core.Weights;

namespace RsrNet.Core;

/// <summary>All settings of a learner, a section for each stage. Unknown keys in a configuration file are errors.</summary>
public sealed record RsrNetOptions
{
    public ArticleLimits Articles { get; init; } = new();

    public DocumentOptions Documents { get; init; } = new();

    public RecursionOptions Replicas { get; init; } = new();

    public CoordinationOptions Coordination { get; init; } = new();

    public WeightOptions Weights { get; init; } = new();
}
