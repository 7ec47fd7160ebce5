using System.Diagnostics;
using System.Runtime.Intrinsics;

namespace RsrNet.Core.Numerics;

/// <summary>
/// C = alpha * A * B + beta * C in single precision, with either side as it lies or transposed. Not thread-safe: one product at a time.
/// Nothing is allocated once its buffers have grown to the largest product.
/// </summary>
/// <remarks>
/// Threads share out rows or columns of C, never a sum, so the result does not depend on how many there are. It differs between vector
/// widths in the last digits only where one width has no fused multiply-add. Blocking follows Goto and van de Geijn, "Anatomy of
/// High-Performance Matrix Multiplication" (2008), with the roles that suit rows: a tile of A in the
/// first cache, some panels of B in the second.
/// </remarks>
public abstract unsafe class MatrixProduct : IDisposable
{
    private protected MatrixProduct(VectorWidth width) => Width = width;

    public VectorWidth Width { get; }

    /// <param name="width">Vectors to compute with.</param>
    /// <param name="team">Threads to share the work; null for the caller's alone.</param>
    /// <exception cref="ArgumentException">This machine has no such vectors.</exception>
    public static MatrixProduct Create(VectorWidth width, WorkerTeam? team = null) => VectorWidths.Check(width) switch
    {
        VectorWidth.Vector512 => new MatrixProduct<Simd512, Vector512<float>>(width, team),
        VectorWidth.Vector256 => new MatrixProduct<Simd256, Vector256<float>>(width, team),
        VectorWidth.Vector128 => new MatrixProduct<Simd128, Vector128<float>>(width, team),
        _ => new MatrixProduct<SimdScalar, float>(width, team),
    };

    /// <summary>With the machine's widest vectors.</summary>
    public static MatrixProduct Create(WorkerTeam? team = null) => Create(VectorWidths.Best, team);

    /// <param name="a">[M, K].</param>
    /// <param name="b">[K, N].</param>
    /// <param name="c">[M, N]; read only where beta is not 0. Must not overlap a or b.</param>
    /// <param name="stride">Floats from one row of c to the next; 0 for rows without a gap.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public void Multiply(MatrixOperand a, MatrixOperand b, Span<float> c, int stride = 0, float alpha = 1, float beta = 0)
    {
        if (a.Columns != b.Rows) throw new ArgumentException($"[{a.Rows}, {a.Columns}] cannot multiply [{b.Rows}, {b.Columns}]", nameof(b));
        fixed (float* right = b.Values) Run(a, right, b.RowStep, b.ColumnStep, b.Columns, c, stride, alpha, beta, false);
    }

    /// <summary>The same with a right side packed before, for this width.</summary>
    public void Multiply(MatrixOperand a, PackedMatrix b, Span<float> c, int stride = 0, float alpha = 1, float beta = 0)
    {
        if (a.Columns != b.Rows) throw new ArgumentException($"[{a.Rows}, {a.Columns}] cannot multiply [{b.Rows}, {b.Columns}]", nameof(b));
        if (b.Width != Width) throw new ArgumentException($"the right side is packed for {b.Width}, not for {Width}", nameof(b));
        Run(a, b.Panels, 0, 0, b.Columns, c, stride, alpha, beta, true);
    }

    /// <summary>Packs a right side for products of this width.</summary>
    /// <param name="into">An earlier one to overwrite, such as that of the version before; null for a new one.</param>
    public PackedMatrix Pack(MatrixOperand b, PackedMatrix? into = null)
    {
        if (into is not null && into.Width != Width) throw new ArgumentException($"packed for {into.Width}, not for {Width}", nameof(into));
        into ??= new PackedMatrix(Width);
        into.Reserve(b.Rows, b.Columns);
        fixed (float* source = b.Values) PackRight(source, b.RowStep, b.ColumnStep, b.Rows, b.Columns, into.Panels);
        return into;
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected abstract void Dispose(bool disposing);

    private protected abstract void PackRight(float* source, nint step, nint lane, int k, int columns, float* target);

    private protected abstract void Run(in MatrixJob job);

    private void Run(
        MatrixOperand a, float* right, nint rightStep, nint rightLane, int columns, Span<float> c, int stride, float alpha, float beta,
        bool packed)
    {
        if (stride == 0) stride = columns;
        if (stride < columns) throw new ArgumentException($"a stride of {stride} is less than a row of {columns}", nameof(stride));
        if (a.Rows == 0 || columns == 0) return;
        if (c.Length < (long)(a.Rows - 1) * stride + columns)
        {
            throw new ArgumentException($"{c.Length} values do not hold {a.Rows} rows of {columns} at a stride of {stride}", nameof(c));
        }
        fixed (float* left = a.Values)
        fixed (float* result = c)
        {
            Run(new MatrixJob
            {
                Rows = a.Rows,
                Columns = columns,
                K = a.Columns,
                Left = left,
                LeftRow = a.RowStep,
                LeftStep = a.ColumnStep,
                Right = right,
                RightStep = rightStep,
                RightLane = rightLane,
                RightPacked = packed,
                Result = result,
                ResultRow = stride,
                Alpha = alpha,
                Beta = beta,
            });
        }
    }
}

/// <summary>One product with its places in memory. Strides are in floats.</summary>
internal unsafe struct MatrixJob
{
    public int Rows;
    public int Columns;
    public int K;
    public float* Left;
    public nint LeftRow;
    public nint LeftStep;
    public float* Right;
    public nint RightStep;
    public nint RightLane;

