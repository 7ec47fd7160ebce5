namespace RsrNet.Core.Replicas;

/// <summary>One thread's rows: whole blocks, which it walks one by one.</summary>
internal readonly struct CpuShare(int rows, int fromBlock, int toBlock)
{
    /// <summary>Rows of a block: 16 KB of a hidden layer of the notebook's width, a third of a first-level cache.</summary>
    public const int BlockRows = 32;

    public static int Blocks(int rows) => (rows + BlockRows - 1) / BlockRows;

    public Enumerator GetEnumerator() => new(rows, fromBlock, toBlock);

    public struct Enumerator(int rows, int fromBlock, int toBlock)
    {
        private int _block = fromBlock - 1;

        public readonly CpuRowRange Current => new(_block, Math.Min(BlockRows, rows - _block * BlockRows));

        public bool MoveNext() => ++_block < toBlock;
    }
}

/// <summary>A block of rows.</summary>
/// <param name="Block">Its number.</param>
internal readonly record struct CpuRowRange(int Block, int Rows)
{
    /// <summary>The first row.</summary>
    public nint Row => Block * CpuShare.BlockRows;
}
