using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace RsrNet.Server.Http;

/// <summary>
/// What a route reads from the body, for the API's description alone: the routes read bodies themselves, to name every problem.
/// </summary>
/// <param name="Type">Null for bytes.</param>
internal sealed record RequestSchema(Type? Type, params string[] MediaTypes)
{
    /// <summary>Puts the request bodies of all routes into the description.</summary>
    public static async Task Describe(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var schema = context.Description.ActionDescriptor.EndpointMetadata.OfType<RequestSchema>().FirstOrDefault();
        if (schema is null) return;
        var body = schema.Type is null
            ? new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" }
            : await context.GetOrCreateSchemaAsync(schema.Type, cancellationToken: cancellation);
        operation.RequestBody = new OpenApiRequestBody
        {
            Content = schema.MediaTypes.ToDictionary(type => type, _ => new OpenApiMediaType { Schema = body }),
        };
    }
}

internal static class RouteDescription
{
    /// <summary>Says which problems a route answers with.</summary>
    public static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (var status in statuses) route.Produces<ProblemBody>(status, "application/problem+json");
        return route;
    }
}
