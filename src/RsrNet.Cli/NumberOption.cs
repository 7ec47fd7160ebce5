using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace RsrNet.Cli;

/// <summary>Options that take a number inside a range, and say so where they get something else.</summary>
internal static class NumberOption
{
    /// <param name="least">The least value allowed.</param>
    /// <param name="greatest">The greatest one; null where there is none.</param>
    public static Option<T> Of<T>(string name, string description, T value, T least, T? greatest = null)
        where T : struct, INumber<T> => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => value,
        CustomParser = result =>
        {
            var text = result.Tokens.Single().Value;
            if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least
                && (greatest is null || number <= greatest))
            {
                return number;
            }
            var range = greatest is null ? $"{least} or more" : $"{least} to {greatest}";
            result.AddError($"{name} is a {(typeof(T) == typeof(double) ? "number" : "whole number")}, {range}; not '{text}'");
            return default;
        },
    };
}
