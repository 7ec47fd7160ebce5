using System.IO.Compression;
using System.Text;
using RsrNet.Core.Weights;

namespace RsrNet.Core.Tests.Weights;

public sealed class PytorchFileTests
{
    // Both written by torch.save (1.13) from one OrderedDict with attributes, as a module's state_dict is.
    [Theory]
    [InlineData("state-zip.bin")]
    [InlineData("state-pickles.bin")]
    public void StateDict_EveryNumberType_IsReadAsFloat(string name)
    {
        using var file = PytorchFile.Open(Repository.Golden(name));
        Assert.Equal([2, 3], file.FindShape("a.weight")!);
        Assert.Equal([1.5f, -2, 3.25f, 0, 4, -0.5f], Read(file, "a.weight", 6));
        Assert.Equal([0.5f, -1], Read(file, "b.half", 2));
        Assert.Equal([2, -3f], Read(file, "b.brain", 2));
        Assert.Equal([0.25f, 1e10f], Read(file, "c.double", 2));
        Assert.Equal([2f, 3, 4], Read(file, "view", 3));
        Assert.Null(file.FindShape("d"));
    }

    [Theory]
    [InlineData("transposed", 6, "contiguous")]
    [InlineData("count", 1, "LongStorage")]
    [InlineData("a.weight", 5, "6 numbers, not 5")]
    [InlineData("d", 1, "missing")]
    public void ReadFloats_WhatCannotBeRead_NamesTensorAndProblem(string name, int count, string problem)
    {
        foreach (var golden in new[] { "state-zip.bin", "state-pickles.bin" })
        {
            using var file = PytorchFile.Open(Repository.Golden(golden));
            var message = Assert.Throws<InvalidDataException>(() => Read(file, name, count)).Message;
            Assert.Contains($"'{name}'", message, StringComparison.Ordinal);
            Assert.Contains(problem, message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("cos\nsystem\n(X\u0004\0\0\0trueq\0tR.", "os.system")]
    [InlineData("cbuiltins\neval\n.", "builtins.eval")]
    [InlineData("ctorch\nload\n.", "torch.load")]
    [InlineData("ctorch._utils\n_rebuild_sparse_tensor\n.", "_rebuild_sparse_tensor")]
    [InlineData("\u008c\u0002os\u008c\u0006system\u0093.", "os.system")]
    [InlineData("I5\n.", "0x49")]
    [InlineData("ccollections\nOrderedDict\n(K\u0001tR.", "OrderedDict")]
    public void Open_PickleThatCallsSomethingElse_IsRefusedByName(string pickle, string name)
    {
        using var folder = new TemporaryFolder();
        WriteZip(folder.File("evil.bin"), "\u0080\u0002" + pickle);
        Assert.Contains(name, Assert.Throws<InvalidDataException>(() => PytorchFile.Open(folder.File("evil.bin"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("}")]
    [InlineData("}u.")]
    [InlineData("h\u0007.")]
    [InlineData("}X\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("K\u0001Q.")]
    [InlineData("NNR.")]
    [InlineData("]K\u0001s.")]
    [InlineData("}(K\u0001u.")]
    [InlineData("0")]
    [InlineData("ctorch")]
    [InlineData("K\u0001.")]
    public void Open_DamagedPickle_IsAnErrorThatNamesTheFile(string pickle)
    {
        using var folder = new TemporaryFolder();
        WriteZip(folder.File("bad.bin"), "\u0080\u0002" + pickle);
        Assert.StartsWith(folder.File("bad.bin"), Assert.Throws<InvalidDataException>(() => PytorchFile.Open(folder.File("bad.bin"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileCutOffAnywhere_IsAnErrorAtOpeningOrReading()
    {
        using var folder = new TemporaryFolder();
        foreach (var golden in new[] { "state-zip.bin", "state-pickles.bin" })
        {
            var bytes = File.ReadAllBytes(Repository.Golden(golden));
            for (var length = 0; length < bytes.Length - 1; length += 7)
            {
                File.WriteAllBytes(folder.File("cut.bin"), bytes[..length]);
                Assert.Throws<InvalidDataException>(() =>
                {
                    using var file = PytorchFile.Open(folder.File("cut.bin"));
                    foreach (var (name, count) in new[] { ("a.weight", 6), ("b.half", 2), ("b.brain", 2), ("c.double", 2), ("view", 3) }) Read(file, name, count);
                });
            }
        }
    }

    [Fact]
    public void Open_EveryByteChanged_NeverFailsWithAnotherError()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(Repository.Golden("state-pickles.bin"));
        for (var at = 0; at < bytes.Length; at++)
        {
            var changed = bytes.ToArray();
            changed[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(folder.File("changed.bin"), changed);
            try
            {
                using var file = PytorchFile.Open(folder.File("changed.bin"));
                if (file.FindShape("a.weight") is not null) Read(file, "a.weight", 6);
            }
            catch (InvalidDataException)
            {
                // What a damaged file is: said, not crashed on.
            }
        }
    }

    [Fact]
    public void Open_SomeOtherFile_SaysThatTorchDidNotMakeIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("page.bin"), "<html>404</html>");
        Assert.Contains("torch.save", Assert.Throws<InvalidDataException>(() => PytorchFile.Open(folder.File("page.bin"))).Message, StringComparison.Ordinal);
    }

    private static float[] Read(PytorchFile file, string name, int count)
    {
        var values = new float[count];
        file.ReadFloats(name, values);
        return values;
    }

    private static void WriteZip(string path, string pickle)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        using var entry = zip.CreateEntry("archive/data.pkl").Open();
        entry.Write(Encoding.Latin1.GetBytes(pickle));
    }
}
