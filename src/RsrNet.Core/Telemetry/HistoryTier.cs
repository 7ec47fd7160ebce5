namespace RsrNet.Core.Telemetry;

/// <summary>A ring of means over equal parts of time. Not thread-safe.</summary>
/// <param name="width">Numbers of each point.</param>
internal sealed class HistoryTier(TimeSpan interval, int capacity, int width)
{
    private readonly long[] slots = new long[capacity];
    private readonly float[] values = new float[capacity * width];
    private readonly double[] sums = new double[width];
    private readonly int[] counts = new int[width];
    private int count;
    private int first;
    private long open = -1;

    /// <summary>How far back it reaches.</summary>
    public TimeSpan Span => interval * capacity;

    /// <summary>The beginning of the oldest point; null where there is none.</summary>
    public DateTimeOffset? Since => (count > 0 ? slots[first] : open) is >= 0 and var slot ? new DateTimeOffset(slot * interval.Ticks, TimeSpan.Zero) : null;

    public void Add(DateTimeOffset at, ReadOnlySpan<float> point)
    {
        var slot = at.UtcTicks / interval.Ticks;
        if (slot < open || (count > 0 && slot < slots[(first + count - 1) % capacity])) return;
        if (slot > open) Close();
        open = slot;
        for (var i = 0; i < width; i++)
        {
            if (!float.IsFinite(point[i])) continue;
            sums[i] += point[i];
            counts[i]++;
        }
    }

    /// <summary>Points of one number between two times, the open one included, at most so many.</summary>
    public List<HistoryPoint> Read(int series, DateTimeOffset from, DateTimeOffset to, int points)
    {
        var firstSlot = from.UtcTicks / interval.Ticks;
        var lastSlot = to.UtcTicks / interval.Ticks;
        var step = Math.Max(1, (lastSlot - firstSlot + points) / points);
        // Neighbours are joined on a grid of their own, so that a chart that moves on does not flicker.
        var result = new List<HistoryPoint>(points);
        var (group, sum, number) = (long.MinValue, 0.0, 0);
        void Flush()
        {
            if (group == long.MinValue) return;
            var at = new DateTimeOffset((group * step + step / 2) * interval.Ticks, TimeSpan.Zero);
            result.Add(new HistoryPoint(at, number > 0 ? (float)(sum / number) : float.NaN));
        }
        void Take(long slot, float value)
        {
            if (slot < firstSlot || slot > lastSlot) return;
            if (slot / step != group)
            {
                Flush();
                (group, sum, number) = (slot / step, 0, 0);
            }
            if (!float.IsFinite(value)) return;
            sum += value;
            number++;
        }
        for (var i = 0; i < count; i++)
        {
            var place = (first + i) % capacity;
            Take(slots[place], values[place * width + series]);
        }
        if (open >= 0) Take(open, Mean(series));
        Flush();
        return result;
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(interval.Ticks);
        writer.Write(count + (open >= 0 ? 1 : 0));
        for (var i = 0; i < count; i++)
        {
            var place = (first + i) % capacity;
            writer.Write(slots[place]);
            for (var j = 0; j < width; j++) writer.Write(values[place * width + j]);
        }
        if (open < 0) return;
        writer.Write(open);
        for (var j = 0; j < width; j++) writer.Write(Mean(j));
    }

    /// <param name="stored">Numbers of each point in the file: fewer where it is older, more where it is newer than this program.</param>
    /// <exception cref="InvalidDataException">It is no such tier.</exception>
    public void Read(BinaryReader reader, int stored)
    {
        Clear();
        if (reader.ReadInt64() != interval.Ticks) throw new InvalidDataException("another interval");
        var points = reader.ReadInt32();
        if (points < 0 || points > 1_000_000) throw new InvalidDataException("a count that cannot be");
        var point = new float[width];
        for (var i = 0; i < points; i++)
        {
            var slot = reader.ReadInt64();
            Array.Fill(point, float.NaN);
            for (var j = 0; j < stored; j++)
            {
                var value = reader.ReadSingle();
                if (j < width) point[j] = value;
            }
            Append(slot, point);
        }
    }

    public void Clear() => (count, first, open) = (0, 0, -1);

    private void Close()
    {
        if (open < 0) return;
        var point = new float[width];
        for (var i = 0; i < width; i++) point[i] = Mean(i);
        Append(open, point);
        Array.Clear(sums);
        Array.Clear(counts);
        open = -1;
    }

    private void Append(long slot, float[] point)
    {
        // A part of time that a restart cut in two: the later half stands for it.
        var replace = count > 0 && slots[(first + count - 1) % capacity] == slot;
        if (!replace && count == capacity) first = (first + 1) % capacity;
        else if (!replace) count++;
        var place = (first + count - 1) % capacity;
        slots[place] = slot;
        point.CopyTo(values, place * width);
    }

    private float Mean(int series) => counts[series] > 0 ? (float)(sums[series] / counts[series]) : float.NaN;
}
