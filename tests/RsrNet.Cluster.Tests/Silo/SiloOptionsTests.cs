using System.Text;
using RsrNet.Grains;
using RsrNet.Server.Configuration;
using RsrNet.Server.Tests.Cli;
using RsrNet.Silo;

namespace RsrNet.Cluster.Tests.Silo;

public sealed class SiloOptionsTests
{
    [Theory]
    [InlineData("local.json", ProcessRole.Local)]
    [InlineData("cluster-cpu.json", ProcessRole.Cpu)]
    [InlineData("cluster-gpu.json", ProcessRole.Gpu)]
    [InlineData("gateway.json", ProcessRole.Gateway)]
    public void File_OfTheRepository_IsOfItsRole(string file, ProcessRole role)
    {
        var configuration = ConfigurationFile.Read(RepositoryFolder.Path($"silo-config/{file}"), FullEdition.Create().Sections);
        Assert.Equal(role, configuration.Section<SiloOptions>("Silo").Role);
        // Whoever has a cluster has a database; and nothing is listened at beyond this machine unless somebody says so.
        Assert.Equal(role == ProcessRole.Local, configuration.Server.Database.Length == 0);
        Assert.StartsWith("http://127.0.0.1:", configuration.Server.Urls, StringComparison.Ordinal);
        Assert.Equal("127.0.0.1", configuration.Section<SiloOptions>("Silo").Address);
    }

    [Fact]
    public void Readme_ExplainsEveryKey()
    {
        var text = File.ReadAllText(RepositoryFolder.Path("silo-config/README.md"));
        (string Section, Type Type)[] sections =
        [
            ("Silo", typeof(SiloOptions)), ("Silo.Tls", typeof(SiloTls)), ("Grains", typeof(GrainOptions)),
        ];
        foreach (var (section, type) in sections)
        {
            foreach (var key in type.GetProperties().Where(one => one is { CanWrite: true, Name: not "Tls" }))
                Assert.Contains($"| `{section}.{key.Name}` |", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"Silo": {"Rol": "Cpu"}}""", "Silo.Rol is unknown; did you mean 'Role'?")]
    [InlineData("""{"Silo": {"Role": "Tpu"}}""", "Silo.Role is \"Tpu\"; it must be one of Local, Cpu, Gpu, Gateway")]
    [InlineData("""{"Silo": {"Tls": {"Cert": "x"}}}""", "Silo.Tls.Cert is unknown")]
    [InlineData("""{"Grains": {"SearchShards": 0}}""", "Grains.SearchShards is 0; it must be 1 to 1024")]
    [InlineData("""{"Silo": {"Port": 70000}}""", "Silo.Port is 70000; it must be 0 to 65535")]
    [InlineData("""{"Silo": {"Port": 5, "GatewayPort": 5}}""", "must differ")]
    [InlineData("""{"Silo": {"Address": "db.example"}}""", "Silo.Address is 'db.example'; give an IP address")]
    [InlineData("""{"Silo": {"Address": "0.0.0.0"}}""", "give the one address that the other machines use")]
    [InlineData("""{"Silo": {"Dashboard": "admin"}}""", "Silo.Dashboard is 'admin'; give a path")]
    [InlineData("""{"Silo": {"ProbeSeconds": 0}}""", "Silo.ProbeSeconds is 0")]
    [InlineData("""{"Silo": {"Tls": {"Certificate": "/no/such.pfx", "Authority": "/no/such.pem"}}}""", "there is no such file")]
    [InlineData("""{"Silo": {"Tls": {"Authority": "/no/such.pem"}}}""", "Silo.Tls.Certificate is empty")]
    public void Section_WithAMistake_IsRefusedByKey(string json, string message)
    {
        var problem = Assert.Throws<ConfigurationException>(
            () => ConfigurationFile.Parse(Encoding.UTF8.GetBytes(json), "test.json", FullEdition.Create().Sections));
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Section_InTheCoreEdition_SaysWhereItBelongs()
    {
        var problem = Assert.Throws<ConfigurationException>(() => ConfigurationFile.Parse("""{"Silo": {"Role": "Cpu"}}"""u8.ToArray(), "test.json"));
        Assert.Contains("Silo is a section of the full edition", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Cpu")]
    [InlineData("Gateway")]
    public async Task Role_WithoutADatabase_IsRefused(string role)
    {
        using var command = new CommandRun { Edition = FullEdition.Create() };
        var file = command.Write("settings.json", $$"""{"Silo": {"Role": "{{role}}"} }""");
        var outcome = await command.Of("serve", "--config", file);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("Server.Database", outcome.Notices, StringComparison.Ordinal);
    }
}
