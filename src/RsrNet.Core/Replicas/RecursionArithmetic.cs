namespace RsrNet.Core.Replicas;

/// <summary>
/// How many multiply-adds a step of the recursion needs, with the algebra that <see cref="CpuEngine"/> uses: what a share of a machine's peak is
/// counted by. Products only; BatchNorm, losses and the optimiser are left out.
/// </summary>
public static class RecursionArithmetic
{
    /// <summary>A supervision step of training: the cheapest of the ways.</summary>
    /// <param name="rows">B.</param>
    public static long Training(RecursionShape shape, RecursionOptions options, int rows) =>
        Training(Cheapest(shape, options, rows), shape, options, rows);

    /// <summary>The way with the least arithmetic for so many rows.</summary>
    internal static TrainingWay Cheapest(RecursionShape shape, RecursionOptions options, int rows)
    {
        if (options.Calls * options.LatentRecursions == 1) return TrainingWay.Plain;
        var cheapest = TrainingWay.Plain;
        foreach (var way in (ReadOnlySpan<TrainingWay>)[TrainingWay.Mixed, TrainingWay.Folded])
        {
            if (Training(way, shape, options, rows) < Training(cheapest, shape, options, rows)) cheapest = way;
        }
        return cheapest;
    }

    private static long Training(TrainingWay way, RecursionShape shape, RecursionOptions options, int rows) => way switch
    {
        TrainingWay.Plain => Plain(shape, options, rows),
        TrainingWay.Mixed => Mixed(shape, options, rows),
        _ => Folded(shape, options, rows),
    };

    /// <summary>A deep recursion outside training, without the folding of the weights, which is once for a version.</summary>
    public static long Refinement(RecursionShape shape, RecursionOptions options, int rows)
    {
        long d = shape.D, h = shape.H, l = shape.L, calls = options.Calls * options.LatentRecursions;
        // x, the first y and the last one; between two calls the fold; in each call fc2, the latent and its way back.
        return rows * (3 * d * h + (calls - 1) * h * h + calls * (h * h + 2 * h * l));
    }

    /// <summary>y carried from call to call: two products of width d in each, and as many more on the way back.</summary>
    private static long Plain(RecursionShape shape, RecursionOptions options, int rows)
    {
        long d = shape.D, h = shape.H, l = shape.L, calls = options.Calls * options.LatentRecursions, kept = options.Calls;
        var forward = d * h + calls * (2 * d * h + h * h + 2 * h * l);
        var values = kept * (d * h + h * h) + (kept - 1) * (d * h + 2 * h * l);
        var weights = d * h + kept * (2 * d * h + h * h + h * l) + (kept - 1) * h * l;
        return rows * (forward + values + weights);
    }

    /// <summary>v carried instead: products of width h, one of [h, d] by [d, h], and y and its gradient in the calls with gradient.</summary>
    private static long Mixed(RecursionShape shape, RecursionOptions options, int rows)
    {
        long d = shape.D, h = shape.H, l = shape.L, kept = options.Calls;
        var made = options.LatentRecursions > 1 ? kept : kept - 1;
        var weights = (made + kept - 1) * d * h + d * h + kept * (2 * d * h + h * h + h * l) + (kept - 1) * h * l;
        return rows * (FoldedValues(shape, options) + weights) + d * h * h;
    }

    /// <summary>The same, but three products of [h, d] by [d, h] whatever B is instead of y and its gradient.</summary>
    private static long Folded(RecursionShape shape, RecursionOptions options, int rows)
    {
        long d = shape.D, h = shape.H, l = shape.L, kept = options.Calls;
        var folds = options.LatentRecursions > 1 ? kept : kept - 1;
        var first = options.LatentRecursions > 1 ? 0 : d * h + h * l;
        var weights = 2 * d * h + first + kept * h * h + folds * (h * h + h * l) + (kept - 1) * h * l;
        return rows * (FoldedValues(shape, options) + weights) + 3 * d * h * h;
    }

    /// <summary>Values and their gradients where v is carried, for a row.</summary>
    private static long FoldedValues(RecursionShape shape, RecursionOptions options)
    {
        long d = shape.D, h = shape.H, l = shape.L, calls = options.Calls * options.LatentRecursions, kept = options.Calls;
        var forward = 3 * d * h + (calls - 1) * h * h + calls * (h * h + 2 * h * l);
        var values = d * h + kept * h * h + (kept - 1) * (h * h + 2 * h * l);
        return forward + values;
    }
}
