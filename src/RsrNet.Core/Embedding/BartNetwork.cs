using System.Runtime.Intrinsics;
using RsrNet.Core.Numerics;

namespace RsrNet.Core.Embedding;

/// <summary>
/// BART's encoder on our matrix product: <see cref="ReferenceBart"/>, fast. The tokens of all texts of a batch stand below each other
/// without padding; attention looks at one text at a time. One call at a time.
/// </summary>
/// <remarks>
/// Threads share out blocks of rows, texts and heads, never a sum: the result does not depend on how many there are, nor on which texts
/// share a batch. Memory beside the weights: 5 d + 1 numbers for each token, and for each thread a block's f-wide rows and one head's keys,
/// values and scores.
/// </remarks>
internal abstract class BartNetwork : IBartNetwork
{
    public BartConfig Config { get; }

    /// <summary>
    /// Enough to keep many threads busy, few enough that a search does not wait long behind a batch, and that memory stays small (31 MB at
    /// d 768).
    /// </summary>
    public int GroupTokens => 2048;

    private protected BartNetwork(BartConfig config) => Config = config;

    /// <param name="team">Threads to share the work; null for the caller's alone.</param>
    /// <param name="precision">How the weights of the linear maps are held.</param>
    /// <exception cref="ArgumentException">This machine has no such vectors.</exception>
    public static BartNetwork Create(BartWeights weights, WorkerTeam? team, VectorWidth width, WeightPrecision precision = WeightPrecision.Single) =>
        VectorWidths.Check(width) switch
        {
            VectorWidth.Vector512 => new BartNetwork<Simd512, Vector512<float>>(weights, team, precision),
            VectorWidth.Vector256 => new BartNetwork<Simd256, Vector256<float>>(weights, team, precision),
            VectorWidth.Vector128 => new BartNetwork<Simd128, Vector128<float>>(weights, team, precision),
            _ => new BartNetwork<SimdScalar, float>(weights, team, precision),
        };

    /// <summary>The last hidden states.</summary>
    /// <param name="ids">The tokens of all texts, one text after the other.</param>
    /// <param name="texts">Where each text lies; together they cover the ids.</param>
    /// <returns>[ids, d]; good until the next call.</returns>
    public abstract ReadOnlySpan<float> Encode(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts);

    /// <inheritdoc/>
    public void Embed(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts, Span<float> means)
    {
        var hidden = Encode(ids, texts);
        var d = Config.Width;
        for (var i = 0; i < texts.Length; i++) Mean(hidden.Slice(texts[i].Row * d, texts[i].Rows * d), means.Slice(i * d, d));
    }

    /// <summary>Bytes in use beside the weights; they grow to the largest batch and stay.</summary>
    public abstract long ScratchBytes { get; }

    public abstract void Dispose();

    /// <param name="rows">[rows, d]</param>
    /// <param name="mean">[d]; overwritten.</param>
    private static void Mean(ReadOnlySpan<float> rows, Span<float> mean)
    {
        var d = mean.Length;
        var count = rows.Length / d;
        mean.Clear();
        for (var row = 0; row < count; row++)
        {
            var values = rows.Slice(row * d, d);
            for (var i = 0; i < d; i++) mean[i] += values[i];
        }
        foreach (ref var element in mean) element /= count;
    }
}

