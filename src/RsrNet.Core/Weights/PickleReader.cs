using System.Buffers.Binary;
using System.Text;

namespace RsrNet.Core.Weights;

/// <summary>
/// Reads the part of Python's pickle format that PyTorch writes for named tensors. A pickle is a program that may call anything; this
/// reader knows ordered dictionaries, tensors and their storage, and refuses every other name before anything is made of it.
/// </summary>
/// <remarks>
/// Opcodes: Lib/pickletools.py of CPython. Values are null, bool, long, double, string, object[] (tuple or list), <see cref="Map"/> and the
/// records below.
/// </remarks>
internal sealed class PickleReader(Stream stream)
{
    /// <summary>A dictionary in the order of its entries.</summary>
    internal sealed class Map : List<(object? Key, object? Value)>;

    /// <summary>Where numbers lie.</summary>
    /// <param name="Type">Such as FloatStorage.</param>
    /// <param name="Key">Its name in the file.</param>
    internal sealed record Storage(string Type, string Key, long Count);

    /// <param name="Offset">Numbers before the first one in the storage.</param>
    internal sealed record Tensor(Storage Storage, long Offset, long[] Shape, long[] Strides);

    private sealed record Global(string Name);

    private sealed class Mark
    {
        public static readonly Mark Instance = new();
    }

    private const int LongestString = 1 << 20;

    private readonly Stack<object?> stack = new();
    private readonly Dictionary<long, object?> memo = [];

    /// <summary>Reads one pickle, to its stop code; what follows in the stream is left there.</summary>
    /// <exception cref="InvalidDataException">
    /// It is damaged, or holds something other than numbers, strings, dictionaries and tensors.
    /// </exception>
    public object? Read()
    {
        stack.Clear();
        memo.Clear();
        try
        {
            while (true)
            {
                var code = Byte();
                if (code == '.') return stack.Pop();
                Do(code);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException or InvalidCastException
            or EndOfStreamException or IndexOutOfRangeException or NullReferenceException)
        {
            throw new InvalidDataException($"the pickle is damaged: {exception.Message}", exception);
        }
    }

