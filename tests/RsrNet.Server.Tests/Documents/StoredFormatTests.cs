using RsrNet.Core.Documents;
using RsrNet.Server.Documents;

namespace RsrNet.Server.Tests.Documents;

/// <summary>
/// Pins the bytes of stored formats: databases in the field hold them. A new format gets a new number, and the old one stays readable.
/// </summary>
public sealed class StoredFormatTests
{
    // format 1; +3 steps, version +7, ticks of 2024-01-02T03:04:05.0000006Z; 0.5, 0.25, 0.75; loss 1.5
    // then +1 step, version -2, +1 s; 0.125, 1, 0; no loss
    private const string GoldenTrajectory =
        "01060E8C82FEABEFCF85DC110000003F0000803E0000403F010000C03F" +
        "020380DAC4090000003E0000803F0000000000";

    private static readonly Trajectory Known = Trajectory.Of(
    [
        new TrajectoryPoint(3, 7, 0.5f, 0.25f, 0.75f, 1.5f, new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(6)),
        new TrajectoryPoint(4, 5, 0.125f, 1f, 0f, null, new DateTimeOffset(2024, 1, 2, 3, 4, 6, TimeSpan.Zero).AddTicks(6)),
    ]);

    [Fact]
    public void Trajectory_IsWrittenAsItEverWas() => Assert.Equal(GoldenTrajectory, Convert.ToHexString(TrajectoryBlob.Of(Known)));

    [Fact]
    public void Trajectory_IsReadAsItEverWas() =>
        Assert.Equal(Known.Points, TrajectoryBlob.Read(Convert.FromHexString(GoldenTrajectory)).Points);

    [Fact]
    public void Trajectory_WithoutPoints_IsOneByte()
    {
        Assert.Equal([1], TrajectoryBlob.Of(Trajectory.Empty));
        Assert.Empty(TrajectoryBlob.Read([1]).Points);
    }

    [Fact]
    public void Trajectory_CutAnywhereInside_IsDamaged()
    {
        var bytes = Convert.FromHexString(GoldenTrajectory);
        var firstPoint = 29;
        for (var length = 2; length < bytes.Length; length++)
        {
            if (length != firstPoint) Assert.Throws<InvalidDataException>(() => TrajectoryBlob.Read(bytes.AsSpan(0, length)));
        }
        Assert.Single(TrajectoryBlob.Read(bytes.AsSpan(0, firstPoint)).Points);
    }

    [Fact]
    public void Trajectory_OfExtremeValues_ComesBack()
    {
        var extreme = Trajectory.Of(
        [
            new TrajectoryPoint(
                int.MaxValue, long.MaxValue, float.NaN, float.PositiveInfinity, 0, float.NegativeInfinity, DateTimeOffset.MaxValue),
            new TrajectoryPoint(0, long.MinValue, -0f, float.Epsilon, 1, 0, DateTimeOffset.MinValue),
        ]);

        Assert.Equal(extreme.Points, TrajectoryBlob.Read(TrajectoryBlob.Of(extreme)).Points);
    }

    [Fact]
    public void Vector_IsLittleEndianSingles()
    {
        float[] vector = [1f, -2f, 0.1f];

        Assert.Equal("0000803F000000C0CDCCCC3D", Convert.ToHexString(VectorBlob.Of(vector)));
        Assert.Equal(vector, VectorBlob.Read(Convert.FromHexString("0000803F000000C0CDCCCC3D")));
        Assert.Throws<InvalidDataException>(() => VectorBlob.Read([1, 2, 3]));
    }

    [Fact]
    public void Cursor_IsStable()
    {
        Assert.Equal("AQAAAAAAAAAq", DocumentCursor.After(42));
        Assert.True(DocumentCursor.TryParse("AQAAAAAAAAAq", out var sequence));
        Assert.Equal(42, sequence);
    }
}
