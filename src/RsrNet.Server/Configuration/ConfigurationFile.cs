using System.Text.Json;
using System.Text.Json.Serialization;
using RsrNet.Core;
using RsrNet.Core.Coordination.Models;

namespace RsrNet.Server.Configuration;

/// <summary>
/// A JSON file of settings: a section for each stage (<see cref="RsrNetOptions"/>), <c>Server</c> (<see cref="ServerOptions"/>) and <c>Models</c>, in
/// which each text model (<see cref="ModelOptions"/>) stands under its name. What it leaves out has its default. Comments and trailing commas are
/// allowed, upper and lower case are the same. An unknown key is an error, and so is a value out of range.
/// </summary>
/// <remarks>An edition with more to set brings sections of its own (<see cref="ConfigurationSection{T}"/>).</remarks>
/// <param name="Learner">Already checked.</param>
/// <param name="Server">Already checked.</param>
public sealed record ConfigurationFile(RsrNetOptions Learner, ServerOptions Server)
{
    private const string ServerSection = "Server", ModelsSection = "Models";

    /// <summary>Known here so that a message can say where they mean something.</summary>
    private static readonly string[] OfFullEdition = ["Silo", "Grains"];

    private IReadOnlyDictionary<string, object> More { get; init; } = new Dictionary<string, object>();

