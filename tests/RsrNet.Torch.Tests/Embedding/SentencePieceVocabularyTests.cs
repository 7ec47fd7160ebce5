using System.Buffers.Binary;
using System.Text;
using RsrNet.Core.Articles;
using RsrNet.Core.Coordination.Models;
using RsrNet.Core.Documents;
using RsrNet.Core.Embedding.Vocabularies;
using RsrNet.Core.Weights;
using RsrNet.Core.Tests;
using RsrNet.Torch.Embedding;

namespace RsrNet.Torch.Tests.Embedding;

public sealed class SentencePieceVocabularyTests : IDisposable
{
    private const int Unigram = 1, Bpe = 2;

    /// <summary>In the order of their ids; of two merges the one with the higher score comes first.</summary>
    private static readonly string[] Pieces =
        ["<unk>", "<s>", "</s>", "\u2581t", "he", "\u2581the", "\u2581c", "at", "\u2581cat", "\u2581", "t", "h", "e", "c", "a", "\u00e9"];

    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Bpe)]
    [InlineData(Unigram)]
    public void Encode_KnownPieces_HaveTheModelsOrder(int kind)
    {
        var vocabulary = SentencePieceVocabulary.Read(Model(kind));
        Assert.Equal(SpecialToken.Count + Pieces.Length, vocabulary.Count);
        Assert.Equal(Numbers("\u2581the", "\u2581cat"), Encode(vocabulary, "the cat"));
        Assert.Equal("the cat", vocabulary.Decode(Numbers("\u2581the", "\u2581cat")));
        Assert.Equal(Numbers("\u2581the", "at"), Encode(vocabulary, "theat"));
        Assert.Empty(Encode(vocabulary, ""));
    }

    [Theory]
    [InlineData(Bpe)]
    [InlineData(Unigram)]
    public void Encode_WhatTheModelDoesNotKnow_IsUnknown(int kind)
    {
        var vocabulary = SentencePieceVocabulary.Read(Model(kind));
        foreach (var odd in (string[])["the q", "the \ud800", "the \U0001F44D"])
        {
            var tokens = Encode(vocabulary, odd);
            Assert.Equal(Numbers("\u2581the")[0], tokens[0]);
            Assert.Contains(SpecialToken.Unknown, tokens);
            Assert.All(tokens, token => Assert.InRange(token, 0, vocabulary.Count - 1));
            Assert.Contains(SpecialToken.UnknownText, vocabulary.Decode([.. tokens]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Content_ReadAgain_IsTheSameVocabulary()
    {
        var content = SentencePieceVocabulary.Read(Model(Bpe)).Content;
        var again = SentencePieceVocabulary.Read(Convert.FromBase64String(Assert.Single(content.Tokens)));
        Assert.Equal(Numbers("\u2581the", "\u2581cat"), Encode(again, "the cat"));
    }

    [Fact]
    public void Read_DamagedModel_IsNamed()
    {
        foreach (var bytes in (byte[][])[[1, 2, 3], "no model"u8.ToArray(), Model(Bpe)[..40], []])
            Assert.Throws<InvalidDataException>(() => SentencePieceVocabulary.Read(bytes));
    }

    /// <summary>The vocabulary is part of the checkpoint: after a restart the file may be another.</summary>
    [Fact]
    public async Task Classifier_WithThePieces_LearnsAndGoesOn()
    {
        var store = new MemoryDocumentStore();
        await store.Put(
            [.. Enumerable.Range(0, 40).Select(i => new Article($"a{i}", i % 2 == 0 ? "the cat the cat" : "a heat a heat")
            {
                Labels = new SortedDictionary<string, string> { ["topic"] = i % 2 == 0 ? "pets" : "weather" },
            })],
            Cancellation);
        File.WriteAllBytes(folder.File("pieces.model"), Model(Bpe));
        var models = new Dictionary<string, ModelOptions>
        {
            ["topics"] = new()
            {
                Vocabulary = VocabularyKind.SentencePiece, VocabularyFile = folder.File("pieces.model"), Embedding = 8, Hidden = 8, LearningRate = 0.05,
                BatchSize = 4, BatchWaitMs = 0, Label = "topic", CheckpointSeconds = 1e5,
            },
        };
        await using (var host = await Open())
        {
            host.Start();
            for (var look = 0; look < 1500 && (await host.Find("topics")!.Read(Cancellation)).Scores.Articles < 40; look++) await Task.Delay(20, Cancellation);
            Assert.Equal("pets", (await host.Find("topics")!.Classify("the cat", Cancellation)).Scores[0].Label);
        }
        File.WriteAllBytes(folder.File("pieces.model"), Model(Unigram));
        await using var again = await Open();
        Assert.Equal("pets", (await again.Find("topics")!.Classify("the cat", Cancellation)).Scores[0].Label);
        Assert.Equal(SpecialToken.Count + Pieces.Length, (await again.Find("topics")!.Read(Cancellation)).Vocabulary);

        File.WriteAllText(folder.File("pieces.model"), "no model");
        var problem = await Assert.ThrowsAnyAsync<IOException>(Open);
        Assert.Contains("pieces.model", problem.Message, StringComparison.Ordinal);

        Task<ModelHost> Open() => ModelHost.Open(store, new ModelFolder(folder.File("models")), models, readSentencePiece: SentencePieceVocabulary.Read);
    }

    private static List<int> Encode(IVocabulary vocabulary, string text)
    {
        var tokens = new List<int>();
        vocabulary.Encode(text, tokens);
        return tokens;
    }

    private static int[] Numbers(params string[] pieces) => [.. pieces.Select(piece => SpecialToken.Count + Array.IndexOf(Pieces, piece))];

    /// <summary>sentencepiece_model.proto: pieces (1), trainer_spec (2) with model_type (3), normalizer_spec (3).</summary>
    private static byte[] Model(int kind)
    {
        var model = new List<byte>();
        for (var id = 0; id < Pieces.Length; id++)
        {
            var piece = new List<byte>();
            Field(piece, 1, Encoding.UTF8.GetBytes(Pieces[id]));
            piece.Add((2 << 3) | 5);
            var score = new byte[4];
            BinaryPrimitives.WriteSingleLittleEndian(score, kind == Bpe ? 3 - id : Pieces[id].Length > 1 ? -1 : -5);
            piece.AddRange(score);
            Number(piece, 3, id == 0 ? 2 : id < 3 ? 3 : 1);
            Field(model, 1, piece);
        }
        var trainer = new List<byte>();
        Number(trainer, 3, kind);
        Field(model, 2, trainer);
        var normalizer = new List<byte>();
        Field(normalizer, 1, "identity"u8.ToArray());
        Number(normalizer, 3, 1);
        Number(normalizer, 4, 1);
        Number(normalizer, 5, 1);
        Field(model, 3, normalizer);
        return [.. model];
    }

    private static void Number(List<byte> target, int field, int value)
    {
        target.Add((byte)(field << 3));
        target.Add((byte)value);
    }

    private static void Field(List<byte> target, int field, IReadOnlyCollection<byte> content)
    {
        target.Add((byte)((field << 3) | 2));
        for (var length = content.Count; ; length >>= 7)
        {
            target.Add((byte)(length < 128 ? length : (length & 127) | 128));
            if (length < 128) break;
        }
        target.AddRange(content);
    }
}
