using RsrNet.Core.Replicas;

namespace RsrNet.Core.Tests.Replicas;

public sealed class EngineCatalogTests
{
    private static readonly RecursionShape Tiny = new(6, 5, 4);

    [Fact]
    public void Find_EachOfCoresEngines_MakesIt()
    {
        foreach (var (name, type) in new[] { ("reference", typeof(ReferenceEngine)), ("cpu", typeof(CpuEngine)), ("auto", typeof(CpuEngine)) })
        {
            using var engine = EngineCatalog.OfCore().Find(name).Create(Tiny, new RecursionOptions());
            Assert.IsType(type, engine);
            Assert.Equal(Tiny, engine.Shape);
        }
    }

    [Fact]
    public void Auto_TakesTheMostPreferredThatCanRun()
    {
        var catalog = EngineCatalog.OfCore().Add(Offer("fast", 50, null)).Add(Offer("faster", 60, "no such chip"));
        Assert.Equal("fast", catalog.Find("auto").Name);
    }

    [Fact]
    public void Find_OneThatCannotRun_SaysWhatIsMissing()
    {
        var catalog = EngineCatalog.OfCore().Add(Offer("faster", 60, "no such chip; buy one"));
        var problem = Assert.Throws<EngineUnavailableException>(() => catalog.Find("faster"));
        Assert.Equal("the engine 'faster' cannot run here: no such chip; buy one", problem.Message);
    }

    [Fact]
    public void Find_AnUnknownName_NamesThoseThereAre()
    {
        var problem = Assert.Throws<EngineUnavailableException>(() => EngineCatalog.OfCore().Find("cuda"));
        Assert.Equal(
            "there is no engine 'cuda' in this edition, which has reference, cpu and auto; it comes with the full edition "
                + "(./rsrnet --edition full)",
            problem.Message);
        problem = Assert.Throws<EngineUnavailableException>(() => EngineCatalog.OfCore().AddChoice("quick", "cpu").Find("steam"));
        Assert.Equal("there is no engine 'steam' in this edition, which has reference, cpu, quick and auto", problem.Message);
    }

    [Fact]
    public void Choice_TakesTheFirstThatCanRun_OrSaysWhatTheLastLacks()
    {
        var catalog = EngineCatalog.OfCore().Add(Offer("fast", 50, "no such chip")).AddChoice("either", "fast", "cpu").AddChoice("only", "fast");
        Assert.Equal("cpu", catalog.Find("either").Name);
        Assert.Contains("no such chip", Assert.Throws<EngineUnavailableException>(() => catalog.Find("only")).Message, StringComparison.Ordinal);
        Assert.Contains("either (fast or else cpu)", catalog.Describe(), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => catalog.AddChoice("none", "steam"));
        Assert.Throws<ArgumentException>(() => catalog.Add(Offer("either", 1, null)));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("auto")]
    public void Add_ANameThatIsTaken_IsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => EngineCatalog.OfCore().Add(Offer(name, 1, null)));

    private static EngineOffer Offer(string name, int preference, string? missing) =>
        new(name, "a test's", preference, (shape, options) => new ReferenceEngine(shape, options)) { Missing = () => missing };
}