    private static readonly JsonSerializerOptions Strict = new()
    {
        PropertyNameCaseInsensitive = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(allowIntegerValues: false) },
    };

    /// <summary>The text models by name; already checked.</summary>
    public IReadOnlyDictionary<string, ModelOptions> Models { get; init; } = new Dictionary<string, ModelOptions>();

    /// <summary>An edition's own section, already checked; its defaults where the file has none.</summary>
    public T Section<T>(string name)
        where T : class, new() => More.TryGetValue(name, out var section) ? (T)section : new T();

    /// <param name="more">Sections beside those of every edition.</param>
    /// <exception cref="ConfigurationException">The file cannot be read, or something in it is wrong; every problem is named with its
    /// key.</exception>
    public static ConfigurationFile Read(string path, params IReadOnlyList<IConfigurationSection> more)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), path, more);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(path, [problem.Message]);
        }
    }

    /// <param name="json">UTF-8.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <inheritdoc cref="Read" path="/param[@name='more']"/>
    /// <exception cref="ConfigurationException">Something in it is wrong; every problem is named with its key.</exception>
    public static ConfigurationFile Parse(ReadOnlyMemory<byte> json, string source, params IReadOnlyList<IConfigurationSection> more)
    {
        if (json.Span.StartsWith("\uFEFF"u8)) json = json[3..];
        var problems = new List<string>();
        var configuration = new ConfigurationFile(new RsrNetOptions(), new ServerOptions());
        try
        {
            using var document = JsonDocument.Parse(
                json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            Key[] sections =
            [
                .. KeysOf(typeof(RsrNetOptions)), new(ServerSection, typeof(ServerOptions)), new(ModelsSection, typeof(IReadOnlyDictionary<string, ModelOptions>)),
                .. more.Select(one => new Key(one.Name, one.Type)),
            ];
            var values = ReadObject(document.RootElement, "", sections, problems);
            if (problems.Count == 0)
            {
                var server = values.Remove(ServerSection, out var section) ? Bind<ServerOptions>(section) : configuration.Server;
                var own = new Dictionary<string, object>(StringComparer.Ordinal);
                foreach (var one in more)
                {
                    if (!values.Remove(one.Name, out var section1)) continue;
                    own.Add(one.Name, Bind(section1, one.Type));
                    problems.AddRange(one.Problems(own[one.Name]));
                }
                var models = values.Remove(ModelsSection, out var named) ? Bind<Dictionary<string, ModelOptions>>(named) : [];
                configuration = new ConfigurationFile(Bind<RsrNetOptions>(values), server) { More = own, Models = models };
                problems.AddRange(
                    [.. configuration.Learner.Problems(), .. configuration.Server.Problems(), .. models.SelectMany(model => model.Value.Problems(model.Key))]);
            }
        }
        catch (JsonException problem)
        {
            problems.Add($"this is no JSON: {problem.Message}");
        }
        return problems.Count == 0 ? configuration : throw new ConfigurationException(source, problems);
    }

    /// <summary>One text model, as it stands in the section <c>Models</c>.</summary>
    /// <param name="json">UTF-8; empty for the defaults.</param>
    /// <exception cref="ConfigurationException">Something in it is wrong; every problem is named with its key.</exception>
    public static ModelOptions ParseModel(string name, ReadOnlyMemory<byte> json)
    {
        var text = json.IsEmpty ? "{}" : System.Text.Encoding.UTF8.GetString(json.Span);
        var wrapped = $"{{{JsonSerializer.Serialize(ModelsSection)}:{{{JsonSerializer.Serialize(name)}:{text}}}}}";
        return Parse(System.Text.Encoding.UTF8.GetBytes(wrapped), $"model '{name}'").Models[name];
    }

    private static T Bind<T>(object section) => (T)Bind(section, typeof(T));

    private static object Bind(object section, Type type) =>
        JsonSerializer.SerializeToElement(section).Deserialize(type, Strict) ?? throw new JsonException("a section is null");

    private static Key[] KeysOf(Type section) => [.. section.GetProperties().Where(one => one.CanWrite).Select(one => new Key(one.Name, one.PropertyType))];

    /// <summary>
    /// Checks names and types along the properties of the options, because a serializer's messages do not say which keys there are.
    /// </summary>
    private static Dictionary<string, object> ReadObject(JsonElement element, string path, Key[] keys, List<string> problems)
    {
        var values = new Dictionary<string, object>(StringComparer.Ordinal);
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{(path.Length == 0 ? "the file" : path.TrimEnd('.'))} must be a JSON object");
            return values;
        }
        foreach (var entry in element.EnumerateObject())
        {
            if (Array.Find(keys, one => one.Name.Equals(entry.Name, StringComparison.OrdinalIgnoreCase)) is not { } key)
            {
                var known = string.Join(", ", keys.Select(one => one.Name));
                problems.Add(
                    path.Length == 0 && OfFullEdition.Contains(entry.Name, StringComparer.OrdinalIgnoreCase)
                        ? $"{entry.Name} is a section of the full edition (./rsrnet --edition full)"
                        : $"{path}{entry.Name} is unknown{Hint(entry.Name, keys)}; known are {known}");
            }
            else if (!values.TryAdd(key.Name, ReadValue(entry.Value, path + key.Name, key.Type, problems)))
            {
                problems.Add($"{path}{key.Name} is there more than once");
            }
        }
        return values;
    }

    private static object ReadValue(JsonElement element, string path, Type type, List<string> problems)
    {
        if (type == typeof(IReadOnlyDictionary<string, ModelOptions>)) return ReadModels(element, path, problems);
        if (IsSection(type)) return ReadObject(element, path + ".", KeysOf(type), problems);
        try
        {
            if (element.ValueKind == JsonValueKind.Null) throw new JsonException("null");
            element.Deserialize(type, Strict);
        }
        catch (JsonException)
        {
            // What is inside an object is not shown: a password may be in there.
            var found = element.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? $"an {element.ValueKind.ToString().ToLowerInvariant()}" : element.GetRawText();
            problems.Add($"{path} is {found}; it must be {Describe(type)}");
        }
        return element.Clone();
    }

    private static Dictionary<string, object> ReadModels(JsonElement element, string path, List<string> problems)
    {
        var models = new Dictionary<string, object>(StringComparer.Ordinal);
        if (element.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{path} must be a JSON object: a model under each name");
            return models;
        }
        foreach (var entry in element.EnumerateObject())
        {
            var model = ReadObject(entry.Value, $"{path}.{entry.Name}.", KeysOf(typeof(ModelOptions)), problems);
            if (!models.TryAdd(entry.Name, model)) problems.Add($"{path}.{entry.Name} is there more than once");
        }
        return models;
    }

    private static bool IsSection(Type type) => type.IsClass && type != typeof(string);

    private static string Describe(Type type) =>
        type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) ? "a number"
        : type == typeof(bool) ? "true or false"
        : type == typeof(string) ? "a string"
        : type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type))}"
        : type.Name;

    private static string Hint(string name, Key[] keys)
    {
        var nearest = keys.MinBy(one => Distance(one.Name, name))!;
        return Distance(nearest.Name, name) <= Math.Max(2, name.Length / 3) ? $"; did you mean '{nearest.Name}'?" : "";
    }

    /// <summary>Letters to change, add or take away to make one of the other, upper and lower case being the same (Levenshtein).</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var change = diagonal + (char.ToUpperInvariant(one[i - 1]) == char.ToUpperInvariant(other[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[other.Length];
    }

    private sealed record Key(string Name, Type Type);
}

/// <summary>A section that an edition adds to the file, whatever its type.</summary>
public interface IConfigurationSection
{
    string Name { get; }

    Type Type { get; }

    /// <summary>What is out of its range, each naming the option and the range.</summary>
    IReadOnlyList<string> Problems(object section);
}

/// <summary>A section that an edition adds to the file.</summary>
/// <typeparam name="T">Options with defaults.</typeparam>
/// <param name="name">In the file.</param>
/// <param name="check">Says what is out of its range.</param>
public sealed class ConfigurationSection<T>(string name, Func<T, IReadOnlyList<string>> check) : IConfigurationSection
    where T : class, new()
{
    public string Name => name;

    public Type Type => typeof(T);

    public IReadOnlyList<string> Problems(object section) => check((T)section);
}

/// <summary>A configuration file that cannot be used; the message names the file and every problem.</summary>
public sealed class ConfigurationException(string source, IReadOnlyList<string> problems)
    : Exception($"{source}: {string.Join("; ", problems)}")
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
