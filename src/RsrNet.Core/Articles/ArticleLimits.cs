namespace RsrNet.Core.Articles;

/// <summary>What an article may be. Outside of these it is rejected, with every problem named.</summary>
public sealed record ArticleLimits
{
    /// <summary>Characters of an id. Default 200; at least 32 (ids made from content have 32).</summary>
    public int IdLength { get; init; } = 200;

    /// <summary>Characters of a title. Default 1,000; at least 1.</summary>
    public int TitleLength { get; init; } = 1_000;

    /// <summary>Characters of a text. Default 1,000,000; at least 1.</summary>
    public int TextLength { get; init; } = 1_000_000;

    /// <summary>Highlights of an article. Default 50; at least 0.</summary>
    public int Highlights { get; init; } = 50;

    /// <summary>Labels of an article. Default 20; at least 0; a name or value has at most 200 characters.</summary>
    public int Labels { get; init; } = 20;

    /// <summary>Bytes of a request's body or of one line in a batch. Default 4 MiB; at least 1,024.</summary>
    public int BodyBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Lines of one NDJSON request. Default 100,000; at least 1.</summary>
    public int BatchLines { get; init; } = 100_000;

    /// <summary>Documents that may wait for refinement; above it the server answers 429. Default 100,000; at least 1.</summary>
    public int Backlog { get; init; } = 100_000;
}
