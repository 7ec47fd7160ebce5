using System.Globalization;

namespace RsrNet.Server.Dashboard;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    public const string None = "\u2013";

    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>Three digits that count, without an exponent where it can be avoided.</summary>
    public static string Brief(double? value)
    {
        if (value is not { } number || !double.IsFinite(number)) return None;
        var size = Math.Abs(number);
        return size switch
        {
            0 => "0",
            < 10_000 when number == Math.Floor(number) => number.ToString("0", Culture),
            >= 1e9 => number.ToString("0.0e+0", Culture),
            >= 1e6 => (number / 1e6).ToString("0.##", Culture) + "M",
            >= 10_000 => (number / 1e3).ToString("0.#", Culture) + "k",
            >= 100 => number.ToString("0", Culture),
            >= 10 => number.ToString("0.0", Culture),
            >= 1 => number.ToString("0.00", Culture),
            >= 0.1 => number.ToString("0.000", Culture),
            >= 0.001 => number.ToString("0.0000", Culture),
            _ => number.ToString("0.0e-0", Culture),
        };
    }

    /// <summary>A difference of shares or scores, with its sign; what is less than a ten-thousandth is none.</summary>
    public static string Signed(double value) => Math.Abs(value) < 0.0001 ? "\u00b10" : (value < 0 ? "\u2212" : "+") + Brief(Math.Abs(value));

    public static string Whole(long value) => value.ToString("N0", Culture);

    public static string Percent(double? share) => share is { } value ? (100 * value).ToString("0.#", Culture) + "\u202f%" : None;

    public static string Bytes(long? bytes) => bytes switch
    {
        null => None,
        >= 1L << 30 => (bytes.Value / (double)(1L << 30)).ToString("0.0", Culture) + " GB",
        >= 1L << 20 => (bytes.Value / (double)(1L << 20)).ToString("0.0", Culture) + " MB",
        _ => (bytes.Value / 1024.0).ToString("0.0", Culture) + " KB",
    };

    public static string Duration(double? seconds) => seconds switch
    {
        null => None,
        0 => "0 s",
        < 1 => (seconds.Value * 1000).ToString(seconds < 0.01 ? "0.##" : "0", Culture) + " ms",
        < 120 => seconds.Value.ToString("0", Culture) + " s",
        < 7200 => (seconds.Value / 60).ToString("0", Culture) + " min",
        < 172_800 => (seconds.Value / 3600).ToString("0.0", Culture) + " h",
        _ => (seconds.Value / 86_400).ToString("0.0", Culture) + " days",
    };

    public static string Ago(DateTimeOffset at, DateTimeOffset now) =>
        (now - at).TotalSeconds < 1 ? "just now" : Duration((now - at).TotalSeconds) + " ago";
}
