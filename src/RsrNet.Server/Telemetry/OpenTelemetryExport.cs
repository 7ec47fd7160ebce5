using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using RsrNet.Core.Telemetry;

namespace RsrNet.Server.Telemetry;

/// <summary>
/// Sends metrics, traces and logs to a collector by OTLP where the standard environment variables say so (OTEL_EXPORTER_OTLP_ENDPOINT and its
/// like); what they say beyond that, such as headers, protocol or intervals, the SDK reads itself.
/// </summary>
/// <remarks>
/// One way for both editions: the SDK's builders. OpenTelemetry.Extensions.Hosting would tie the same providers to the host's start and stop; here
/// the server itself owns them, because it outlives no host and the full edition's silo has a second host whose services must not hold a second export.
/// </remarks>
internal sealed class OpenTelemetryExport : IDisposable
{
    private readonly MeterProvider? meters;
    private readonly TracerProvider? tracers;
    private readonly ServiceProvider? logging;

    private OpenTelemetryExport(MeterProvider? meters, TracerProvider? tracers, ServiceProvider? logging) =>
        (this.meters, this.tracers, this.logging) = (meters, tracers, logging);

    /// <summary>Whether OTLP is asked for, for one signal.</summary>
    /// <param name="signal">METRICS, TRACES or LOGS.</param>
    /// <param name="variable">Reads an environment variable.</param>
    public static bool IsWanted(string signal, Func<string, string?> variable)
    {
        if (string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase)) return false;
        if (variable($"OTEL_{signal}_EXPORTER") is { Length: > 0 } exporters)
        {
            return exporters.Split(',', StringSplitOptions.TrimEntries).Contains("otlp", StringComparer.Ordinal);
        }
        return variable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } || variable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") is { Length: > 0 };
    }

    /// <summary>Begins to export what is wanted; the log once it is given one by <see cref="AddLogs"/>.</summary>
    public static OpenTelemetryExport Start() => new(
        IsWanted("METRICS", Environment.GetEnvironmentVariable)
            ? Sdk.CreateMeterProviderBuilder().SetResourceBuilder(Resource())
                .AddMeter(RsrNetTelemetry.Name, "Microsoft.AspNetCore.Hosting", "System.Runtime").AddOtlpExporter().Build()
            : null,
        IsWanted("TRACES", Environment.GetEnvironmentVariable)
            ? Sdk.CreateTracerProviderBuilder().SetResourceBuilder(Resource())
                .AddSource(RsrNetTelemetry.Name, "Microsoft.AspNetCore").AddOtlpExporter().Build()
            : null,
        IsWanted("LOGS", Environment.GetEnvironmentVariable) ? Logging() : null);

    /// <summary>Exports the server's log, if that is wanted.</summary>
    public void AddLogs(ILoggingBuilder server)
    {
        if (logging is null) return;
        // Requests are spans already; four records of each would drown what is worth reading.
        server.AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore", LogLevel.Warning);
        foreach (var provider in logging.GetServices<ILoggerProvider>()) server.AddProvider(provider);
    }

    public void Dispose()
    {
        meters?.Dispose();
        tracers?.Dispose();
        logging?.Dispose();
    }

    // Apart from the server's services: their configuration knows no environment variables, on purpose, and the exporter would read its own from there.
    private static ServiceProvider Logging() => new ServiceCollection().AddLogging(log => log.AddOpenTelemetry(records =>
    {
        records.IncludeFormattedMessage = true;
        records.SetResourceBuilder(Resource()).AddOtlpExporter();
    })).BuildServiceProvider();

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and win.
    private static ResourceBuilder Resource() => ResourceBuilder.CreateEmpty()
        .AddService("rsrnet", serviceVersion: typeof(OpenTelemetryExport).Assembly.GetName().Version?.ToString(3))
        .AddTelemetrySdk().AddEnvironmentVariableDetector();
}
