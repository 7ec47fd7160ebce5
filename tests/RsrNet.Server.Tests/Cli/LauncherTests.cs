using System.Text.RegularExpressions;

namespace RsrNet.Server.Tests.Cli;

/// <summary>The launcher's own decisions, in a copy of the tree with a stand-in for dotnet that records how it was called.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string ClusterProject = @"Project(""{0}"") = ""RsrNet.Silo"", ""src\RsrNet.Silo\RsrNet.Silo.csproj"", ""{1}""";

    private readonly string tree = Directory.CreateTempSubdirectory("rsrnet-tree-").FullName;

    public LauncherTests()
    {
        string[] copied = ["rsrnet", "RsrNet.Orleans.sln", "RsrNet.Core.slnf", "Directory.Packages.props", "Directory.Build.props"];
        foreach (var file in copied)
        {
            File.Copy(RepositoryFolder.Path(file), Path.Combine(tree, file));
        }
        LeaveCoreAlone();
        Directory.CreateDirectory(Path.Combine(tree, "src"));
        Directory.CreateDirectory(Path.Combine(tree, "bin"));
        Directory.CreateDirectory(Path.Combine(tree, "home"));
        File.WriteAllText(Path.Combine(tree, "src", "Some.cs"), "// a source file");
        // "Builds" the program by making its file; RESTORE says what a restore prints, and whether it fails.
        WriteScript("bin/dotnet", """
            #!/usr/bin/env bash
            echo "$@" >>"$TREE/calls"
            case $1 in
              --list-sdks) echo "${SDK:-10.0.100} [/somewhere]" ;;
              restore) printf '%s\n' "${RESTORE:-}"; [[ -z ${RESTORE:-} ]] ;;
              build)
                for ((i = 1; i <= $#; i++)); do [[ ${!i} == --artifacts-path ]] && next=$((i + 1)) && artifacts=${!next}; done
                if [[ -n ${BREAK:-} ]]; then echo "Some.cs(1,1): error CS0000: $BREAK"; exit 1; fi
                project=$(basename "$2" .csproj)
                case $project in RsrNet.Silo) program=rsrnet-silo ;; *) project=RsrNet.Cli program=rsrnet ;; esac
                mkdir -p "$artifacts/bin/$project/release" && touch "$artifacts/bin/$project/release/$program.dll" ;;
              test)
                for ((i = 1; i <= $#; i++)); do [[ ${!i} == --results-directory ]] && next=$((i + 1)) && results=${!next}; done
                cp "$TREE"/*.trx "$results"
                exit "${TESTS:-0}" ;;
              *) echo "ran: $*" ;;
            esac
            """);
    }

    public void Dispose() => Directory.Delete(tree, recursive: true);

    [Fact]
    public async Task TreeWithoutClusterProjects_IsCore_AndRunsTheBuiltProgramWithTheArguments()
    {
        var outcome = await Launch([], "show", "a b", "--json");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("core edition (this tree has no cluster projects yet)", outcome.Notices, StringComparison.Ordinal);
        Assert.EndsWith("artifacts/core/bin/RsrNet.Cli/release/rsrnet.dll show a b --json\n", outcome.Results, StringComparison.Ordinal);
        Assert.DoesNotContain(Calls(), call => call.StartsWith("restore", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SecondCall_DoesNotBuild_UntilASourceChanges()
    {
        await Launch([], "documents");
        await Launch([], "documents");
        Assert.Single(Calls(), call => call.StartsWith("build", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(tree, "src", "Other.cs"), "// another");
        await Launch([], "documents");
        Assert.Equal(2, Calls().Count(call => call.StartsWith("build", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task FullSolutionThatRestores_IsFull_AndRemembered()
    {
        AddClusterProject();
        var first = await Launch([], "documents");
        Assert.Contains("full edition", first.Notices, StringComparison.Ordinal);
        Assert.Contains("artifacts/full/", first.Results, StringComparison.Ordinal);
        await Launch([], "documents");
        Assert.Single(Calls(), call => call.StartsWith("restore", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FullEdition_RunsTheSilosExecutable()
    {
        AddClusterProject();
        Directory.CreateDirectory(Path.Combine(tree, "src", "RsrNet.Silo"));
        File.WriteAllText(Path.Combine(tree, "src", "RsrNet.Silo", "RsrNet.Silo.csproj"), "<Project />");
        var full = await Launch([], "documents");
        Assert.EndsWith("artifacts/full/bin/RsrNet.Silo/release/rsrnet-silo.dll documents\n", full.Results, StringComparison.Ordinal);
        var core = await Launch([], "documents", "--edition", "core");
        Assert.EndsWith("artifacts/core/bin/RsrNet.Cli/release/rsrnet.dll documents\n", core.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingPackages_MakeItCore_AreNamed_AndLookedForAgainAfterAChange()
    {
        AddClusterProject();
        (string, string)[] lacking = [("RESTORE", "x.csproj : error NU1101: Unable to find package TorchSharp. No packages exist")];
        var first = await Launch(lacking, "documents");
        Assert.Contains("core edition (the package sources lack TorchSharp)", first.Notices, StringComparison.Ordinal);
        Assert.Contains("artifacts/core/", first.Results, StringComparison.Ordinal);
        await Launch(lacking, "documents");
        Assert.Single(Calls(), call => call.StartsWith("restore", StringComparison.Ordinal));

        File.AppendAllText(Path.Combine(tree, "Directory.Packages.props"), "\n");
        var changed = await Launch([], "documents");
        Assert.Contains("full edition", changed.Notices, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "x.sln : error NU1603: Warning As Error: RsrNet.Torch depends on TorchSharp (>= 0.105.2) but TorchSharp 0.105.2 was not found. TorchSharp 0.107.0 was resolved",
        "core edition (the package sources lack TorchSharp 0.105.2)")]
    [InlineData("x.csproj : error MSB4025: the project file could not be loaded", "core edition (the full solution does not restore; see artifacts/edition.log)")]
    public async Task RestoreThatFailsOtherwise_MakesItCore_AndSaysWhy(string error, string said)
    {
        AddClusterProject();
        var outcome = await Launch([("RESTORE", error)], "documents");
        Assert.Equal(0, outcome.Code);
        Assert.Contains(said, outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForcedEdition_IsNotLookedFor_WhereverItStands()
    {
        AddClusterProject();
        foreach (var arguments in (string[][])[["--edition", "core", "documents"], ["documents", "--edition=core"]])
        {
            var outcome = await Launch([], arguments);
            Assert.Contains("core edition, as asked for", outcome.Notices, StringComparison.Ordinal);
            Assert.EndsWith("rsrnet.dll documents\n", outcome.Results, StringComparison.Ordinal);
        }
        Assert.DoesNotContain(Calls(), call => call.StartsWith("restore", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--edition", "huge", "documents")]
    [InlineData("documents", "--edition")]
    public async Task WrongEdition_ExitsWithTwo(params string[] arguments)
    {
        var outcome = await Launch([], arguments);
        Assert.Equal(2, outcome.Code);
        Assert.Contains("core or full", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OldSdk_IsSaidBeforeAnythingIsBuilt()
    {
        var outcome = await Launch([("SDK", "8.0.404")], "documents");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("needs the .NET SDK 10", outcome.Notices, StringComparison.Ordinal);
        Assert.Contains("8.0.404", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedBuild_ShowsTheErrorAndExitsWithOne()
    {
        var outcome = await Launch([("BREAK", "something is missing")], "documents");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("error CS0000: something is missing", outcome.Notices, StringComparison.Ordinal);
        var mended = await Launch([], "documents");
        Assert.Equal(0, mended.Code);
    }

    [Fact]
    public async Task Tests_AreSummedOverProjects_AndSkippedOnesListedWithTheirReason()
    {
        WriteResults("a.trx", ("Rain", "Passed", null), ("Snow", "NotExecuted", "no &quot;snow&quot; here"));
        WriteResults("b.trx", ("Wind", "Passed", null));
        var outcome = await Launch([], "test");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("  Snow: no \"snow\" here\n", outcome.Results, StringComparison.Ordinal);
        Assert.EndsWith("\n2 passed, 0 failed, 1 skipped\n", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedTest_ExitsWithOne()
    {
        WriteResults("a.trx", ("Rain", "Passed", null), ("Snow", "Failed", null));
        WriteResults("b.trx", ("Wind", "Passed", null));
        var outcome = await Launch([("TESTS", "1")], "test");
        Assert.Equal(1, outcome.Code);
        Assert.EndsWith("\n2 passed, 1 failed, 0 skipped\n", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TestProjectWithoutAResult_CountsAsFailed()
    {
        WriteResults("a.trx", ("Rain", "Passed", null));
        var outcome = await Launch([("TESTS", "1")], "test");
        Assert.Equal(1, outcome.Code);
        Assert.EndsWith("\n1 passed, 1 failed, 0 skipped\n", outcome.Results, StringComparison.Ordinal);
    }

    private Task<CommandOutcome> Launch((string Name, string Value)[] variables, params string[] arguments)
    {
        var environment = new Dictionary<string, string?>
        {
            ["PATH"] = $"{Path.Combine(tree, "bin")}:{Environment.GetEnvironmentVariable("PATH")}",
            ["TREE"] = tree,
            ["HOME"] = Path.Combine(tree, "home"),
        };
        foreach (var (name, value) in variables) environment[name] = value;
        return Shell.Run("bash", [Path.Combine(tree, "rsrnet"), .. arguments], TimeSpan.FromMinutes(1), environment);
    }

    private string[] Calls() => File.Exists(Path.Combine(tree, "calls")) ? File.ReadAllLines(Path.Combine(tree, "calls")) : [];

    /// <summary>The tests say what the full edition has more.</summary>
    private void LeaveCoreAlone()
    {
        var (solution, core) = (Path.Combine(tree, "RsrNet.Orleans.sln"), File.ReadAllText(Path.Combine(tree, "RsrNet.Core.slnf")));
        File.WriteAllLines(solution, File.ReadLines(solution).ToList().FindAll(line =>
            Regex.Match(line, @"[\w.]+\.csproj") is not { Success: true } project || core.Contains(project.Value, StringComparison.Ordinal)));
    }

    private void AddClusterProject()
    {
        var solution = Path.Combine(tree, "RsrNet.Orleans.sln");
        var more = ClusterProject + "\nEndProject\nGlobal\n";
        File.WriteAllText(solution, File.ReadAllText(solution).Replace("Global\n", more, StringComparison.Ordinal));
    }

    private void WriteResults(string name, params (string Test, string Outcome, string? Reason)[] results)
    {
        var lines = results.Select(result => $"""
            <UnitTestResult executionId="1" testName="{result.Test}" outcome="{result.Outcome}">
              <Output><ErrorInfo><Message>{result.Reason}</Message></ErrorInfo></Output>
            </UnitTestResult>
            """);
        File.WriteAllText(Path.Combine(tree, name), $"<TestRun><Results>\n{string.Join('\n', lines)}\n</Results></TestRun>\n");
    }

    private void WriteScript(string name, string content)
    {
        var path = Path.Combine(tree, name);
        File.WriteAllText(path, content.ReplaceLineEndings("\n") + "\n");
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
