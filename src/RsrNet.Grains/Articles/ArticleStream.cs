using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Streams;
using Orleans.Streams.Core;
using RsrNet.Core;
using RsrNet.Core.Articles;
using RsrNet.Core.Documents;
using RsrNet.Grains.Replicas;

namespace RsrNet.Grains.Articles;

/// <summary>
/// The stream by which Orleans clients send articles: items are <see cref="ArticleDraft"/>s, any key will do. A stream may deliver an item twice;
/// as documents are stored by id and content, it has the effect of once. Give each article an id, or none to have one made from its content. The stream's
/// queue is in the silos' memory: a sender that must know when an article is durable uses HTTP, or sends the last ones again after a silo was lost.
/// </summary>
public static class ArticleStream
{
    /// <summary>Name of the stream provider, and namespace of the stream.</summary>
    public const string Name = "articles";

    /// <param name="client">The cluster's client.</param>
    /// <param name="key">Items of one key are taken in one after the other.</param>
    public static IAsyncStream<ArticleDraft> Articles(this IClusterClient client, string key) =>
        client.GetStreamProvider(Name).GetStream<ArticleDraft>(StreamId.Create(Name, key));
}

/// <summary>Takes in one key's articles. What cannot be an article is named in the log and left out, so that it does not hold up the others.</summary>
[ImplicitStreamSubscription(ArticleStream.Name), PreferCpuSilos]
internal sealed class ArticleStreamGrain(RsrNetOptions options, ILogger<ArticleStreamGrain> logger)
    : Grain, IArticleStreamGrain, IStreamSubscriptionObserver, IAsyncObserver<ArticleDraft>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => handleFactory.Create<ArticleDraft>().ResumeAsync(this);

    public async Task OnNextAsync(ArticleDraft item, StreamSequenceToken? token = null)
    {
        var reading = item.Check(options.Articles);
        if (reading.Article is not { } article)
        {
            logger.LogWarning("an article of the stream {Key} was left out: {Problems}", this.GetPrimaryKeyString(), reading.Error);
            return;
        }
        while (true)
        {
            try
            {
                await GrainFactory.GetGrain<IArticleIntakeGrain>(0).Put([article]);
                return;
            }
            catch (Exception problem) when (problem is BacklogFullException or StoreUnavailableException or OrleansException or TimeoutException)
            {
                // The stream's queue holds what comes meanwhile, as far as its provider is able to.
                await Task.Delay(Pause);
            }
        }
    }

    public Task OnErrorAsync(Exception ex)
    {
        logger.LogWarning(ex, "the stream {Key} reports a problem", this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }
}

/// <summary>Its key is the stream's.</summary>
[Alias("rsrnet.article-stream-grain")]
public interface IArticleStreamGrain : IGrainWithStringKey;