    private void Do(int code)
    {
        switch (code)
        {
            case 0x80: Byte(); break; // PROTO
            case 0x95: Bytes(8); break; // FRAME
            case '(': stack.Push(Mark.Instance); break;
            case '0': stack.Pop(); break;
            case 'N': stack.Push(null); break;
            case 0x88: stack.Push(true); break;
            case 0x89: stack.Push(false); break;
            case 'K': stack.Push((long)Byte()); break;
            case 'M': stack.Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
            case 'J': stack.Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
            case 0x8A: stack.Push(Long(Bytes(Byte()))); break; // LONG1
            case 'G': stack.Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;
            case 'X': stack.Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case 0x8C: stack.Push(Text((uint)Byte())); break; // SHORT_BINUNICODE
            case 'q': memo[Byte()] = stack.Peek(); break;
            case 'r': memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = stack.Peek(); break;
            case 0x94: memo[memo.Count] = stack.Peek(); break; // MEMOIZE
            case 'h': stack.Push(memo[Byte()]); break;
            case 'j': stack.Push(memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))]); break;
            case ')': stack.Push(Array.Empty<object?>()); break;
            case 0x85: stack.Push(Top(1)); break;
            case 0x86: stack.Push(Top(2)); break;
            case 0x87: stack.Push(Top(3)); break;
            case 't': stack.Push(SinceMark()); break;
            case ']': stack.Push(new List<object?>()); break;
            case 'a': Append([stack.Pop()]); break;
            case 'e': Append(SinceMark()); break;
            case '}': stack.Push(new Map()); break;
            case 's': SetItems(Top(2)); break;
            case 'u': SetItems(SinceMark()); break;
            case 'c': stack.Push(Known(Line(), Line())); break;
            case 0x93: // STACK_GLOBAL
                var names = Top(2);
                stack.Push(Known((string)names[0]!, (string)names[1]!));
                break;
            case 'Q': stack.Push(Stored((object?[])stack.Pop()!)); break;
            case 'R':
                var arguments = (object?[])stack.Pop()!;
                stack.Push(Call((Global)stack.Pop()!, arguments));
                break;
            case 'b': // BUILD: the attributes of a state_dict (its _metadata) say nothing about the numbers.
                stack.Pop();
                if (stack.Peek() is not Map)
                    throw new InvalidDataException("the pickle sets attributes of something that is no dictionary");
                break;
            default:
                throw new InvalidDataException($"the pickle has the code 0x{code:x2}, which no file of named tensors needs");
        }
    }

    private static Global Known(string module, string name)
    {
        var known = (module, name) switch
        {
            ("collections", "OrderedDict") => true,
            ("torch._utils", "_rebuild_tensor_v2" or "_rebuild_parameter") => true,
            ("torch", _) => name.EndsWith("Storage", StringComparison.Ordinal),
            _ => false,
        };
        if (!known)
            throw new InvalidDataException($"the pickle wants to call {module}.{name}; a file of tensors has no need of that, and it is refused");
        return new Global(name);
    }

    private static object? Call(Global function, object?[] arguments) => function.Name switch
    {
        "OrderedDict" when arguments.Length == 0 => new Map(),
        "_rebuild_tensor_v2" => new Tensor((Storage)arguments[0]!, (long)arguments[1]!, Sizes(arguments[2]), Sizes(arguments[3])),
        "_rebuild_parameter" => (Tensor)arguments[0]!,
        _ => throw new InvalidDataException($"the pickle calls {function.Name} in a way no file of named tensors does"),
    };

    private static long[] Sizes(object? tuple) => Array.ConvertAll((object?[])tuple!, size => (long)size!);

    private static Storage Stored(object?[] id)
    {
        if (id.Length < 5 || id[0] is not "storage")
            throw new InvalidDataException("the pickle refers to something outside that is no storage");
        // A sixth element, in files before PyTorch 1.6, describes a view: not written since 0.4.
        if (id.Length > 5 && id[5] is not null)
            throw new InvalidDataException("the pickle refers to a view of a storage: the file is too old");
        return new Storage(((Global)id[1]!).Name, (string)id[2]!, (long)id[4]!);
    }

    private void Append(object?[] items) => ((List<object?>)stack.Peek()!).AddRange(items);

    private void SetItems(object?[] items)
    {
        var map = (Map)stack.Peek()!;
        for (var i = 0; i < items.Length; i += 2) map.Add((items[i], items[i + 1]));
    }

    private object?[] Top(int count)
    {
        var items = new object?[count];
        for (var i = count - 1; i >= 0; i--) items[i] = stack.Pop();
        return items;
    }

    private object?[] SinceMark()
    {
        var items = new List<object?>();
        while (stack.Pop() is var item && item is not Mark) items.Add(item);
        items.Reverse();
        return [.. items];
    }

    private int Byte()
    {
        var value = stream.ReadByte();
        return value >= 0 ? value : throw new EndOfStreamException("it ends before its stop code");
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private string Text(uint length)
    {
        if (length > LongestString) throw new InvalidDataException($"the pickle has a string of {length:N0} bytes");
        return Encoding.UTF8.GetString(Bytes((int)length));
    }

    private string Line()
    {
        var line = new StringBuilder();
        for (int value; (value = Byte()) != '\n';)
        {
            if (line.Length > 1000) throw new InvalidDataException("the pickle has a name without end");
            line.Append((char)value);
        }
        return line.ToString();
    }

    // Little-endian two's complement; PyTorch's magic number is longer than a long and stays as text.
    private static object Long(byte[] bytes)
    {
        if (bytes.Length > 8) return Convert.ToHexStringLower(bytes);
        long value = 0;
        for (var i = bytes.Length - 1; i >= 0; i--) value = (value << 8) | bytes[i];
        var unused = 64 - 8 * bytes.Length;
        return unused == 64 ? 0L : value << unused >> unused;
    }
}
