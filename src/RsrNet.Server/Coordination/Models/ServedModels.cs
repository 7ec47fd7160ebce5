using RsrNet.Core.Coordination.Models;

namespace RsrNet.Server.Coordination.Models;

/// <param name="Host">Null where this server has no text models.</param>
internal sealed record ServedModels(ModelHost? Host);