    /// <summary>The right side is in panels of all k; <see cref="RightStep"/> and <see cref="RightLane"/> mean nothing.</summary>
    public bool RightPacked;
    public float* Result;
    public nint ResultRow;
    public float Alpha;
    public float Beta;
}

internal sealed unsafe class MatrixProduct<TSimd, TVector> : MatrixProduct
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// Most k of a block: with the widest vectors a tile of A is 24 KB and stays in the first cache, while the panels of B stream past it from the second.
    /// Longer blocks read and write C less often.
    /// </summary>
    private const int BlockK = 512;

    /// <summary>
    /// Most rows of a block of A, packed at a time: 768 KB at <see cref="BlockK"/>. A multiple of every tile's rows.
    /// </summary>
    private const int BlockRows = 384;

    /// <summary>Most columns packed at a time: bounds the buffer at 8 MB.</summary>
    private const int BlockColumns = 4096;

    /// <summary>Multiply-adds that are worth waking another thread: 50 microseconds of them.</summary>
    private const long WorthSharing = 6_000_000;

    private static readonly int PanelWidth = MatrixTile<TSimd, TVector>.PanelWidth;

    private readonly WorkerTeam? _team;
    private readonly SharingGauge _sharing = new();
    private readonly Action<int> _work;
    private readonly AlignedBuffer[] _left;
    private readonly AlignedBuffer[] _right;
    private MatrixJob _job;
    private int _members;

    public MatrixProduct(VectorWidth width, WorkerTeam? team)
        : base(width)
    {
        _team = team;
        _work = Work;
        _left = new AlignedBuffer[team?.Size ?? 1];
        _right = new AlignedBuffer[_left.Length];
        for (var i = 0; i < _left.Length; i++)
        {
            _left[i] = new AlignedBuffer();
            _right[i] = new AlignedBuffer();
        }
    }

    private protected override void Dispose(bool disposing)
    {
        foreach (var buffer in _left) buffer.Dispose();
        foreach (var buffer in _right) buffer.Dispose();
    }

    private protected override void PackRight(float* source, nint step, nint lane, int k, int columns, float* target) =>
        MatrixPanels<TSimd, TVector>.PackRight(source, step, lane, k, columns, target, (nint)k * PanelWidth);

    private protected override void Run(in MatrixJob job)
    {
        var work = (long)job.Rows * job.Columns * job.K;
        var most = (int)Math.Clamp(work / WorthSharing, 1, _team?.Size ?? 1);
        _members = _sharing.Choose(most);
        var started = Stopwatch.GetTimestamp();
        if (_members == 1)
        {
            Compute(job, _left[0], _right[0]);
        }
        else
        {
            _job = job;
            _team!.Run(_members, _work);
        }
        if (most > 1) _sharing.Report(_members, Stopwatch.GetElapsedTime(started), work);
    }

    private void Work(int member)
    {
        var job = _job;
        if (Share(ref job, member, _members)) Compute(job, _left[member], _right[member]);
    }

    /// <summary>Narrows a product to one member's share: a range of whole tiles of the longer dimension.</summary>
    /// <returns>Whether anything is left to do.</returns>
    internal static bool Share(ref MatrixJob job, int member, int members)
    {
        if (job.Rows >= job.Columns)
        {
            var (from, to) = Share(job.Rows, MatrixTile<TSimd, TVector>.TileRows, member, members);
            job.Rows = to - from;
            job.Left += from * job.LeftRow;
            job.Result += from * job.ResultRow;
            return to > from;
        }
        else
        {
            var (from, to) = Share(job.Columns, PanelWidth, member, members);
            job.Columns = to - from;
            job.Right += job.RightPacked ? (nint)from * job.K : from * job.RightLane;
            job.Result += from;
            return to > from;
        }
    }

