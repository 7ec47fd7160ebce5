using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Radzen;

namespace RsrNet.Server.Dashboard;

/// <summary>The dashboard: pages by stage, rendered on the server and kept up to date over one connection of each browser.</summary>
internal static class DashboardServices
{
    // Everything from this server, nothing from elsewhere; style attributes are how charts are drawn.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    public static void AddDashboard(this IServiceCollection services)
    {
        // Keys live as long as the process: what they protect is a connection, and that does not outlive it either.
        services.AddDataProtection().UseEphemeralDataProtectionProvider();
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            // A page that was left without a word gives its memory back soon; one that loses its connection for a moment keeps its place.
            circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromSeconds(30);
            circuits.DisconnectedCircuitMaxRetained = 20;
        });
        services.AddRadzenComponents();
        services.AddScoped<DashboardView>();
        services.AddSingleton<CircuitHandler, OpenDashboards>();
    }

    /// <summary>Guards the pages; to be used before routing ends.</summary>
    public static void UseDashboard(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            context.Response.OnStarting(() =>
            {
                if (context.Response.ContentType?.StartsWith("text/html", StringComparison.Ordinal) == true)
                {
                    context.Response.Headers.ContentSecurityPolicy = Policy;
                    context.Response.Headers.XContentTypeOptions = "nosniff";
                }
                return Task.CompletedTask;
            });
            return next(context);
        });
        app.UseAntiforgery();
    }

    public static void MapDashboard(this WebApplication app)
    {
        app.MapDashboardAssets();
        // The policy above stands in for the framework's own frame-ancestors header.
        app.MapRazorComponents<DashboardApp>().AddInteractiveServerRenderMode(render => render.ContentSecurityFrameAncestorsPolicy = null);
    }
}
