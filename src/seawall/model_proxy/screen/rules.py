"""Rules that find injected instructions, each with an id and a sentence. Linear in the text's length.

Rules read the squeezed form (fold.py): letters alone, so that spacing, case, punctuation and look-alikes change nothing. One alternation of
word pieces, the gate, passes ordinary text in a few microseconds a KB; only around what it finds are the rules tried, and every rule's
gaps are bounded. Some rules are for text that came from data only: a person may tell the model what to do, a document may not.
The patterns (patterns.py, phrases.py) are ours; the families follow OWASP LLM01:2025 (https://genai.owasp.org/llmrisk/llm01-prompt-injection/).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.model_proxy.screen.fold import hides, squeeze
from seawall.model_proxy.screen.patterns import BACKWARDS, CODES, DATA_RULES, LINE_WORDS, MARK_WORDS, MARKS, ROT13, RULES, WORDS
from seawall.model_proxy.screen.payloads import RUN_MIN, decoded
from seawall.model_proxy.screen.phrases import DATA_PHRASES, PHRASE_WORDS, PHRASES

AROUND = 160
"""Letters before and after what the gate found that the rules read; no rule reaches further."""
SLICE = 32 << 10
OVERLAP = 9_216
"""A longer text is read in slices that overlap: by more than the longest run that is decoded, of letters by more than rules reach."""
LETTERS_OVERLAP = 1_024
WINDOWS_MAX = 64
"""Places of one text that are looked at one by one; with more, the text is read as a whole."""


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    id: str
    sentence: str
    pattern: re.Pattern[bytes]
    gate: re.Pattern[bytes] = re.compile(b"")
    """What is always there where the pattern matches, quicker to look for."""


def _compiled(pattern: str) -> re.Pattern[bytes]:
    """A pattern over squeezed text. Words of other scripts in it are folded as texts are; `{n}` gaps and the syntax stay."""
    parts = re.split(r"([^\x00-\x7f]+)", pattern)
    source = b"".join(squeeze(part) if not part.isascii() else part.encode() for part in parts)
    return re.compile(source, re.DOTALL)


_RARE = b"gpybvkjfxzqwumd"
"""A quarter of the letters of English text."""
_PIECE_MIN = 4
Tree = dict[int, Any]


def _piece(word: bytes) -> bytes:
    """The end of a word from its first rare letter on: a search that starts at rare letters only is quick."""
    at = next((at for at in range(len(word) - _PIECE_MIN + 1) if word[at] in _RARE), 0)
    return word[at:]


def _gate(words: list[str]) -> re.Pattern[bytes]:
    """One search for all the words: a tree of their pieces, so that each letter is looked at about once."""
    pieces = {_piece(squeeze(word)) for word in words}
    tree: Tree = {}
    for piece in pieces:
        if not any(other in piece for other in pieces if other != piece):
            branch = tree
            for letter in piece:
                branch = branch.setdefault(letter, {})
    return re.compile(_branches(tree))


def _branches(tree: Tree) -> bytes:
    ways = [re.escape(bytes((letter,))) + _branches(rest) for letter, rest in sorted(tree.items())]
    return ways[0] if len(ways) == 1 else b"(?:" + b"|".join(ways) + b")" if ways else b""


def _rules(rows: tuple[tuple[str, str, str], ...]) -> tuple[Rule, ...]:
    return tuple(Rule(name, sentence, _compiled(pattern), _gate(WORDS[name].split())) for name, sentence, pattern in rows)


def _words(rows: tuple[tuple[str, str, str], ...]) -> list[str]:
    return [word for name, _, _ in rows for word in WORDS[name].split()]


_TOLD = {name: sentence for name, sentence, _ in RULES + DATA_RULES}


def _phrases(rows: tuple[tuple[str, str], ...]) -> tuple[Rule, ...]:
    return tuple(Rule(name, _TOLD[name], _compiled(pattern), _gate(PHRASE_WORDS[name].split())) for name, pattern in rows)


def _phrase_words(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [word for name, _ in rows for word in PHRASE_WORDS[name].split()]


ANYWHERE = _rules(RULES) + _phrases(PHRASES)
IN_DATA = ANYWHERE + _rules(DATA_RULES) + _phrases(DATA_PHRASES)
_MARKS = tuple(Rule(name, sentence, re.compile(pattern.encode(), re.IGNORECASE | re.DOTALL)) for name, sentence, pattern in MARKS)


def _gates(words: list[str]) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """One for text of any script, one for ASCII, which the words of other scripts would only slow down."""
    return _gate(words), _gate([word for word in words if squeeze(word).isascii()])


_SAID = [*_words(RULES), *_phrase_words(PHRASES), *ROT13, *BACKWARDS, *CODES]
_GATES = (_gates(_SAID), _gates([*_SAID, *_words(DATA_RULES), *_phrase_words(DATA_PHRASES)]))
"""Of what people type and of data, each for any text and for ASCII."""
_EXFILTRATE = next(rule for rule in ANYWHERE if rule.id == "injection.exfiltrate")
_ROT13 = tuple(map(str.encode, ROT13))
_BACKWARDS = tuple(map(str.encode, BACKWARDS))
_CODES = tuple(map(squeeze, CODES))
_ROTATED = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", b"nopqrstuvwxyzabcdefghijklm")
ENCODED = "injection.encoded"
HIDDEN = "injection.hidden"
UNREAD = "injection.unread"
_SPARSE = 12
"""Prose has a space every six letters; half as many is not prose."""
SENTENCES = {
    **{rule.id: rule.sentence for rule in (*IN_DATA, *_MARKS)},
    HIDDEN: "characters that nobody sees",
    ENCODED: "instructions in a code (Base64, hexadecimal, rot13 or backwards)",
    UNREAD: "more text than is read for injected instructions",
}


def injections(text: str, *, data: bool) -> list[str]:
    """The ids of the rules that match, each once; `data`: the text came from data."""
    if len(text) > SLICE:
        return _in_slices(text, data)
    squeezed = squeeze(text)
    gated = _GATES[data][text.isascii()].search(squeezed) is not None
    found = _in_letters(squeezed, data) if gated else []
    if "://" in text and _EXFILTRATE.pattern.search(squeezed):
        found.append(_EXFILTRATE.id)
    found += _as_it_is(text, squeezed, gated, data)
    return list(dict.fromkeys(found)) if found else found


def _in_slices(text: str, data: bool) -> list[str]:
    """The same for a long text: no single search takes long, so other threads have their turns."""
    letters, found = bytearray(), []
    for at in range(0, len(text), SLICE):
        part = text[at : at + SLICE + OVERLAP]
        squeezed = squeeze(part)
        letters += squeeze(text[at : at + SLICE])
        found += _as_it_is(part, squeezed, _GATES[data][part.isascii()].search(squeezed) is not None, data)
    away = "://" in text
    for at in range(0, len(letters), SLICE):
        part_of_letters = bytes(letters[at : at + SLICE + LETTERS_OVERLAP])
        found += _in_letters(part_of_letters, data)
        if away and _EXFILTRATE.pattern.search(part_of_letters):
            found.append(_EXFILTRATE.id)
    return list(dict.fromkeys(found))


def _as_it_is(text: str, squeezed: bytes, gated: bool, data: bool) -> list[str]:
    """What is not found in letters alone."""
    found: list[str] = []
    if "<" in text or "[" in text or "#" in text or "\n" in text:
        found += _marks(text)
    if not text.isascii() and hides(text):
        found.append(HIDDEN)
    if _may_hold_code(text, squeezed, gated, data) and any(_in_letters(squeeze(inner), data) for inner in decoded(text)):
        found.append(ENCODED)
    return found


def _may_hold_code(text: str, squeezed: bytes, gated: bool, data: bool) -> bool:
    """Whether it is worth decoding what is in it: it is data, speaks of a code, or has few spaces or almost nothing else."""
    if len(text) < RUN_MIN:
        return False
    spaces = text.count(" ")
    return data or spaces * _SPARSE < len(text) or spaces * 3 > len(text) or (gated and any(word in squeezed for word in _CODES))


def _in_letters(squeezed: bytes, data: bool) -> list[str]:
    windows = list(_windows(squeezed, _GATES[data][0]))
    found = [
        rule.id
        for rule in (IN_DATA if data else ANYWHERE)
        if any(rule.gate.search(window) and rule.pattern.search(window) for window in windows)
    ]
    rotated = any(word in squeezed for word in _ROT13) and _any(squeezed.translate(_ROTATED))
    if rotated or (any(word in squeezed for word in _BACKWARDS) and _any(squeezed[::-1])):
        found.append(ENCODED)
    return found


def _any(squeezed: bytes) -> bool:
    return any(rule.pattern.search(squeezed) for rule in ANYWHERE)


def _windows(squeezed: bytes, gate: re.Pattern[bytes]) -> Iterator[bytes]:
    """Stretches around what the gate found, joined where they touch."""
    begin = end = -1
    count = 0
    for match in gate.finditer(squeezed):
        at = match.start()
        if end < 0 or at - AROUND > end:
            if end >= 0:
                yield squeezed[begin:end]
            begin, count = max(0, at - AROUND), count + 1
            if count > WINDOWS_MAX:
                yield squeezed[begin:]
                return
        end = at + AROUND
    if end >= 0:
        yield squeezed[begin:end]


def _marks(text: str) -> list[str]:
    raw = text.encode("utf-8", "ignore")
    lower = raw.lower()
    if not (b"<" in raw or b"[" in raw or b"##" in raw or any(word in lower for word in LINE_WORDS)):
        return []
    return [rule.id for rule in _MARKS if any(word in lower for word in MARK_WORDS[rule.id]) and rule.pattern.search(raw)]
