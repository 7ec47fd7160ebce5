using RsrNet.Core.Evaluation;

namespace RsrNet.Core.Coordination;

/// <summary>Champion and challenger on the same articles, each foretold before it was learned.</summary>
/// <param name="Challenger">Its options.</param>
/// <param name="Judged">Articles in the window.</param>
/// <param name="Window">Articles it can hold.</param>
/// <param name="Skipped">Articles that the challenger missed because it came behind.</param>
/// <param name="Version">Updates of the challenger's own.</param>
/// <param name="ChampionSimilarity">Mean cosine over the window; null before the first.</param>
/// <param name="ChampionRouge">Mean of ROUGE-1 and -2 F1 of the summaries as served.</param>
/// <param name="Gain">Of the challenger over the champion in cosine, paired, 95%; null before the first.</param>
/// <param name="RougeGain">The same in ROUGE.</param>
/// <param name="PromotedAt">Weight versions at which a challenger took over, since the start.</param>
public sealed record ShadowReport(
    ResidualOptions Challenger, int Judged, int Window, long Skipped, long Version, double? ChampionSimilarity, double? ChallengerSimilarity,
    double? ChampionRouge, double? ChallengerRouge, Interval? Gain, Interval? RougeGain, IReadOnlyList<long> PromotedAt);
