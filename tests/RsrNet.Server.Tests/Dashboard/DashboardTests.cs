using Microsoft.Playwright;
using RsrNet.Core;
using RsrNet.Core.Articles;

namespace RsrNet.Server.Tests.Dashboard;

/// <summary>The dashboard in a real browser. Pictures of every page go to artifacts/screenshots, for people to look at.</summary>
public sealed class DashboardTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    /// <summary>
    /// What an accessibility checker looks at first: names of controls, alternatives of images, one heading of the first rank, landmarks, table
    /// headers, and contrast of every text with what is behind it (WCAG 2.2, 1.4.3: 4.5, or 3 for large text).
    /// </summary>
    private const string Audit =
        """
        () => {
          const faults = [];
          const visible = e => e.checkVisibility() && e.getClientRects().length > 0;
          const name = e => (e.getAttribute('aria-label') || (e.labels && [...e.labels].map(l => l.textContent).join(' ')) || e.textContent || e.title || '').trim();
          for (const e of document.querySelectorAll('button, a[href], input, select, textarea, summary'))
            if (visible(e) && !name(e)) faults.push('no name: ' + e.outerHTML.slice(0, 120));
          for (const e of document.querySelectorAll('img')) if (!e.alt) faults.push('no alt: ' + e.outerHTML.slice(0, 80));
          for (const e of document.querySelectorAll('[role=img], canvas, meter')) if (visible(e) && !e.getAttribute('aria-label')) faults.push('no label: ' + e.outerHTML.slice(0, 80));
          if ([...document.querySelectorAll('h1')].filter(visible).length !== 1) faults.push('not one h1');
          if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
          if (!document.querySelector('nav[aria-label]')) faults.push('no named nav');
          if (!document.documentElement.lang) faults.push('no lang');
          const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
          for (const id of new Set(ids)) if (ids.filter(i => i === id).length > 1) faults.push('id twice: ' + id);
          for (const e of document.querySelectorAll('[aria-labelledby]')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) faults.push('labelledby nothing');
          const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
          const rgba = colour => { pixel.clearRect(0, 0, 1, 1); pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1); return pixel.getImageData(0, 0, 1, 1).data; };
          const light = c => { const [r, g, b] = [c[0], c[1], c[2]].map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return rgba('white'); };
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
            if (!text || !visible(e) || e.closest('script, style, :disabled, [hidden], .skip, .hidden')) continue;
            const style = getComputedStyle(e), size = parseFloat(style.fontSize);
            const [a, b] = [light(rgba(style.color)), light(ground(e))].sort((x, y) => y - x);
            const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
            if ((a + 0.05) / (b + 0.05) < least) faults.push(`contrast ${((a + 0.05) / (b + 0.05)).toFixed(2)}: "${text.slice(0, 30)}" ${style.color} ${e.className}`);
          }
          return [...new Set(faults)];
        }
        """;

    public static TheoryData<string, bool> Pages()
    {
        var data = new TheoryData<string, bool>();
        foreach (var page in (string[])["", "articles", "embedding", "documents", "documents/demo-42-0000003", "map", "replicas", "coordination", "models", "weights", "telemetry"])
        {
            data.Add(page, false);
            data.Add(page, true);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_HasNoComplaintsAndNoFaults_AndFitsAPhone(string path, bool dark)
    {
        var (page, complaints) = await dashboard.Open(path, dark: dark);
        Assert.Equal(dark ? "dark" : "light", await page.EvaluateAsync<string>("document.documentElement.dataset.theme"));
        await Picture(page, path, dark, "wide");
        var faults = await page.EvaluateAsync<string[]>(Audit);
        await page.SetViewportSizeAsync(390, 844);
        await page.WaitForTimeoutAsync(300);
        var overflow = await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        await Picture(page, path, dark, "phone");
        await page.Context.CloseAsync();
        Assert.Empty(complaints);
        Assert.Empty(faults);
        Assert.True(overflow <= 0, $"the page is {overflow} px wider than a phone of 390");
    }

    [Fact]
    public async Task DemoButton_StartsTheStream_AndChartsMove()
    {
        var (page, complaints) = await dashboard.Open("articles");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start the demo stream" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop the demo stream" }).WaitForAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Overview" }).First.ClickAsync();
        var line = page.Locator("figure[data-kind=articles] path.line");
        var before = await line.GetAttributeAsync("d");
        await page.WaitForFunctionAsync("before => { const d = document.querySelector('figure[data-kind=articles] path.line')?.getAttribute('d'); return d && d !== before; }", before);
        await page.GetByRole(AriaRole.Link, new() { Name = "Articles" }).First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop the demo stream" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Start the demo stream" }).WaitForAsync();
        Assert.Null(dashboard.Server.Demo.Rate);
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task RefineMore_MovesTheTrajectory()
    {
        var (page, complaints) = await dashboard.Open("documents/demo-42-0000005");
        var before = (await dashboard.Server.Learner.Find("demo-42-0000005", TestContext.Current.CancellationToken))!.State!.Step;
        var line = await page.Locator("figure[data-kind=trajectory] path.line").First.GetAttributeAsync("d");
        await page.Locator("#refine").ClickAsync();
        await page.GetByText("8 steps further, with version").WaitForAsync();
        Assert.NotEqual(line, await page.Locator("figure[data-kind=trajectory] path.line").First.GetAttributeAsync("d"));
        var after = (await dashboard.Server.Learner.Find("demo-42-0000005", TestContext.Current.CancellationToken))!.State!.Step;
        Assert.True(after >= before + 8, $"from step {before} to {after}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Measure the spectral radius" }).ClickAsync();
        await page.GetByText("one supervision step shrinks").WaitForAsync();
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Search_FindsADocumentAndOpensIt()
    {
        var (page, _) = await dashboard.Open("documents");
        var wanted = (await dashboard.Server.Learner.Find("demo-42-0000007", TestContext.Current.CancellationToken))!.Article;
        await page.Locator("#search").FillAsync(wanted.Text[..300]);
        await page.Keyboard.PressAsync("Enter");
        await page.Locator(".hits a").First.WaitForAsync();
        Assert.Equal(wanted.Title, (await page.Locator(".hits a").First.TextContentAsync())!.Trim());
        await page.Locator(".hits a").First.ClickAsync();
        await page.WaitForURLAsync("**/documents/demo-42-0000007");
        await page.Locator("mark").First.WaitForAsync();
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task List_SortsByConfidence()
    {
        var (page, _) = await dashboard.Open("documents");
        await page.GetByRole(AriaRole.Columnheader, new() { Name = "Confidence" }).GetByText("Confidence").First.ClickAsync();
        var lowest = (await dashboard.Server.Learner.Rank(new(RsrNet.Core.Documents.DocumentSort.Confidence, Descending: false, Take: 1), TestContext.Current.CancellationToken)).Items[0];
        await page.WaitForFunctionAsync("title => document.querySelector('.rz-data-grid tbody a')?.textContent.trim() === title", lowest.Title);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task List_SortsByTheKeyboard()
    {
        var (page, complaints) = await dashboard.Open("documents");
        await page.Locator(".rz-data-grid tbody a").First.WaitForAsync();
        await page.Locator(".rz-data-grid-data").FocusAsync();
        // Into the headings, and along them to the one that is wanted.
        await page.Keyboard.PressAsync("ArrowUp");
        await page.Locator("th.rz-state-focused").GetByText("Title").WaitForAsync();
        foreach (var heading in (string[])["Status", "Residual", "Confidence"])
        {
            await page.Keyboard.PressAsync("ArrowRight");
            await page.Locator("th.rz-state-focused").GetByText(heading).WaitForAsync();
        }
        await page.Keyboard.PressAsync("Enter");
        var lowest = (await dashboard.Server.Learner.Rank(new(RsrNet.Core.Documents.DocumentSort.Confidence, Descending: false, Take: 1), TestContext.Current.CancellationToken)).Items[0];
        await page.WaitForFunctionAsync("title => document.querySelector('.rz-data-grid tbody a')?.textContent.trim() === title", lowest.Title);
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Restore_AsksFirst()
    {
        var (page, complaints) = await dashboard.Open("weights");
        var version = (await dashboard.Server.Learner.ReadTelemetry(TestContext.Current.CancellationToken)).WeightVersion;
        var restore = page.GetByRole(AriaRole.Button, new() { Name = "Restore version" });
        await restore.Locator("visible=true").Nth(1).ClickAsync();
        await page.GetByRole(AriaRole.Alertdialog).WaitForAsync();
        await Picture(page, "weights-restore", dark: false, "wide");
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep the present one" }).ClickAsync();
        await page.GetByRole(AriaRole.Alertdialog).WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        Assert.True((await dashboard.Server.Learner.ReadTelemetry(TestContext.Current.CancellationToken)).WeightVersion == version, "nothing was confirmed");

        await restore.Locator("visible=true").Nth(1).ClickAsync();
        await page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Restore" }).ClickAsync();
        await page.GetByText("is in use again").WaitForAsync();
        Assert.True((await dashboard.Server.Learner.ReadTelemetry(TestContext.Current.CancellationToken)).WeightVersion > version);
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task ThemeSwitch_HoldsOverPages()
    {
        var (page, _) = await dashboard.Open("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Switch between light and dark" }).ClickAsync();
        Assert.Equal("dark", await page.EvaluateAsync<string>("document.documentElement.dataset.theme"));
        await page.ReloadAsync();
        Assert.Equal("dark", await page.EvaluateAsync<string>("document.documentElement.dataset.theme"));
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Keyboard_SkipsToTheContent_AndOpensAPage()
    {
        var (page, _) = await dashboard.Open("");
        await page.Locator(".skip").FocusAsync();
        for (var i = 0; i < 12 && !await page.EvaluateAsync<bool>("document.activeElement.textContent === 'Weights'"); i++) await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForURLAsync("**/weights");
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Map_DrawsEveryDocument_AndComparesWithUntrained()
    {
        var (page, complaints) = await dashboard.Open("map");
        await page.WaitForFunctionAsync("() => /\\d documents/.test(document.getElementById('map-status').textContent)");
        await page.WaitForTimeoutAsync(500);
        Assert.True(await Painted(page, "#map-main") > 100);
        await page.GetByRole(AriaRole.Button, new() { Name = "Before and after training" }).ClickAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('.maps.two') && !document.querySelector('#map-second').closest('[hidden]')");
        await page.WaitForTimeoutAsync(1500);
        Assert.True(await Painted(page, "#map-second") > 100);
        await Picture(page, "map-compared", dark: false, "wide");
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Map_OfAClassifier_ShowsItsPlaneBeforeAndAfterTraining()
    {
        var (page, complaints) = await dashboard.Open("map?model=topics");
        await page.WaitForFunctionAsync("() => document.querySelector('.maps.two') && document.querySelector('#map-model').value === 'topics'");
        await page.WaitForFunctionAsync("() => document.querySelector('#map-second').set?.ids.length > 0");
        Assert.True(await Painted(page, "#map-main") > 100 && await Painted(page, "#map-second") > 100);
        await Picture(page, "map-model", dark: false, "wide");
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task ModelVersion_IsRestoredAfterAQuestion()
    {
        var (page, complaints) = await dashboard.Open("models");
        var topics = dashboard.Server.Models.Find("topics")!;
        var version = (await topics.Read(TestContext.Current.CancellationToken)).Version;
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("Restore version [0-9]+ of topics") }).Last.ClickAsync();
        await page.GetByText("becomes the one in use again").WaitForAsync();
        await Picture(page, "model-restore", dark: false, "wide");
        Assert.Equal(0, await page.GetByText("is in use again").CountAsync());
        await page.GetByRole(AriaRole.Button, new() { Name = "Restore", Exact = true }).Last.ClickAsync();
        await page.GetByText("is in use again").WaitForAsync();
        Assert.True((await topics.Read(TestContext.Current.CancellationToken)).Version > version);
        Assert.Empty(complaints);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task Challenger_ServesAfterAQuestion()
    {
        Assert.SkipWhen(dashboard.Browser is null, dashboard.Reason);
        var options = new RsrNetOptions
        {
            Residual = new() { Hidden = 8, Latent = 4 }, Documents = new() { RefreshWhenIdle = false },
            Shadow = new() { Enabled = true, Challenger = new() { Hidden = 8, Latent = 4, LearningRate = 0.01 }, Window = 20 },
        };
        await using var server = await Http.RunningServer.Start(options, new ServerOptions { TelemetrySeconds = 0.3 }, learning: true);
        await server.Learner.Ingest([.. new DemoNewswire().From().Take(40)], TestContext.Current.CancellationToken);
        while (await server.Learner.ReadShadow(TestContext.Current.CancellationToken) is not { Judged: > 0 }) await Task.Delay(50, TestContext.Current.CancellationToken);
        await using var context = await dashboard.Browser!.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync($"{server.Address}weights");
        await page.WaitForTimeoutAsync(2000);
        await page.GetByRole(AriaRole.Button, new() { Name = "Let it serve" }).ClickAsync(new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Alertdialog).WaitForAsync();
        await Picture(page, "weights-challenger", dark: false, "wide");
        Assert.Empty((await server.Learner.ReadShadow(TestContext.Current.CancellationToken))!.PromotedAt);
        await page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Let it serve" }).ClickAsync();
        await page.GetByText("The challenger serves, as version").WaitForAsync();
        Assert.Single((await server.Learner.ReadShadow(TestContext.Current.CancellationToken))!.PromotedAt);
    }

    [Fact]
    public async Task EmptyServer_TellsANewcomerWhatToDo()
    {
        Assert.SkipWhen(dashboard.Browser is null, dashboard.Reason);
        await using var server = await Http.RunningServer.Start(learning: true);
        await using var context = await dashboard.Browser!.NewContextAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(server.Address.ToString());
        await page.GetByText("Nothing here yet").WaitForAsync();
        await Picture(page, "empty", dark: false, "wide");
        await page.WaitForTimeoutAsync(2000);
        await page.GetByRole(AriaRole.Button, new() { Name = "Start the demo stream" }).ClickAsync();
        await page.GetByText("It learns").Or(page.GetByText("Loss is level")).WaitForAsync(new() { Timeout = 120_000 });
        await server.Demo.Stop();
    }

    /// <summary>Pixels of a canvas that are not transparent.</summary>
    private static Task<int> Painted(IPage page, string canvas) => page.EvaluateAsync<int>(
        "id => { const c = document.querySelector(id); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n; }", canvas);

    private static async Task Picture(IPage page, string path, bool dark, string width)
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "RsrNet.Core.slnf"))) root = Path.GetDirectoryName(root);
        if (root is null) return;
        var name = $"{(path.Length == 0 ? "overview" : path.Replace('/', '-'))}-{(dark ? "dark" : "light")}-{width}.png";
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(root, "artifacts", "screenshots", name), FullPage = true });
    }
}
