#!/usr/bin/env python3
"""GPT-2's byte-pair encoding as its authors wrote it, with BART's ids: the truth that the tokenizer of RSR-Net is compared with.

    python3 bpe_oracle.py cases FOLDER --count 3000 --seed 1 > cases.jsonl
    python3 bpe_oracle.py train --merges 300 --out FOLDER

`cases` makes odd texts and their ids with the token files of FOLDER (vocab.json and merges.txt, or encoder.json, vocab.bpe and dict.txt), one JSON
object a line: `utf16` (base64 of UTF-16LE, because JSON cannot carry half a surrogate pair) and `ids`. `train` makes a tiny vocabulary.
Needs nothing but Python. The `regex` module that GPT-2 uses is not among the standard ones: its classes are spelled out from unicodedata.
"""
import argparse
import base64
import json
import os
import random
import re
import sys
import unicodedata
from collections import Counter

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

WORDS = (
    "the of and said in to a police officials president market shares we'll they're I've can't won't it's he'd I'm Obama's 'tis rock'n'roll "
    "2024 3.14 1,000 $5bn 50% naïve café Zürich Straße Ελλάδα Москва 東京 北京市 서울 مرحبا שלום हिन्दी ไทย ½ Ⅷ ² ٣ e\u0301 a\u0308\u0327 "
    "👍 👩\u200d👩\u200d👧 🇩🇪 ✈\ufe0f 𝔘𝔫𝔦 http://example.com/a?b=c&d=e user@example.com #tag @name ... ?! -- — “quoted” ‘single’ <s> </s> <mask> "
    "<pad> <unk> < s> <S> U.S. e.g. don\u2019t 'S 'LL 're've O'Reilly ''' \"\" \x00 \x07 \x1c \x7f \xad \ufeff \u200b \u180e \u2060"
).split(" ")

TEXT = """
The council met on Tuesday evening to discuss the new bridge over the river. Officials said that the work would begin in the spring and take
two years. The mayor, who had been against the plan at first, told reporters that the costs were lower than expected. Residents of the old town were not
convinced: they're afraid of noise, and they've asked for a study. It's the third plan in ten years. "We'll see," said one of them, "whether they can do it."
The company reported higher sales in the second quarter. Its shares rose by 4.5 percent after the news. The chief executive said the growth came
from new customers in the north. Analysts had expected less. The bank raised its forecast for the year to 120 million. Workers have been told that
nobody will lose their job. The union wasn't there. Heavy rain fell over the coast on Sunday and the day after. Several roads were closed, trains were late
and schools sent their children home. The weather service warned of more rain in the week to come. No one was hurt. The team won the match in the last
minute. Its captain scored twice. The coach said that the players had shown what they can do when they work together. The next match is in two weeks.
"""


def byte_alphabet():
    """encoder.py, bytes_to_unicode."""
    values = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    characters = values[:]
    added = 0
    for value in range(256):
        if value not in values:
            values.append(value)
            characters.append(256 + added)
            added += 1
    return dict(zip(values, map(chr, characters)))


def ranges(accepts):
    """A regular expression's class of all characters that are accepted."""
    parts, start = [], None
    for code in range(0x110001):
        inside = code < 0x110000 and accepts(chr(code))
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            parts.append(re.escape(chr(start)) + "-" + re.escape(chr(code - 1)))
            start = None
    return "".join(parts)


def pattern():
    letters = ranges(lambda c: unicodedata.category(c)[0] == "L")
    numbers = ranges(lambda c: unicodedata.category(c)[0] == "N")
    blanks = re.escape(BLANKS)
    return re.compile(
        f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{blanks}{letters}{numbers}]+|[{blanks}]+(?![^{blanks}])|[{blanks}]+")


def pairs_of(word):
    return set(zip(word, word[1:]))


