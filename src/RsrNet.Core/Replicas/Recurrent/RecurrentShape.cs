using RsrNet.Core.Numerics.Gradients;

namespace RsrNet.Core.Replicas.Recurrent;

/// <summary>What reads a text from its first token to its last.</summary>
public enum RecurrentCell
{
    /// <summary>Nothing recurrent: the embeddings themselves, to be averaged.</summary>
    Mean,

    /// <summary>nn.RNN with tanh.</summary>
    Rnn,

    /// <summary>nn.RNN with the rectifier.</summary>
    RnnRelu,

    Lstm,

    Gru,
}

/// <summary>What the last layer sees.</summary>
public enum SequenceOutput
{
    /// <summary>The state after the last token of each sequence.</summary>
    Last,

    /// <summary>The mean of the states over each sequence.</summary>
    Mean,

    /// <summary>Every state by itself: a language model.</summary>
    Every,
}

/// <summary>Sizes and kind of a recurrent network: embedding, recurrent layers, one linear layer.</summary>
/// <param name="Vocabulary">V, tokens with a row in the table; at least 1.</param>
/// <param name="Embedding">C, at least 1.</param>
/// <param name="Hidden">H, at least 1; without meaning where the cell is <see cref="RecurrentCell.Mean"/>.</param>
/// <param name="Outputs">Classes, or V again in a language model; at least 1.</param>
/// <param name="Layers">Recurrent layers, one above the other; at least 1.</param>
/// <param name="Dropout">Between layers and before the last one, in training; at least 0 and below 1.</param>
/// <param name="Padding">Token whose row stays zero; -1 for none.</param>
/// <param name="TokenDropout">Share of tokens that are shown as <paramref name="Unknown"/> in training; at least 0 and below 1.</param>
/// <param name="Unknown">Token of what has no number.</param>
public sealed record RecurrentShape(
    int Vocabulary, int Embedding, int Hidden, int Outputs, RecurrentCell Cell, SequenceOutput Output, int Layers = 1, double Dropout = 0,
    int Padding = -1, double TokenDropout = 0, int Unknown = 0)
{
    /// <summary>Columns of what the linear layer sees.</summary>
    public int Summary => Cell == RecurrentCell.Mean ? Embedding : Hidden;

    /// <summary>Blocks of H rows in a recurrent layer's weights.</summary>
    public int Gates => Cell switch { RecurrentCell.Lstm => 4, RecurrentCell.Gru => 3, RecurrentCell.Mean => 0, _ => 1 };

    /// <summary>PyTorch's names, shapes and order.</summary>
    public IEnumerable<ParameterShape> Parameters()
    {
        yield return new ParameterShape("embedding.weight", Vocabulary, Embedding, IsTable: true);
        for (var layer = 0; layer < Layers && Cell != RecurrentCell.Mean; layer++)
        {
            yield return new ParameterShape($"rnn.weight_ih_l{layer}", Gates * Hidden, layer == 0 ? Embedding : Hidden);
            yield return new ParameterShape($"rnn.weight_hh_l{layer}", Gates * Hidden, Hidden);
            yield return new ParameterShape($"rnn.bias_ih_l{layer}", Gates * Hidden);
            yield return new ParameterShape($"rnn.bias_hh_l{layer}", Gates * Hidden);
        }
        yield return new ParameterShape("fc.weight", Outputs, Summary);
        yield return new ParameterShape("fc.bias", Outputs);
    }
}
