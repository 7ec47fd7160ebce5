using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Orleans.Dashboard;

namespace RsrNet.Silo;

/// <summary>
/// The Orleans Dashboard among the server's pages. It has no authentication of its own: as one of the server's endpoints it is behind whatever stands before
/// the API.
/// </summary>
internal static class OrleansDashboard
{
    /// <param name="cluster">The services of the silo or client, where those of the dashboard are.</param>
    /// <param name="path">Such as /admin/orleans.</param>
    public static void Map(WebApplication app, IServiceProvider cluster, string path)
    {
        var pages = new Pages(app, cluster).MapOrleansDashboard(path);
        // The server and the cluster are two hosts: the dashboard's requests are answered with the cluster's services.
        ((IEndpointConventionBuilder)pages).Finally(endpoint =>
        {
            if (endpoint.RequestDelegate is not { } answer) return;
            endpoint.RequestDelegate = context =>
            {
                context.RequestServices = cluster;
                return answer(context);
            };
        });
    }

    private sealed class Pages(IEndpointRouteBuilder app, IServiceProvider cluster) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => cluster;

        public ICollection<EndpointDataSource> DataSources => app.DataSources;

        public IApplicationBuilder CreateApplicationBuilder() => app.CreateApplicationBuilder();
    }
}
