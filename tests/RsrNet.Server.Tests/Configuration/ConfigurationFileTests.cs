using System.Reflection;
using System.Text;
using RsrNet.Core;
using RsrNet.Core.Coordination;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Replicas.Recurrent;
using RsrNet.Server.Configuration;

namespace RsrNet.Server.Tests.Configuration;

public sealed class ConfigurationFileTests
{
    [Fact]
    public void File_OfTheRepository_HoldsTheDefaults()
    {
        var path = Path.Combine(Root(), "silo-config", "local.json");

        var configuration = ConfigurationFile.Read(path);

        Assert.Equal(new RsrNetOptions(), configuration.Learner);
        Assert.Equal(new ServerOptions(), configuration.Server);
        // And it names every setting there is, but the folder that depends on the user.
        var text = File.ReadAllText(path);
        foreach (var option in Options(typeof(RsrNetOptions)).Append(typeof(ServerOptions).GetProperty(nameof(ServerOptions.Urls))!))
        {
            Assert.Contains($"\"{option.Name}\":", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Settings_AreTaken()
    {
        var configuration = Parse("""
            {
              // A comment.
              "documents": { "MaxSteps": 5, "refreshWhenIdle": false },
              "Coordination": { "LearningRate": 1e-4, "mode": "asynchronous" },
              "Server": { "Urls": "http://127.0.0.1:0", "Data": "somewhere" }
            }
            """);

        Assert.Equal((5, false), (configuration.Learner.Documents.MaxSteps, configuration.Learner.Documents.RefreshWhenIdle));
        Assert.Equal((1e-4, CoordinationMode.Asynchronous), (configuration.Learner.Coordination.LearningRate, configuration.Learner.Coordination.Mode));
        Assert.Equal(("http://127.0.0.1:0", "somewhere"), (configuration.Server.Urls, configuration.Server.Data));
        Assert.Equal(new RsrNetOptions().Articles, configuration.Learner.Articles);
    }

    [Fact]
    public void File_WithModels_CanBeRead() => Assert.Equal(
        ["newsroom", "topics"], ConfigurationFile.Read(Path.Combine(Root(), "silo-config", "models.json")).Models.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Models_AreTakenUnderTheirNames()
    {
        var models = Parse("""{"Models": {"topics": {"label": "section", "Hidden": 32}, "speaker": {"Kind": "languageModel", "cell": "gru"}}}""").Models;

        Assert.Equal(["speaker", "topics"], models.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(("section", 32), (models["topics"].Label, models["topics"].Hidden));
        Assert.Equal((ModelKind.LanguageModel, RecurrentCell.Gru), (models["speaker"].Kind, models["speaker"].Cell));
        Assert.Empty(Parse("{}").Models);
    }

    [Theory]
    [InlineData("""{"Models": {"topics": {"Hiden": 3}}}""", "Models.topics.Hiden is unknown; did you mean 'Hidden'?")]
    [InlineData("""{"Models": {"topics": {"Hidden": "many"}}}""", "Models.topics.Hidden is \"many\"; it must be a whole number")]
    [InlineData("""{"Models": {"topics": {"Hidden": 0}}}""", "Models.topics.Hidden is 0; it must be 1 to 4096")]
    [InlineData("""{"Models": {"My topics": {}}}""", "Models.My topics: a name has")]
    [InlineData("""{"Models": []}""", "Models must be a JSON object")]
    public void Models_WithProblems_AreNamed(string json, string problem) =>
        Assert.Contains(problem, Assert.Throws<ConfigurationException>(() => Parse(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}")]
    [InlineData("\uFEFF{}")]
    [InlineData("""{"Server": {}}""")]
    public void File_WithoutSettings_HasTheDefaults(string json)
    {
        Assert.Equal(new RsrNetOptions(), Parse(json).Learner);
        Assert.Equal(new ServerOptions(), Parse(json).Server);
    }

    [Theory]
    [InlineData("""{"Document": {}}""", "Document is unknown; did you mean 'Documents'?")]
    [InlineData("""{"Documents": {"Tolerence": 0.1}}""", "Documents.Tolerence is unknown; did you mean 'Tolerance'?")]
    [InlineData("""{"Documents": {"Zzz": 0.1}}""", "Documents.Zzz is unknown; known are Tolerance, MaxSteps")]
    [InlineData("""{"Server": {"Url": "x"}}""", "Server.Url is unknown; did you mean 'Urls'?")]
    [InlineData("""{"Documents": {"MaxSteps": "5"}}""", "Documents.MaxSteps is \"5\"; it must be a whole number")]
    [InlineData("""{"Documents": {"MaxSteps": 2.5}}""", "Documents.MaxSteps is 2.5; it must be a whole number")]
    [InlineData("""{"Documents": {"MaxSteps": null}}""", "Documents.MaxSteps is null; it must be a whole number")]
    [InlineData("""{"Documents": {"RefreshWhenIdle": 1}}""", "Documents.RefreshWhenIdle is 1; it must be true or false")]
    [InlineData("""{"Documents": {"MaxSteps": 1, "maxSteps": 2}}""", "Documents.MaxSteps is there more than once")]
    [InlineData("""{"Documents": 5}""", "Documents must be a JSON object")]
    [InlineData("[]", "the file must be a JSON object")]
    [InlineData("{", "this is no JSON")]
    [InlineData("", "this is no JSON")]
    [InlineData("""{"Documents": {"MaxSteps": 0}}""", "Documents.MaxSteps is 0; it must be at least 1")]
    [InlineData("""{"Documents": {"Tolerance": 1}}""", "Documents.Tolerance is 1; it must be above 0 and below 1")]
    [InlineData("""{"Coordination": {"Beta1": 1}}""", "Coordination.Beta1 is 1; it must be at least 0 and below 1")]
    [InlineData("""{"Coordination": {"Mode": "Alone"}}""", "Coordination.Mode is \"Alone\"; it must be one of Synchronous, Asynchronous, LocalSteps")]
    [InlineData("""{"Coordination": {"Mode": 1}}""", "Coordination.Mode is 1; it must be one of")]
    [InlineData("""{"Coordination": {"Replicas": 1025}}""", "Coordination.Replicas is 1025; it must be 1 to 1024")]
    [InlineData("""{"Server": {"KeepAliveSeconds": 0}}""", "Server.KeepAliveSeconds is 0; it must be 0.1 to 300")]
    [InlineData("""{"Server": {"Database": "Host=db;Databse=x"}}""", "Server.Database ")]
    [InlineData("""{"Server": {"Database": "Database=x"}}""", "Server.Database names no Host; write it as")]
    public void Setting_ThatIsWrong_IsNamed(string json, string message) =>
        Assert.Contains(message, Assert.Throws<ConfigurationException>(() => Parse(json)).Message, StringComparison.Ordinal);

    /// <summary>A connection string may hold a password, wherever the mistake is.</summary>
    [Theory]
    [InlineData("""{"Server": {"Database": "Host=db;Port=secret-word;Database=x"}}""")]
    [InlineData("""{"Server": {"Database": "Database=x;Password=secret-word"}}""")]
    [InlineData("""{"Server": {"Database": {"Host": "db", "Password": "secret-word"}}}""")]
    [InlineData("""{"Server": {"Database": ["Host=db", "Password=secret-word"]}}""")]
    public void ConnectionString_ThatIsWrong_IsNotShown(string json)
    {
        var problem = Assert.Throws<ConfigurationException>(() => Parse(json));
        Assert.Contains("Server.Database", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_ThatAreWrong_AreAllNamed()
    {
        var problem = Assert.Throws<ConfigurationException>(() => Parse("""{"A": 1, "Documents": {"B": 2, "MaxSteps": "x"}}"""));
        Assert.Equal(3, problem.Problems.Count);
        Assert.StartsWith("test.json: ", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_ThatIsNotThere_IsNamed() =>
        Assert.Contains(
            "/nowhere/x.json",
            Assert.Throws<ConfigurationException>(() => ConfigurationFile.Read("/nowhere/x.json")).Message, StringComparison.Ordinal);

    public static TheoryData<string> Numbers() =>
        [.. Options(typeof(RsrNetOptions)).Where(option => IsNumber(option) && option.Name != "Seed")
                .Select(option => $"{SectionOf(option)}.{option.Name}"),
            .. typeof(ServerOptions).GetProperties().Where(IsNumber).Select(option => $"Server.{option.Name}")];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Number_FarBelowItsRange_IsRefused(string option)
    {
        var (section, name) = (option.Split('.')[0], option.Split('.')[1]);
        var problem = Assert.Throws<ConfigurationException>(() => Parse($$"""{"{{section}}": {"{{name}}": -1000000000} }"""));
        Assert.Contains($"{option} is -1000000000; it must be", problem.Message, StringComparison.Ordinal);
    }

    private static ConfigurationFile Parse(string json) => ConfigurationFile.Parse(Encoding.UTF8.GetBytes(json), "test.json");

    private static IEnumerable<PropertyInfo> Options(Type sections) =>
        sections.GetProperties().SelectMany(section => section.PropertyType.GetProperties());

    private static string SectionOf(PropertyInfo option) =>
        typeof(RsrNetOptions).GetProperties().Single(section => section.PropertyType == option.DeclaringType).Name;

    private static bool IsNumber(PropertyInfo option) =>
        option.PropertyType == typeof(int) || option.PropertyType == typeof(long) || option.PropertyType == typeof(double);

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "silo-config")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no silo-config above the test's folder");
        }
        return folder;
    }
}
