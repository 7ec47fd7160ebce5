using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;
using RsrNet.Core.Documents;

namespace RsrNet.Silo;

/// <summary>
/// Encryption between silos, and between silos and gateways. Both ends show a certificate, and each takes only those that the authority has signed.
/// </summary>
public sealed record SiloTls
{
    /// <summary>A PFX (PKCS #12) file with this process' certificate and its key. Default empty: no encryption.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>The environment variable that holds the file's password. Default empty: the file has none.</summary>
    public string PasswordVariable { get; init; } = "";

    /// <summary>A PEM file with the certificate of the authority that has signed those of all silos and gateways. Needed with <see cref="Certificate"/>.</summary>
    public string Authority { get; init; } = "";

    internal bool IsOn => Certificate.Length > 0;

    internal IEnumerable<string> Problems()
    {
        if (IsOn && Authority.Length == 0) yield return "Silo.Tls.Authority is empty; name the PEM file of the authority that signed the certificates";
        if (!IsOn && (Authority.Length > 0 || PasswordVariable.Length > 0)) yield return "Silo.Tls.Certificate is empty; name this process' PFX file";
        foreach (var (name, path) in ((string, string)[])[(nameof(Certificate), Certificate), (nameof(Authority), Authority)])
        {
            if (path.Length > 0 && !File.Exists(path)) yield return $"Silo.Tls.{name} is '{path}', and there is no such file";
        }
    }

    /// <exception cref="StoreUnavailableException">A file cannot be read.</exception>
    internal Action<TlsOptions> Open()
    {
        X509Certificate2 own, authority;
        try
        {
            var password = PasswordVariable.Length > 0 ? Environment.GetEnvironmentVariable(PasswordVariable) : null;
            own = X509CertificateLoader.LoadPkcs12FromFile(Certificate, password);
            authority = X509Certificate2.CreateFromPem(File.ReadAllText(Authority));
        }
        catch (Exception problem) when (problem is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"Silo.Tls: {Certificate} or {Authority} cannot be used: {problem.Message}", problem);
        }
        if (!own.HasPrivateKey) throw new StoreUnavailableException($"Silo.Tls.Certificate: {Certificate} holds no private key");
        return options =>
        {
            options.LocalCertificate = own;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.RemoteCertificateValidation = (certificate, _, _) => IsSigned(certificate, authority);
            // Silos know each other by address; who they are the authority vouches for, not a name.
            options.OnAuthenticateAsClient = (_, client) => client.TargetHost = "silo";
        };
    }

    private static bool IsSigned(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
