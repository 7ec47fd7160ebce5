namespace RsrNet.Core.Numerics;

/// <summary>Platt's calibration (Platt 1999): probability = sigmoid(offset + slope * score), fitted to what came of earlier scores.</summary>
/// <param name="Offset">Log odds at score 0.</param>
/// <param name="Slope">Log odds for each unit of score.</param>
public readonly record struct LogisticLine(double Offset, double Slope)
{
    private const int Iterations = 8;

    public double Probability(double score) => 1 / (1 + Math.Exp(-(Offset + Slope * score)));

    /// <summary>The likeliest line, held to this one as by a few observations: Newton's method on the penalised likelihood, which is concave.</summary>
    /// <param name="judged">Scores and whether they came true.</param>
    /// <param name="weight">Curvature of the penalty; above 0.</param>
    public LogisticLine Fit(IReadOnlyList<(double Score, bool True)> judged, double weight)
    {
        var (offset, slope) = (Offset, Slope);
        for (var iteration = 0; iteration < Iterations; iteration++)
        {
            double g0 = weight * (Offset - offset), g1 = weight * (Slope - slope), h00 = weight, h01 = 0, h11 = weight;
            foreach (var (score, came) in judged)
            {
                var p = new LogisticLine(offset, slope).Probability(score);
                var (error, curvature) = ((came ? 1 : 0) - p, p * (1 - p));
                g0 += error;
                g1 += error * score;
                h00 += curvature;
                h01 += curvature * score;
                h11 += curvature * score * score;
            }
            var determinant = h00 * h11 - h01 * h01;
            offset += (h11 * g0 - h01 * g1) / determinant;
            slope += (h00 * g1 - h01 * g0) / determinant;
        }
        return new LogisticLine(offset, slope);
    }
}
