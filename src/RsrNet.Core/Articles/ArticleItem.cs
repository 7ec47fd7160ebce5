namespace RsrNet.Core.Articles;

/// <summary>One article of a file or stream, or what kept it from being one.</summary>
/// <param name="Source">The file's path, or the stream's name.</param>
/// <param name="Line">The line it begins at, from 1; null in a file that is one article.</param>
/// <param name="Index">How many articles, good or bad, stand before it in its source: reading again can go on behind it.</param>
public sealed record ArticleItem(string Source, long? Line, long Index, ArticleReading Reading);