class Encoder:
    """encoder.py, Encoder, and the ids of BartTokenizer around it."""

    def __init__(self, folder):
        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                return file.read()

        if os.path.exists(os.path.join(folder, "vocab.json")):
            self.ids = json.loads(read("vocab.json"))
            merges = read("merges.txt")
        else:
            gpt = json.loads(read("encoder.json"))
            lines = read("dict.txt").splitlines()
            places = {line.rsplit(" ", 1)[0]: index + len(SPECIALS) for index, line in enumerate(lines)}
            self.ids = {name: places[str(id)] for name, id in gpt.items() if str(id) in places}
            self.ids.update({name: id for id, name in enumerate(SPECIALS)})
            self.ids["<mask>"] = min(50264, len(SPECIALS) + len(lines))
            merges = read("vocab.bpe")
        merges = [tuple(line.split()) for line in merges.split("\n")[1:] if line]
        self.ranks = dict(zip(merges, range(len(merges))))
        self.alphabet = byte_alphabet()
        self.pattern = pattern()
        self.special = re.compile("(<s>|</s>|<pad>|<unk>|<mask>)")

    def bpe(self, token):
        word = tuple(token)
        pairs = pairs_of(word)
        while pairs:
            bigram = min(pairs, key=lambda pair: self.ranks.get(pair, float("inf")))
            if bigram not in self.ranks:
                break
            first, second = bigram
            merged, i = [], 0
            while i < len(word):
                if word[i] == first and i < len(word) - 1 and word[i + 1] == second:
                    merged.append(first + second)
                    i += 2
                else:
                    merged.append(word[i])
                    i += 1
            word = tuple(merged)
            pairs = pairs_of(word)
        return word

    def encode(self, text):
        ids = [self.ids["<s>"]]
        parts = self.special.split(text)
        for i, part in enumerate(parts):
            if i % 2 == 1:
                ids.append(self.ids[part])
                continue
            if i + 1 < len(parts) and parts[i + 1] == "<mask>":
                part = part.rstrip(BLANKS)
            for token in self.pattern.findall(part):
                token = "".join(self.alphabet[value] for value in token.encode("utf-8"))
                ids.extend(self.ids.get(piece, self.ids["<unk>"]) for piece in self.bpe(token))
        return ids + [self.ids["</s>"]]


def odd_text(dice):
    """Words, blanks, signs and single characters in any order; at times a very long word or half a surrogate pair."""
    parts = []
    for _ in range(dice.randint(0, 12)):
        kind = dice.random()
        if kind < 0.45:
            parts.append(dice.choice(WORDS))
        elif kind < 0.65:
            parts.append(dice.choice(BLANKS) * dice.randint(1, 3) if dice.random() < 0.5 else " " * dice.randint(1, 4))
        elif kind < 0.85:
            parts.append(chr(dice.choice([dice.randrange(0x80), dice.randrange(0x3000), dice.randrange(0x10000), dice.randrange(0x20000)])))
        elif kind < 0.95:
            parts.append("".join(dice.choice("abcdefghijklmnopqrstuvwxyzABCaaaannn'0123.") for _ in range(dice.randint(1, 40))))
        elif kind < 0.96:
            parts.append(dice.choice(["a", "ab", "na", "=", "-", "é", "0", "👍"]) * dice.randint(100, 700))
        else:
            parts.append(chr(dice.randrange(0xD800, 0xE000)))
        if dice.random() < 0.5:
            parts.append(" ")
    # Characters that this Python does not know yet may be letters to a later Unicode.
    return "".join(c for c in "".join(parts) if unicodedata.category(c) != "Cn")


def write_cases(arguments):
    encoder, dice = Encoder(arguments.folder), random.Random(arguments.seed)
    texts = ["", " ", "Hello world!", "  two  blanks  ", "tab\tnew\n\nline \n", "\ud83d", "\ude00\ud83d", "a\ud83d b", "'s 's''s"]
    while len(texts) < arguments.count:
        texts.append(odd_text(dice))
    for text in texts:
        units = text.encode("utf-16-le", "surrogatepass")
        # Two halves side by side are a pair from here on; a half alone is the replacement character.
        whole = units.decode("utf-16-le", "replace") if any(0xD800 <= ord(c) < 0xE000 for c in text) else text
        print(json.dumps({"utf16": base64.b64encode(units).decode(), "ids": encoder.encode(whole)}))


def train(arguments):
    """Byte-pair encoding's own training on a text of a few hundred words."""
    alphabet, find = byte_alphabet(), pattern()
    words = Counter(tuple(alphabet[value] for value in token.encode()) for token in find.findall(TEXT.replace("\n", " ")))
    merges = []
    while len(merges) < arguments.merges:
        counts = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                counts[pair] += count
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        joined = Counter()
        for word, count in words.items():
            merged, i = [], 0
            while i < len(word):
                step = 2 if word[i:i + 2] == best else 1
                merged.append("".join(word[i:i + step]))
                i += step
            joined[tuple(merged)] += count
        words = joined
    names = SPECIALS + sorted(alphabet.values()) + ["".join(pair) for pair in merges] + ["<mask>"]
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump({name: id for id, name in enumerate(names)}, file, separators=(",", ":"))
        file.write("\n")
    with open(os.path.join(arguments.out, "merges.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.write("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    cases = commands.add_parser("cases", help="odd texts and their ids")
    cases.add_argument("folder")
    cases.add_argument("--count", type=int, default=3000)
    cases.add_argument("--seed", type=int, default=1)
    tiny = commands.add_parser("train", help="make a tiny vocabulary")
    tiny.add_argument("--merges", type=int, default=300)
    tiny.add_argument("--out", required=True)
    arguments = parser.parse_args()
    sys.stdout.reconfigure(newline="\n")
    write_cases(arguments) if arguments.command == "cases" else train(arguments)


if __name__ == "__main__":
    main()
