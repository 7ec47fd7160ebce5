using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Embedding;

/// <summary>A model folder that tests/pytorch/make_bart.py made, with what PyTorch computes from it.</summary>
internal sealed class BartModel : IDisposable
{
    private readonly SafetensorsReader expected;

    public BartModel(string folder)
    {
        Folder = folder;
        expected = SafetensorsReader.Open(Path.Combine(folder, "expected.safetensors"));
    }

    /// <summary>The committed one: d 16, 2 layers, the tiny vocabulary.</summary>
    public static BartModel Tiny() => new(Repository.Golden("bart-tiny"));

    public string Folder { get; }

    public int Texts => Enumerable.Range(0, 1000).First(k => expected.FindShape($"ids.{k}") is null);

    public int[] Ids(int text) => Array.ConvertAll(expected.ReadLongs($"ids.{text}"), id => (int)id);

    /// <summary>The mean of the last hidden state over the text's tokens.</summary>
    public float[] Mean(int text) => expected.ReadFloats($"mean.{text}");

    /// <summary>The mean over the batch's longest text, padding included.</summary>
    public float[] Padded(int text) => expected.ReadFloats($"padded.{text}");

    /// <summary>||a - b|| / ||b||</summary>
    public static double Deviation(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Assert.Equal(b.Length, a.Length);
        double difference = 0, norm = 0;
        for (var i = 0; i < a.Length; i++)
        {
            difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            norm += (double)b[i] * b[i];
        }
        return Math.Sqrt(difference / norm);
    }

    public void Dispose() => expected.Dispose();
}
