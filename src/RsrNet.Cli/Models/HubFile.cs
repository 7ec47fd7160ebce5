using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RsrNet.Cli.Models;

/// <summary>A file as a hub describes it.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="Checksum">
/// In hexadecimal: SHA-256 of the content (64 digits) for files in large-file storage, SHA-1 of Git's blob (40 digits) for the others.
/// </param>
internal sealed record HubFile(string Name, Uri Place, long Size, string Checksum)
{
    /// <summary>The commit that the revision stands for; null where the hub does not say.</summary>
    public string? Commit { get; init; }

    /// <summary>Whether a file here has the size and the content.</summary>
    public async Task<bool> Matches(string path, CancellationToken cancellation)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, useAsync: true);
        if (file.Length != Size) return false;
        if (Checksum.Length == 64) return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellation)) == Checksum;
        // CA5350: Git names blobs by SHA-1; it is what the hub has for small files, and tells damage from none.
#pragma warning disable CA5350
        using var blob = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        blob.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {Size}\0")));
        var buffer = new byte[1 << 16];
        for (int count; (count = await file.ReadAsync(buffer, cancellation)) > 0;) blob.AppendData(buffer, 0, count);
        return Convert.ToHexStringLower(blob.GetHashAndReset()) == Checksum;
    }
}
