namespace RsrNet.Core.Numerics;

/// <summary>Watches a stream of numbers for a change of its mean.</summary>
public interface IDriftDetector
{
    /// <summary>Takes the next value.</summary>
    /// <returns>Whether a change has been found with this value; the detector has then begun anew.</returns>
    bool Add(double value);

    /// <summary>Means before and after the last change that was found; zeros before the first.</summary>
    (double Before, double After) LastChange { get; }
}
