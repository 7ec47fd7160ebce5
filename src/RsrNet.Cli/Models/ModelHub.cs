using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace RsrNet.Cli.Models;

/// <summary>
/// Reads model files from a hub that speaks Hugging Face's addresses: <c>{base}/{name}/resolve/{revision}/{file}</c>. A HEAD request tells
/// a file's size and checksum: in X-Linked-Size and X-Linked-Etag where the content lies elsewhere (then the answer is a redirect there),
/// else in Content-Length and ETag. Proxies are those of the environment (HTTPS_PROXY and the like).
/// </summary>
/// <param name="address">Of the hub, ending with a slash.</param>
/// <param name="token">Sent to the hub alone, never to where it redirects; null for none.</param>
internal sealed class ModelHub(Uri address, string? token, TimeProvider time) : IDisposable
{
    /// <summary>Where models are unless HF_ENDPOINT or --hub says otherwise.</summary>
    public const string Default = "https://huggingface.co";

    /// <summary>Failures one after the other, without a byte between them, after which a download is given up.</summary>
    private const int Patience = 5;

    private const int MostRedirects = 5;

    /// <summary>A connection that brings nothing for so long is as good as cut.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(20) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public Uri Address => address;

    /// <summary>What the hub says about a file; null where it has none of that name.</summary>
    /// <exception cref="HubException">It cannot be reached, refuses, or gives no checksum.</exception>
    public async Task<HubFile?> Find(string model, string revision, string file, CancellationToken cancellation)
    {
        var place = Place(model, revision, file);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var response = await Send(HttpMethod.Head, place, 0, stayOnHub: true, cancellation);
                if (response.StatusCode == HttpStatusCode.NotFound) return null;
                Accept(response, place);
                var found = Describe(response, file, place);
                // A branch may move while files come; a commit does not.
                return found.Commit is { } commit ? found with { Place = Place(model, commit, file) } : found;
            }
            catch (HttpRequestException problem) when (attempt < Patience && problem.HttpRequestError != HttpRequestError.NameResolutionError)
            {
                await Pause(attempt, cancellation);
            }
            catch (HttpRequestException problem)
            {
                throw problem.InnerException as HubException ?? new HubException($"{address} cannot be reached: {problem.Message}", problem);
            }
        }
    }

    /// <summary>
    /// Brings a file here, going on where an earlier try was cut off, and checks it. The target appears only once it is right.
    /// </summary>
    /// <param name="target">The file's path.</param>
    /// <param name="progress">Told how many bytes are there.</param>
    /// <exception cref="HubException">It came damaged twice, or not at all; what is there of it stays for the next try.</exception>
    public async Task Download(HubFile file, string target, Action<long> progress, CancellationToken cancellation)
    {
        // Another content has another name, so that parts of two never meet.
        var partial = $"{target}.{file.Checksum[..16]}.partial";
        for (var damaged = false; ; damaged = true)
        {
            await Fetch(file, partial, progress, cancellation);
            if (await file.Matches(partial, cancellation)) break;
            File.Delete(partial);
            if (damaged)
                throw new HubException($"{file.Name} came damaged twice: its checksum is not {file.Checksum}, which {address} names; try again later");
        }
        File.Move(partial, target, overwrite: true);
    }

    public void Dispose() => http.Dispose();

    private async Task Fetch(HubFile file, string partial, Action<long> progress, CancellationToken cancellation)
    {
        var failures = 0;
        // Only more than there ever was counts as getting on: a hub that lies about the size would have us begin anew for ever.
        var furthest = Length(partial);
        while (true)
        {
            var before = Length(partial);
            if (before > file.Size)
            {
                File.Delete(partial);
                before = 0;
            }
            if (before == file.Size && before > 0) return;
            try
            {
                await FetchOnce(file, partial, before, progress, cancellation);
                if (Length(partial) == file.Size) return;
                throw new HttpRequestException($"the connection was cut at {Length(partial):N0} of {file.Size:N0} bytes");
            }
            catch (Exception problem) when (problem is HttpRequestException or TimeoutException)
            {
                failures = Length(partial) > furthest ? 1 : failures + 1;
                furthest = Math.Max(furthest, Length(partial));
                if (failures >= Patience)
                    throw new HubException($"{file.Name} did not come: {problem.Message}; the same command goes on where it stopped", problem);
                await Pause(failures, cancellation);
            }
        }
    }

    private async Task FetchOnce(HubFile file, string partial, long from, Action<long> progress, CancellationToken cancellation)
    {
        using var response = await Send(HttpMethod.Get, file.Place, from, stayOnHub: false, cancellation);
        if (response.StatusCode is HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(partial);
            throw new HttpRequestException("the server has less of it than is here already");
        }
        Accept(response, file.Place);
        // A server that does not know ranges sends all of it again.
        var appends = response.StatusCode == HttpStatusCode.PartialContent;
        var range = response.Content.Headers.ContentRange;
        if (appends && (range?.From != from || (range.Length is { } whole && whole != file.Size)))
            throw new HubException($"{file.Name}: the server answers with other bytes ({range}) than were asked for ({from}- of {file.Size})");
        var length = (appends ? from : 0) + response.Content.Headers.ContentLength;
        if (length > file.Size)
            throw new HubException($"{file.Name}: the server would send {length:N0} bytes; {address} said {file.Size:N0}");

        await using var target = new FileStream(partial, appends ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read);
        await using var source = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[1 << 16];
        var done = appends ? from : 0;
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        while (true)
        {
            silence.CancelAfter(Silence);
            int count;
            try
            {
                count = await source.ReadAsync(buffer, silence.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new TimeoutException($"nothing came for {Silence.TotalSeconds:0} s");
            }
            catch (IOException problem)
            {
                throw new HttpRequestException(problem.Message, problem);
            }
            if (count == 0) return;
            done += count;
            if (done > file.Size)
                throw new HubException($"{file.Name}: the server sends more than the {file.Size:N0} bytes that {address} said");
            await target.WriteAsync(buffer.AsMemory(0, count), cancellation);
            progress(done);
        }
    }

    /// <summary>
    /// Follows redirects by hand: the token goes to no other host, and the hub's own answer to HEAD, with the checksum, is not skipped.
    /// </summary>
    /// <param name="stayOnHub">Whether a redirect to another host is the answer.</param>
    private async Task<HttpResponseMessage> Send(HttpMethod method, Uri place, long from, bool stayOnHub, CancellationToken cancellation)
    {
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(method, place);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("rsrnet", typeof(ModelHub).Assembly.GetName().Version?.ToString(3)));
            // Packed on the way, a file would have another length.
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            if (token is not null && IsHub(place)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || response.Headers.Location is not { } location)
            {
                return response;
            }
            var next = new Uri(place, location);
            if (stayOnHub && !IsHub(next)) return response;
            response.Dispose();
            if (next.Scheme != Uri.UriSchemeHttps && next.Scheme != place.Scheme)
                throw new HubException($"{place} redirects to {next}, which is not encrypted");
            place = next;
        }
        throw new HubException($"{place} redirects without end");
    }

    private HubFile Describe(HttpResponseMessage response, string file, Uri place)
    {
        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;
        var checksum = (Header("X-Linked-Etag") ?? response.Headers.ETag?.Tag ?? Header("ETag"))?.Replace("W/", "", StringComparison.Ordinal).Trim('"');
        var size = long.TryParse(Header("X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out var linked)
            ? linked : response.Content.Headers.ContentLength;
        if (checksum is null || checksum.Length is not (40 or 64) || !checksum.All(char.IsAsciiHexDigit))
            throw new HubException($"{address} names no checksum for {file} (X-Linked-Etag or ETag), so what came could not be checked");
        if (size is not >= 0) throw new HubException($"{address} does not say how long {file} is (X-Linked-Size or Content-Length)");
        return new HubFile(file, place, size.Value, checksum.ToLowerInvariant()) { Commit = Header("X-Repo-Commit") };
    }

    /// <exception cref="HubException">It refuses for good.</exception>
    /// <exception cref="HttpRequestException">It may answer otherwise a moment later.</exception>
    private void Accept(HttpResponseMessage response, Uri place)
    {
        if ((int)response.StatusCode < 400) return;
        var refusal = Refused(response, place);
        if (response.StatusCode >= HttpStatusCode.InternalServerError || response.StatusCode == HttpStatusCode.TooManyRequests)
            throw new HttpRequestException(refusal.Message, refusal);
        throw refusal;
    }

    private HubException Refused(HttpResponseMessage response, Uri place) => response.StatusCode switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new HubException(
            $"{address} refuses {place.AbsolutePath} ({(int)response.StatusCode}): the name is wrong, or the model needs a token in HF_TOKEN"),
        HttpStatusCode.TooManyRequests => new HubException($"{address} has had too many requests (429); try again later"),
        _ => new HubException($"{address} answered {(int)response.StatusCode} {response.ReasonPhrase} for {place.AbsolutePath}"),
    };

    private Uri Place(string model, string revision, string file) =>
        new(address, $"{model}/resolve/{Uri.EscapeDataString(revision)}/{Uri.EscapeDataString(file)}");

    private bool IsHub(Uri place) => place.Host == address.Host && place.Port == address.Port && place.Scheme == address.Scheme;

    private Task Pause(int failures, CancellationToken cancellation) =>
        Task.Delay(TimeSpan.FromSeconds(Math.Pow(2, failures - 1)), time, cancellation);

    private static long Length(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}

/// <summary>The hub failed or cannot be reached; the message says how.</summary>
internal sealed class HubException(string message, Exception? inner = null) : Exception(message, inner);
