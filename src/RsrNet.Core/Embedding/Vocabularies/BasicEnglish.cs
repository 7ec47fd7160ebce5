using System.Text;

namespace RsrNet.Core.Embedding.Vocabularies;

/// <summary>
/// torchtext's tokenizer "basic_english": lower case; apostrophes, full stops, commas, brackets, ! and ? are tokens of their own; quotes go, and
/// colons, semicolons and line breaks are blanks.
/// </summary>
public static class BasicEnglish
{
    public static IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var character = char.ToLowerInvariant(text[i]);
            if (character == '<' && string.CompareOrdinal(text, i, "<br />", 0, 6) == 0)
            {
                i += 5;
                character = ' ';
            }
            if (character is '"') continue;
            var isSign = character is '\'' or '.' or ',' or '(' or ')' or '!' or '?';
            if (!isSign && character is not (':' or ';') && !char.IsWhiteSpace(character))
            {
                word.Append(character);
                continue;
            }
            if (word.Length > 0) yield return word.ToString();
            word.Clear();
            if (isSign) yield return character.ToString();
        }
        if (word.Length > 0) yield return word.ToString();
    }
}
