namespace RsrNet.Core.Evaluation.Experiments;

/// <summary>The human-numbers text: 1 to 9,999 in words, without "and" and hyphens, joined by full stops.</summary>
public static class NumberWords
{
    private static readonly string[] Small =
    [
        "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
        "sixteen", "seventeen", "eighteen", "nineteen",
    ];

    private static readonly string[] Tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

    /// <param name="number">1 to 9,999.</param>
    public static string Of(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 9_999);
        var words = new List<string>();
        if (number >= 1000) words.AddRange([Small[number / 1000], "thousand"]);
        if (number / 100 % 10 is > 0 and var hundreds) words.AddRange([Small[hundreds], "hundred"]);
        var rest = number % 100;
        if (rest >= 20) words.Add(Tens[rest / 10]);
        if ((rest < 20 ? rest : rest % 10) is > 0 and var last) words.Add(Small[last]);
        return string.Join(' ', words);
    }

    /// <summary>All of them as one text.</summary>
    public static string Text => string.Join(" . ", Enumerable.Range(1, 9_999).Select(Of));
}
