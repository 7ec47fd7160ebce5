using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace RsrNet.Server.Tests.Cli;

public sealed class IngestCommandTests : IDisposable
{
    private readonly CommandRun command = new();

    /// <summary>What the server has taken, in order.</summary>
    private readonly List<string> taken = [];

    public void Dispose() => command.Dispose();

    [Fact]
    public async Task Folder_SendsEveryKindOfFile_AndCountsWhatHappened()
    {
        command.Write("news/a.story", "It rained all day in the north.\n\n@highlight\n\nIt rained\n");
        command.Write("news/b.csv", "article,highlights,id\nThe sun shone in the south.,It shone,sun\n");
        command.Write(
            "news/deep/c.jsonl",
            "{\"id\":\"wind\",\"text\":\"Wind came up.\"}\n{\"id\":\"cut\",\"te\n{\"id\":\"wind\",\"text\":\"Wind came up.\"}\n");
        await using var server = await ScriptedServer.Start(Take);
        var outcome = await command.Of("ingest", Path.Combine(command.Folder, "news"), "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(["a", "sun", "wind"], taken);
        Assert.Equal(3, outcome.Json["accepted"]!.GetValue<int>());
        Assert.Equal(1, outcome.Json["duplicates"]!.GetValue<int>());
        Assert.True(outcome.Json["seconds"]!.GetValue<double>() >= 0);
        var rejected = Assert.Single(outcome.Json["rejected"]!.AsArray())!;
        Assert.EndsWith("c.jsonl", rejected["source"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(2, rejected["line"]!.GetValue<int>());
        Assert.NotEmpty(rejected["error"]!.GetValue<string>());
    }

    [Fact]
    public async Task StandardInput_IsNdjson()
    {
        command.Input = "{\"text\":\"Rain again.\"}\n{\"text\":\"Rain again.\"}";
        await using var server = await ScriptedServer.Start(Take);
        var outcome = await command.Of("ingest", "-", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Contains("1 accepted, 1 duplicates, 0 rejected", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusedLine_IsReportedWithItsFileAndLine()
    {
        var file = Articles("some.jsonl", 3);
        await using var server = await ScriptedServer.Start((_, response) =>
            ScriptedServer.Json(response, """{"accepted":2,"duplicates":0,"rejected":[{"line":2,"error":"text: is too long"}]}"""));
        var outcome = await command.Of("ingest", file, "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Contains($"rejected {file}:2: text: is too long", outcome.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BusyServer_IsWaitedFor()
    {
        var calls = 0;
        await using var server = await ScriptedServer.Start((request, response) =>
        {
            if (++calls > 1) return Take(request, response);
            response.Headers.RetryAfter = "0";
            return ScriptedServer.Json(response, """{"title":"Busy"}""", 429);
        });
        var outcome = await command.Of("ingest", Articles("some.jsonl", 3), "--json", "--retry-seconds", "0", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(3, taken.Count);
        Assert.Equal(3, outcome.Json["resent"]!.GetValue<int>());
    }

    [Fact]
    public async Task RequestThatEndedEarly_IsGoneOnWithAtTheLineTheServerNames()
    {
        var calls = 0;
        await using var server = await ScriptedServer.Start((request, response) =>
        {
            if (++calls > 1) return Take(request, response);
            taken.AddRange(["a0", "a2"]);
            response.Headers.RetryAfter = "0";
            return ScriptedServer.Json(
                response, """{"title":"Busy","accepted":2,"duplicates":0,"rejected":[{"line":2,"error":"bad"}],"nextLine":4}""", 429);
        });
        var outcome = await command.Of("ingest", Articles("some.jsonl", 5), "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(["a0", "a2", "a3", "a4"], taken);
        Assert.Equal(4, outcome.Json["accepted"]!.GetValue<int>());
        Assert.Equal(0, outcome.Json["duplicates"]!.GetValue<int>());
        Assert.Equal(0, outcome.Json["resent"]!.GetValue<int>());
        Assert.Equal(2, Assert.Single(outcome.Json["rejected"]!.AsArray())!["line"]!.GetValue<int>());
    }

    [Fact]
    public async Task BrokenConnectionAndFailingServer_LoseAndDoubleNothing()
    {
        var calls = 0;
        await using var server = await ScriptedServer.Start(async (request, response) =>
        {
            switch (++calls)
            {
                case 1:
                    // Stored, but the answer never arrives.
                    await Take(request, response, answer: false);
                    request.HttpContext.Abort();
                    break;
                case 2:
                    await ScriptedServer.Json(response, """{"title":"The disk is full"}""", 503);
                    break;
                default:
                    await Take(request, response);
                    break;
            }
        });
        var outcome = await command.Of("ingest", Articles("some.jsonl", 300), "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"a{i}"), taken);
        Assert.Equal(300, outcome.Json["accepted"]!.GetValue<int>() + outcome.Json["duplicates"]!.GetValue<int>());
        Assert.Contains("the server is back", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerThatStaysAway_ExitsWithOne()
    {
        var outcome = await command.Of(
            "ingest", Articles("some.jsonl", 3), "--json", "--retry-seconds", "0", "--url", "http://127.0.0.1:1");
        Assert.Equal(1, outcome.Code);
        Assert.Equal(0, outcome.Json["accepted"]!.GetValue<int>());
        Assert.NotEmpty(outcome.Json["error"]!.GetValue<string>());
        Assert.Contains("goes on where this one stopped", outcome.Notices, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CutOffIngest_GoesOnWhereItStopped()
    {
        var file = Articles("many.jsonl", 600);
        var url = await CutOff(file);
        await using var server = await ScriptedServer.Start(Take, new Uri(url).Port);
        var outcome = await command.Of("ingest", file, "--json", "--url", url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(Enumerable.Range(0, 600).Select(i => $"a{i}"), taken);
        Assert.Equal(256, outcome.Json["resumed"]!.GetValue<int>());
        Assert.Equal(0, outcome.Json["duplicates"]!.GetValue<int>());
        Assert.Equal(344, outcome.Json["accepted"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("changed file")]
    [InlineData("empty server")]
    public async Task CutOffIngest_StartsAnewWhereItsPlaceIsNoLongerGood(string reason)
    {
        var file = Articles("many.jsonl", 600);
        var url = await CutOff(file);
        if (reason == "changed file") File.AppendAllText(file, "{\"id\":\"one-more\",\"text\":\"One more.\"}\n");
        if (reason == "empty server") taken.Clear();
        await using var server = await ScriptedServer.Start(Take, new Uri(url).Port);
        var arguments = (string[])["ingest", file, "--json", "--url", url];
        var outcome = await command.Of(reason == "restart" ? [.. arguments, "--restart"] : arguments);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(0, outcome.Json["resumed"]!.GetValue<int>());
        Assert.Equal(reason == "empty server" ? 0 : 256, outcome.Json["duplicates"]!.GetValue<int>());
        Assert.Equal(taken.Count, taken.Distinct().Count());
        Assert.Equal(reason == "changed file" ? 601 : 600, taken.Count);
    }

    [Fact]
    public async Task CompletedIngest_SendsEverythingAgainAsDuplicates()
    {
        var file = Articles("some.jsonl", 3);
        await using var server = await ScriptedServer.Start(Take);
        await command.Of("ingest", file, "--url", server.Url);
        var outcome = await command.Of("ingest", file, "--json", "--url", server.Url);
        Assert.Equal(3, outcome.Json["duplicates"]!.GetValue<int>());
    }

    [Fact]
    public async Task BatchThatIsTooLarge_IsHalvedUntilItFits()
    {
        await using var server = await ScriptedServer.Start((request, response) => request.ContentLength > 200
            ? ScriptedServer.Json(response, """{"title":"Too large"}""", 413)
            : Take(request, response));
        var long300 = new string('x', 300);
        var file = command.Write(
            "some.jsonl",
            $"{{\"id\":\"a\",\"text\":\"Rain.\"}}\n{{\"id\":\"b\",\"text\":\"{long300}\"}}\n{{\"id\":\"c\",\"text\":\"Sun.\"}}\n");
        var outcome = await command.Of("ingest", file, "--json", "--url", server.Url);
        Assert.Equal(0, outcome.Code);
        Assert.Equal(["a", "c"], taken);
        Assert.Equal(2, Assert.Single(outcome.Json["rejected"]!.AsArray())!["line"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("nothing.jsonl")]
    [InlineData("picture.png")]
    public async Task PathThatIsNoArticleFile_ExitsWithOneBeforeAnythingIsSent(string name)
    {
        if (name == "picture.png") command.Write(name, "no articles");
        var outcome = await command.Of("ingest", Path.Combine(command.Folder, name), "--url", "http://127.0.0.1:1");
        Assert.Equal(1, outcome.Code);
        Assert.Contains(name, outcome.Notices, StringComparison.Ordinal);
    }

    private string Articles(string name, int count) =>
        command.Write(name, string.Concat(
            Enumerable.Range(0, count).Select(i => $"{{\"id\":\"a{i}\",\"text\":\"Article number {i}.\"}}\n")));

    /// <summary>An ingest whose server goes away for good after the first batch.</summary>
    private async Task<string> CutOff(string file)
    {
        var calls = 0;
        await using var server = await ScriptedServer.Start((request, response) =>
        {
            if (++calls == 1) return Take(request, response);
            request.HttpContext.Abort();
            return Task.CompletedTask;
        });
        var outcome = await command.Of("ingest", file, "--json", "--retry-seconds", "0", "--url", server.Url);
        Assert.Equal(1, outcome.Code);
        Assert.Equal(256, outcome.Json["accepted"]!.GetValue<int>());
        return server.Url;
    }

    private Task Take(HttpRequest request, HttpResponse response) => Take(request, response, answer: true);

    /// <summary>As the real server: an article counts once.</summary>
    private async Task Take(HttpRequest request, HttpResponse response, bool answer)
    {
        if (request.Method == "GET")
        {
            var known = taken.Contains(request.Path.Value!.Split('/')[^1]);
            await ScriptedServer.Json(response, known ? "{}" : """{"title":"Not found"}""", known ? 200 : 404);
            return;
        }
        var accepted = 0;
        var duplicates = 0;
        foreach (var line in ScriptedServer.BodyOf(request).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var id = JsonNode.Parse(line)!["id"]!.GetValue<string>();
            if (taken.Contains(id)) duplicates++;
            else
            {
                taken.Add(id);
                accepted++;
            }
        }
        if (answer) await ScriptedServer.Json(response, $$"""{"accepted":{{accepted}},"duplicates":{{duplicates}},"rejected":[]}""");
    }
}