    private static (int From, int To) Share(int length, int unit, int member, int members)
    {
        var units = (length + unit - 1) / unit;
        return (Math.Min(length, units * member / members * unit), Math.Min(length, units * (member + 1) / members * unit));
    }

    /// <summary>A product on the calling thread, with buffers to pack its sides in.</summary>
    internal static void Compute(in MatrixJob job, AlignedBuffer leftBuffer, AlignedBuffer rightBuffer)
    {
        if (job.K == 0)
        {
            Scale(job);
            return;
        }
        var blocks = (job.K + BlockK - 1) / BlockK;
        var blockK = (job.K + blocks - 1) / blocks;
        var packLeft = job.Columns > 8 * PanelWidth && !IsSmall(job);
        // What one or two tiles read is not worth packing.
        var fewTiles = job.Rows <= 2 * MatrixTile<TSimd, TVector>.TileRows;
        var readRight = job.RightPacked || job.RightLane == 1 && job.Columns % PanelWidth == 0 && (fewTiles || IsSmall(job));
        if (packLeft) leftBuffer.Reserve((long)blockK * Math.Min(job.Rows, BlockRows));
        if (!readRight) rightBuffer.Reserve(MatrixPanels<TSimd, TVector>.RightLength(blockK, Math.Min(job.Columns, BlockColumns)));

        var form = new TileForm { Row = job.ResultRow, StartRow = job.ResultRow, Alpha = job.Alpha, Floor = float.NegativeInfinity };
        for (var column = 0; column < job.Columns; column += BlockColumns)
        {
            var columns = Math.Min(BlockColumns, job.Columns - column);
            for (var k = 0; k < job.K; k += blockK)
            {
                form.K = Math.Min(blockK, job.K - k);
                form.Beta = k == 0 ? job.Beta : 1;
                var right = PlaceRight(job, ref form, readRight, column, columns, k, rightBuffer);
                for (var row = 0; row < job.Rows; row += BlockRows)
                {
                    var rows = Math.Min(BlockRows, job.Rows - row);
                    var left = job.Left + row * job.LeftRow + k * job.LeftStep;
                    var result = job.Result + row * job.ResultRow + column;
                    var start = form.Beta == 0 ? null : result;
                    if (packLeft)
                    {
                        MatrixPanels<TSimd, TVector>.PackLeft(left, job.LeftRow, job.LeftStep, rows, (int)form.K, leftBuffer.Pointer);
                        MatrixPanels<TSimd, TVector>.MultiplyPacked(form, rows, columns, leftBuffer.Pointer, right, result, start);
                    }
                    else
                    {
                        form.LeftRow = job.LeftRow;
                        form.LeftStep = job.LeftStep;
                        MatrixPanels<TSimd, TVector>.Multiply(form, rows, columns, left, right, result, start);
                    }
                }
            }
        }
    }

    /// <summary>
    /// Where the tiles read the block of the right side that starts at (k, column), packed now unless it can be read as it lies.
    /// </summary>
    private static float* PlaceRight(
        in MatrixJob job, ref TileForm form, bool readRight, int column, int columns, int k, AlignedBuffer buffer)
    {
        if (job.RightPacked)
        {
            form.RightStep = PanelWidth;
            form.RightPanel = (nint)job.K * PanelWidth;
            return job.Right + (nint)column * job.K + (nint)k * PanelWidth;
        }
        var right = job.Right + k * job.RightStep + column * job.RightLane;
        if (readRight)
        {
            form.RightStep = job.RightStep;
            form.RightPanel = PanelWidth;
            return right;
        }
        form.RightStep = PanelWidth;
        form.RightPanel = form.K * PanelWidth;
        MatrixPanels<TSimd, TVector>.PackRight(right, job.RightStep, job.RightLane, (int)form.K, columns, buffer.Pointer, form.RightPanel);
        return buffer.Pointer;
    }

    /// <summary>Whether both sides fit in the first caches as they lie, where packing costs more than it saves.</summary>
    private static bool IsSmall(in MatrixJob job) =>
        job.K <= 128 && job.Rows <= 192 && (job.RightPacked || job.RightStep <= 192) && Math.Max(job.LeftRow, job.LeftStep) <= 192;

    /// <summary>A product of nothing leaves beta * C.</summary>
    private static void Scale(in MatrixJob job)
    {
        for (var row = 0; row < job.Rows; row++)
        {
            var values = new Span<float>(job.Result + row * job.ResultRow, job.Columns);
            if (job.Beta == 0)
            {
                values.Clear();
                continue;
            }
            for (var i = 0; i < values.Length; i++) values[i] *= job.Beta;
        }
    }
}
