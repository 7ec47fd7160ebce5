namespace RsrNet.Core.Numerics.Gradients;

/// <summary>One calculation on a tape: done forward when it is recorded, and back when the tape is played from its end.</summary>
internal abstract class TapeOperation
{
    /// <summary>From the slope of its result to those of what it was made from. Does nothing where the loss does not depend on the result.</summary>
    public abstract void Backward(Tape tape);
}
