"""Words that nobody knows: as a compound of known ones, in the data's language, or as one misspelt by a single letter.

What stays unknown refuses the question. A slip is mended only where one known word is near, and into values of the data only in long words.
"""

from __future__ import annotations

import msgspec

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.tokens import Token

TYPO_LETTERS_MIN = 5
TYPO_SURE_LETTERS = 7
"""From so many letters on a slip may be the first one; shorter words are likelier to be other words."""
COMPOUND_LETTERS_MIN = 3
_LINKS = ("", "s", "es", "n", "en", "er")
"""What German puts between the parts of a word."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Mended(msgspec.Struct, frozen=True):
    """Tokens after compounds were parted and misspelt words put right."""

    tokens: tuple[Token, ...]
    hows: tuple[str, ...] = ()
    """For each token how it was found: "", `compound` or `typo`."""

    @property
    def compounds(self) -> int:
        """Tokens that are parts of a longer word."""
        return self.hows.count("compound")

    @property
    def typos(self) -> int:
        """Tokens that were misspelt."""
        return self.hows.count("typo")


def mended(tokens: tuple[Token, ...], language: Language, lexicon: Lexicon) -> Mended:
    """Every unknown word as known ones, where that is possible."""
    made: list[Token] = []
    hows: list[str] = []
    for token in tokens:
        if token.kind != "word" or _is_known(token.norm, language, lexicon):
            made.append(token)
            hows.append("")
        elif parts := _parts(token.norm, language, lexicon):
            made += [msgspec.structs.replace(token, norm=part) for part in parts]
            hows += ["compound"] * len(parts)
        elif right := _right(token.norm, language, lexicon):
            made.append(msgspec.structs.replace(token, norm=right))
            hows.append("typo")
        else:
            made.append(token)
            hows.append("")
    return Mended(tuple(made), tuple(hows))


def _is_known(word: str, language: Language, lexicon: Lexicon) -> bool:
    return word in language.words or word in language.measures or word in language.ordinals or lexicon.knows(word, language)


def _parts(word: str, language: Language, lexicon: Lexicon) -> tuple[str, ...]:
    """The two known words a word is made of, or what it is called in the data's language; none when there are none."""
    if apart := lexicon.joined.get(word) or lexicon.joined.get(language.stem(word)):
        return apart
    if (other := language.translations.get(word)) and lexicon.knows(other, language):
        return (other,)
    for cut in range(COMPOUND_LETTERS_MIN, len(word) - COMPOUND_LETTERS_MIN + 1):
        right = word[cut:]
        if not _has_meaning(right, language, lexicon):
            continue
        for link in _LINKS:
            left = word[:cut].removesuffix(link) if link and word[:cut].endswith(link) else word[:cut]
            if len(left) >= COMPOUND_LETTERS_MIN and (link == "" or left != word[:cut]) and _has_meaning(left, language, lexicon):
                return left, right
    return ()


def _has_meaning(word: str, language: Language, lexicon: Lexicon) -> bool:
    if (
        word in language.grains
        or word in language.months
        or language.stem(word) in language.classifiers
        or {"average", "total", "trend"} & set(language.tags.get(word, ()))
    ):
        return True
    return lexicon.look_up((word,), language) is not None


def _right(word: str, language: Language, lexicon: Lexicon) -> str:
    """The one known word a single slip away; "" when there is none, or several."""
    if len(word) < TYPO_LETTERS_MIN or not word.isalpha():
        return ""
    near = {one for one in _slips(word) if one[0] == word[0] or len(word) >= TYPO_SURE_LETTERS}
    for known in (lexicon.words, language.words, lexicon.value_words):
        if known is lexicon.value_words:
            near = {one for one in near if len(word) >= TYPO_SURE_LETTERS and one[0] == word[0] and one[-1] == word[-1]}
        if found := {one for one in near & known if len(one) >= TYPO_LETTERS_MIN - 1}:
            return _only(found, word, language)
    stem = language.stem(word)
    stems = _slips(stem) if stem != word and language.name == "en" and len(stem) >= TYPO_LETTERS_MIN else set()
    return _only({one for one in lexicon.words if language.stem(one) in stems}, word, language) if stems else ""


def _only(found: set[str], word: str, language: Language) -> str:
    """The one of them most like the word, when all are forms of one; else ""."""
    stems = {language.stem(one) for one in found}
    return min(found, key=lambda one: (abs(len(one) - len(word)), one)) if len(stems) == 1 else ""


def _slips(word: str) -> set[str]:
    """All texts that differ by one letter: left out, put in, another, or two swapped."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in halves if right for letter in _LETTERS}
    return found | {left + letter + right for left, right in halves for letter in _LETTERS}
