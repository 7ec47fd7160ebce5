namespace RsrNet.Core.Replicas;

/// <summary>Where each tensor begins in the flat buffers.</summary>
internal readonly struct CpuSlots(ParameterLayout layout)
{
    public int Fc1Weight { get; } = Offset(layout, "fc1.weight");

    public int Fc1Bias { get; } = Offset(layout, "fc1.bias");

    public int Bn1Weight { get; } = Offset(layout, "bn1.weight");

    public int Bn1Bias { get; } = Offset(layout, "bn1.bias");

    public int Fc2Weight { get; } = Offset(layout, "fc2.weight");

    public int Fc2Bias { get; } = Offset(layout, "fc2.bias");

    public int Bn2Weight { get; } = Offset(layout, "bn2.weight");

    public int Bn2Bias { get; } = Offset(layout, "bn2.bias");

    public int LatentWeight { get; } = Offset(layout, "fc_latent.weight");

    public int LatentBias { get; } = Offset(layout, "fc_latent.bias");

    public int OutWeight { get; } = Offset(layout, "fc_out.weight");

    public int OutBias { get; } = Offset(layout, "fc_out.bias");

    public int AuxWeight { get; } = Offset(layout, "fc_aux.weight");

    public int Mean1 { get; } = Statistic(layout, "bn1.running_mean");

    public int Variance1 { get; } = Statistic(layout, "bn1.running_var");

    public int Mean2 { get; } = Statistic(layout, "bn2.running_mean");

    public int Variance2 { get; } = Statistic(layout, "bn2.running_var");

    private static int Offset(ParameterLayout layout, string name) => layout.Parameters[layout.IndexOfParameter(name)].Offset;

    private static int Statistic(ParameterLayout layout, string name) => layout.Statistics[layout.IndexOfStatistic(name)].Offset;
}
