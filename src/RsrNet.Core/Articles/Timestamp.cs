using System.Globalization;

namespace RsrNet.Core.Articles;

/// <summary>A moment as RFC 3339 writes it: 2026-08-01T09:30:00Z or 2026-08-01T09:30:00.25+02:00.</summary>
internal static class Timestamp
{
    /// <param name="text">Strictly the RFC's form; lower-case t and z and a leap second (as the second after it) are allowed by it.</param>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset moment)
    {
        moment = default;
        if (text.Length < 20 || text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't') || text[13] != ':' || text[16] != ':') return false;
        if (!Number(text[..4], out var year) || !Number(text[5..7], out var month) || !Number(text[8..10], out var day)) return false;
        if (!Number(text[11..13], out var hour) || !Number(text[14..16], out var minute) || !Number(text[17..19], out var second)) return false;

        var rest = text[19..];
        long ticks = 0;
        if (rest[0] == '.')
        {
            var digits = 1;
            for (var unit = TimeSpan.TicksPerSecond / 10; digits < rest.Length && char.IsAsciiDigit(rest[digits]); digits++, unit /= 10) ticks += (rest[digits] - '0') * unit;
            if (digits == 1) return false;
            rest = rest[digits..];
        }
        int offset;
        if (rest is "Z" or "z") offset = 0;
        else
        {
            if (rest.Length != 6 || rest[0] is not ('+' or '-') || rest[3] != ':') return false;
            if (!Number(rest[1..3], out var hours) || !Number(rest[4..6], out var minutes) || hours > 23 || minutes > 59) return false;
            offset = (rest[0] == '-' ? -1 : 1) * (60 * hours + minutes);
        }

        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 60) return false;
        var utc = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc).Ticks
            + (((hour * 60L + minute - offset) * 60 + second) * TimeSpan.TicksPerSecond) + ticks;
        if (utc < DateTime.MinValue.Ticks || utc > DateTime.MaxValue.Ticks) return false;
        moment = new DateTimeOffset(utc, TimeSpan.Zero);
        return true;
    }

    private static bool Number(ReadOnlySpan<char> digits, out int number) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