internal sealed unsafe class BartNetwork<TSimd, TVector> : BartNetwork
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// Most rows that go through a layer's products together. More would leave the second-level cache, fewer would read the weights, which
    /// no cache holds, more often. A multiple of every tile's rows.
    /// </summary>
    private const int BlockRows = 264;

    /// <summary>Columns of the hidden layer that are made before GELU is applied to them, while they are in the cache.</summary>
    private const int GeluColumns = 128;

    /// <summary>Rows of scores at a time.</summary>
    private const int ScoreRows = 48;

    private readonly WorkerTeam? _team;
    private readonly float[] _tokens;
    private readonly float[] _positions;
    private readonly BartNorm _embeddingNorm;
    private readonly Layer[] _layers;
    private readonly Scratch[] _scratch;
    private readonly AlignedBuffer _x = new();
    private readonly AlignedBuffer _projections = new();
    private readonly AlignedBuffer _attended = new();
    private readonly Action<int> _work;

    /// <summary>The next piece of each stage that no thread has taken.</summary>
    private readonly int[] _next;

    private int[] _ids = [];
    private BartText[] _texts = [];
    private int _rows;
    private int _textCount;
    private int _blockRows;
    private int _parts;

    public BartNetwork(BartWeights weights, WorkerTeam? team, WeightPrecision precision)
        : base(weights.Config)
    {
        _team = team;
        _tokens = weights.Tokens;
        _positions = weights.Positions;
        _embeddingNorm = weights.EmbeddingNorm;
        _layers = [.. weights.Layers.Select(layer => new Layer(layer, precision))];
        _scratch = [.. Enumerable.Range(0, team?.Size ?? 1).Select(_ => new Scratch())];
        _next = new int[2 * Config.Layers + 1];
        _work = Work;
    }

    public override ReadOnlySpan<float> Encode(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts)
    {
        Place(ids, texts);
        var members = Math.Min(_scratch.Length, Math.Max(1, (_rows + 11) / 12));
        var blocks = (_rows + BlockRows - 1) / BlockRows;
        blocks = (blocks + members - 1) / members * members;
        _blockRows = Math.Max(1, ((_rows + blocks - 1) / blocks + 11) / 12 * 12);
        // Heads are enough to keep a few threads busy; many threads share out the rows of a head too, and each packs its keys.
        _parts = Math.Max(1, 2 * members / (Config.Heads * texts.Length));
        Array.Clear(_next);
        if (members == 1) Compute(0, null);
        else _team!.Run(members, _work);
        return _x.Span[..(_rows * Config.Width)];
    }

    public override long ScratchBytes => sizeof(float) * (_x.Length + _projections.Length + _attended.Length + _ids.Length
        + _scratch.Sum(scratch => scratch.Hidden.Length + scratch.Keys.Length + scratch.Values.Length + scratch.Scores.Length))
        + _scratch.Sum(scratch => scratch.Ready.Bytes);

    public override void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
        foreach (var scratch in _scratch) scratch.Dispose();
        _x.Dispose();
        _projections.Dispose();
        _attended.Dispose();
    }

    private void Place(ReadOnlySpan<int> ids, ReadOnlySpan<BartText> texts)
    {
        BartText.EnsureCover(ids, texts, Config);
        _rows = ids.Length;
        _textCount = texts.Length;
        if (_ids.Length < _rows) _ids = new int[_rows];
        if (_texts.Length < _textCount) _texts = new BartText[_textCount];
        ids.CopyTo(_ids);
        texts.CopyTo(_texts);
        _x.Reserve((long)_rows * Config.Width);
        _projections.Reserve(3L * _rows * Config.Width);
        _attended.Reserve((long)_rows * Config.Width);
    }

    private void Work(int member) => Compute(member, _team);

    /// <summary>All stages; every thread goes through them and takes pieces that are left.</summary>
    private void Compute(int member, WorkerTeam? team)
    {
        var scratch = _scratch[member];
        var blocks = (_rows + _blockRows - 1) / _blockRows;
        for (int block; (block = Take(0)) < blocks;)
        {
            var (row, rows) = Block(block);
            Embed(row, rows);
            Project(_layers[0], row, rows, scratch);
        }
        var pieces = _textCount * Config.Heads * _parts;
        for (var index = 0; index < _layers.Length; index++)
        {
            team?.Barrier();
            for (int piece; (piece = Take(2 * index + 1)) < pieces;)
            {
                var (textAndHead, part) = Math.DivRem(piece, _parts);
                var (text, head) = Math.DivRem(textAndHead, Config.Heads);
                Attend(_texts[text], head, part, scratch);
            }
            team?.Barrier();
            for (int block; (block = Take(2 * index + 2)) < blocks;)
            {
                var (row, rows) = Block(block);
                Transform(_layers[index], row, rows, scratch);
                if (index + 1 < _layers.Length) Project(_layers[index + 1], row, rows, scratch);
            }
        }
    }

    private int Take(int stage) => Interlocked.Increment(ref _next[stage]) - 1;

    private (int Row, int Rows) Block(int index) => (index * _blockRows, Math.Min(_blockRows, _rows - index * _blockRows));

    /// <summary>x = norm(token + position).</summary>
    private void Embed(int row, int rows)
    {
        int d = Config.Width, index = Array.FindIndex(_texts, 0, _textCount, text => row < text.Row + text.Rows);
        fixed (float* tokens = _tokens, positions = _positions, scale = _embeddingNorm.Scale, shift = _embeddingNorm.Shift)
        {
            for (var end = row + rows; row < end; row++)
            {
                if (row == _texts[index].Row + _texts[index].Rows) index++;
                var place = row - _texts[index].Row + BartConfig.PositionOffset;
                var x = _x.Pointer + (nint)row * d;
                var token = tokens + (nint)_ids[row] * d;
                for (var i = 0; i < d; i++) x[i] = token[i] * Config.Scale;
                VectorFunctions<TSimd, TVector>.Normalize(x, positions + (nint)place * d, scale, shift, d, BartConfig.Epsilon);
            }
        }
    }

    /// <summary>Queries, keys and values, side by side.</summary>
    private void Project(Layer layer, int row, int rows, Scratch scratch)
    {
        var x = _x.Pointer + (nint)row * Config.Width;
        layer.Projections.Read(rows, x, scratch.Ready);
        layer.Projections.Multiply(rows, x, scratch.Ready, _projections.Pointer + (nint)row * 3 * Config.Width, layer.ProjectionBias.Pointer, 0);
    }

    /// <summary>One head of a text, or a part of its rows: softmax(q k / sqrt(head width)) v.</summary>
    private void Attend(BartText text, int head, int part, Scratch scratch)
    {
        int d = Config.Width, width = Config.HeadWidth, stride = 3 * d, panel = MatrixTile<TSimd, TVector>.PanelWidth;
        var rowsOfPart = ((text.Rows + _parts - 1) / _parts + 11) / 12 * 12;
        var first = part * rowsOfPart;
        if (first >= text.Rows) return;
        var last = Math.Min(text.Rows, first + rowsOfPart);

        var source = _projections.Pointer + (nint)text.Row * stride + head * width;
        var padded = (text.Tokens + panel - 1) / panel * panel;
        scratch.Reserve(padded, width, panel);
        MatrixPanels<TSimd, TVector>.PackRight(source + d, 1, stride, width, text.Tokens, scratch.Keys.Pointer, (nint)width * panel);
        MatrixPanels<TSimd, TVector>.PackRight(source + 2 * d, stride, 1, text.Tokens, width, scratch.Values.Pointer, (nint)text.Tokens * panel);

        var scoring = new TileForm
        {
            K = width, LeftRow = stride, LeftStep = 1, RightStep = panel, RightPanel = (nint)width * panel, Row = padded, Alpha = 1,
            Floor = float.NegativeInfinity,
        };
        var mixing = scoring with { K = text.Tokens, LeftRow = padded, RightPanel = (nint)text.Tokens * panel, Row = d };
        var factor = 1 / MathF.Sqrt(width);
        var inverse = stackalloc float[ScoreRows];
        for (var row = first; row < last; row += ScoreRows)
        {
            var rows = Math.Min(ScoreRows, last - row);
            var scores = scratch.Scores.Pointer;
            MatrixPanels<TSimd, TVector>.Multiply(scoring, rows, padded, source + (nint)row * stride, scratch.Keys.Pointer, scores, null);
            for (var i = 0; i < rows; i++) inverse[i] = VectorFunctions<TSimd, TVector>.Softmax(scores + (nint)i * padded, text.Tokens, factor);
            var result = _attended.Pointer + (nint)(text.Row + row) * d + head * width;
            MatrixPanels<TSimd, TVector>.Multiply(mixing, rows, width, scores, scratch.Values.Pointer, result, null);
            for (var i = 0; i < rows; i++) Scale(result + (nint)i * d, width, inverse[i]);
        }
    }

    private static void Scale(float* values, int count, float factor)
    {
        var i = 0;
        for (; i + TSimd.Count <= count; i += TSimd.Count)
            TSimd.Store(values + i, TSimd.Multiply(TSimd.Load(values + i), TSimd.Create(factor)));
        for (; i < count; i++) values[i] *= factor;
    }

    /// <summary>x = norm(x + output of attention); x = norm(x + out(gelu(in(x)))).</summary>
    private void Transform(Layer layer, int row, int rows, Scratch scratch)
    {
        int d = Config.Width, f = Config.Hidden;
        var x = _x.Pointer + (nint)row * d;
        var attended = _attended.Pointer + (nint)row * d;
        layer.Output.Read(rows, attended, scratch.Ready);
        layer.Output.Multiply(rows, attended, scratch.Ready, x, x, d);
        Normalize(x, rows, layer.OutputBias, layer.AttentionNorm);

        scratch.Hidden.Reserve((long)_blockRows * f);
        var hidden = scratch.Hidden.Pointer;
        layer.In.Read(rows, x, scratch.Ready);
        for (var column = 0; column < f; column += GeluColumns)
        {
            var columns = Math.Min(GeluColumns, f - column);
            layer.In.Multiply(rows, x, scratch.Ready, hidden + column, layer.InBias.Pointer + column, 0, columns, column);
            for (var i = 0; i < rows; i++) VectorFunctions<TSimd, TVector>.Gelu(hidden + (nint)i * f + column, columns);
        }
        layer.Out.Read(rows, hidden, scratch.Ready);
        layer.Out.Multiply(rows, hidden, scratch.Ready, x, x, d);
        Normalize(x, rows, layer.OutBias, layer.FinalNorm);
    }

    private void Normalize(float* x, int rows, AlignedBuffer bias, (AlignedBuffer Scale, AlignedBuffer Shift) norm)
    {
        for (var i = 0; i < rows; i++)
        {
            VectorFunctions<TSimd, TVector>.Normalize(
                x + (nint)i * Config.Width, bias.Pointer, norm.Scale.Pointer, norm.Shift.Pointer, Config.Width, BartConfig.Epsilon);
        }
    }

    /// <summary>A layer's weights in the order the kernels read them.</summary>
    private sealed class Layer : IDisposable
    {
        public Layer(BartLayer layer, WeightPrecision precision)
        {
            BartMap Pack(params BartLinear[] linears) => BartMap.Create<TSimd, TVector>(precision, linears);
            Projections = Pack(layer.Query, layer.Key, layer.Value);
            ProjectionBias = Copy([.. layer.Query.Bias, .. layer.Key.Bias, .. layer.Value.Bias]);
            Output = Pack(layer.Output);
            OutputBias = Copy(layer.Output.Bias);
            AttentionNorm = (Copy(layer.AttentionNorm.Scale), Copy(layer.AttentionNorm.Shift));
            In = Pack(layer.In);
            InBias = Copy(layer.In.Bias);
            Out = Pack(layer.Out);
            OutBias = Copy(layer.Out.Bias);
            FinalNorm = (Copy(layer.FinalNorm.Scale), Copy(layer.FinalNorm.Shift));
        }

        public BartMap Projections { get; }

        public AlignedBuffer ProjectionBias { get; }

        public BartMap Output { get; }

        public AlignedBuffer OutputBias { get; }

        public (AlignedBuffer Scale, AlignedBuffer Shift) AttentionNorm { get; }

        public BartMap In { get; }

        public AlignedBuffer InBias { get; }

        public BartMap Out { get; }

        public AlignedBuffer OutBias { get; }

        public (AlignedBuffer Scale, AlignedBuffer Shift) FinalNorm { get; }

        public void Dispose()
        {
            foreach (var matrix in new[] { Projections, Output, In, Out }) matrix.Dispose();
            foreach (var buffer in new[] { ProjectionBias, OutputBias, InBias, OutBias }) buffer.Dispose();
            foreach (var (scale, shift) in new[] { AttentionNorm, FinalNorm })
            {
                scale.Dispose();
                shift.Dispose();
            }
        }

        private static AlignedBuffer Copy(float[] values)
        {
            var buffer = new AlignedBuffer(values.Length);
            values.CopyTo(buffer.Span);
            return buffer;
        }
    }

    /// <summary>One thread's memory.</summary>
    private sealed class Scratch : IDisposable
    {
        /// <summary>[block rows, f]</summary>
        public AlignedBuffer Hidden { get; } = new();

        /// <summary>One head's keys, transposed, in panels.</summary>
        public AlignedBuffer Keys { get; } = new();

        /// <summary>One head's values, in panels.</summary>
        public AlignedBuffer Values { get; } = new();

        /// <summary>[score rows, tokens], rows filled up to whole panels.</summary>
        public AlignedBuffer Scores { get; } = new();

        /// <summary>A block's rows as a map of 8 bits reads them; empty with others.</summary>
        public Int8Rows Ready { get; } = new();

        public void Reserve(int padded, int width, int panel)
        {
            Keys.Reserve((long)padded * width);
            Values.Reserve((long)padded * ((width + panel - 1) / panel * panel));
            Scores.Reserve((long)ScoreRows * padded);
        }

        public void Dispose()
        {
            Hidden.Dispose();
            Keys.Dispose();
            Values.Dispose();
            Scores.Dispose();
            Ready.Dispose();
        }
    }
}
