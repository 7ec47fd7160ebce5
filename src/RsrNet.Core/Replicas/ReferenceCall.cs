namespace RsrNet.Core.Replicas;

/// <summary>
/// One call of the network and what its backward pass needs: u = relu(bn1(fc1([x, y, z]))); v = relu(bn2(fc2(u))); y' = fc_out(v); z' =
/// relu(fc_latent(v)). B = rows; d, h, L = the network's sizes.
/// </summary>
internal sealed class ReferenceCall(ReferenceNetwork network, int capacity)
{
    private readonly RecursionShape shape = network.Shape;
    private readonly double[] input = new double[capacity * network.Shape.Input];
    private readonly double[] normalised1 = new double[capacity * network.Shape.H];
    private readonly double[] normalised2 = new double[capacity * network.Shape.H];
    private readonly double[] scale1 = new double[network.Shape.H];
    private readonly double[] scale2 = new double[network.Shape.H];
    private readonly double[] u = new double[capacity * network.Shape.H];
    private readonly double[] v = new double[capacity * network.Shape.H];

    public int Capacity => capacity;

    /// <summary>[B, d] y'</summary>
    public double[] Y { get; } = new double[capacity * network.Shape.D];

    /// <summary>[B, L] z'</summary>
    public double[] Z { get; } = new double[capacity * network.Shape.L];

    /// <param name="x">[B, d]</param>
    /// <param name="y">[B, d]; may be this call's own <see cref="Y"/>.</param>
    /// <param name="z">[B, L]; may be this call's own <see cref="Z"/>.</param>
    /// <param name="training">Batch statistics, which move the running ones; else the running ones.</param>
    public void Forward(float[] x, double[] y, double[] z, int rows, bool training)
    {
        var (d, h, l) = shape;
        for (var row = 0; row < rows; row++)
        {
            var target = input.AsSpan(row * shape.Input, shape.Input);
            for (var i = 0; i < d; i++) target[i] = x[row * d + i];
            y.AsSpan(row * d, d).CopyTo(target[d..]);
            z.AsSpan(row * l, l).CopyTo(target[(2 * d)..]);
        }
        network.Fc1.Forward(input, u, rows);
        if (training) network.Bn1.Forward(u, normalised1, scale1, rows);
        else network.Bn1.Refine(u, rows);
        Relu(u, rows * h);
        network.Fc2.Forward(u, v, rows);
        if (training) network.Bn2.Forward(v, normalised2, scale2, rows);
        else network.Bn2.Refine(v, rows);
        Relu(v, rows * h);
        network.FcOut.Forward(v, Y, rows);
        network.FcLatent.Forward(v, Z, rows);
        Relu(Z, rows * l);
    }

    /// <summary>Adds this call's part to the gradient of the parameters.</summary>
    /// <param name="y">[B, d] gradient of y'; replaced by the gradient of y.</param>
    /// <param name="z">[B, L] gradient of z'; replaced by the gradient of z.</param>
    public void Backward(double[] y, double[] z, int rows)
    {
        var (d, h, l) = shape;
        var hidden2 = new double[rows * h];
        var hidden1 = new double[rows * h];
        var inputs = new double[rows * shape.Input];
        ReluBackward(Z, z, rows * l);
        network.FcLatent.Backward(v, z, hidden2, rows);
        network.FcOut.Backward(v, y, hidden2, rows);
        ReluBackward(v, hidden2, rows * h);
        network.Bn2.Backward(hidden2, normalised2, scale2, rows);
        network.Fc2.Backward(u, hidden2, hidden1, rows);
        ReluBackward(u, hidden1, rows * h);
        network.Bn1.Backward(hidden1, normalised1, scale1, rows);
        network.Fc1.Backward(input, hidden1, inputs, rows);
        for (var row = 0; row < rows; row++)
        {
            var source = inputs.AsSpan(row * shape.Input, shape.Input);
            source.Slice(d, d).CopyTo(y.AsSpan(row * d, d));
            source[(2 * d)..].CopyTo(z.AsSpan(row * l, l));
        }
    }

    private static void Relu(double[] values, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (values[i] < 0) values[i] = 0; // not Math.Max: a NaN must stay one
        }
    }

    /// <param name="output">Of the forward pass: 0 where the ReLU was closed.</param>
    private static void ReluBackward(double[] output, double[] gradient, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (output[i] == 0) gradient[i] = 0;
        }
    }
}
