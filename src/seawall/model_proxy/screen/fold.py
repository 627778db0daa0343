"""Text as the injection rules read it: letters alone, in lower case, without the disguises that cost nothing to put on.

Case, spacing, punctuation, digits for letters (`1gn0re`), accents, full width and mathematical letters, Cyrillic and Greek look-alikes,
zero-width and direction marks, and tag characters (U+E0020…, which nobody sees but models read) all fold away; other scripts stay as
UTF-8. What rules are written in is folded the same way, so the two always meet. Time is linear; ASCII and Latin-1 take one pass in C.
"""

from __future__ import annotations

import re
import string
import unicodedata

_LEET = dict(zip(b"013457@$", b"oieastas", strict=True))
# Where a letter looks like a Latin one it becomes that one, else what it sounds like.
_ALIKE = dict(
    zip(
        "абвгдезийклмнопрстуфхьэіїєґαβγδεζηθικλμνξοπρσςτυφχωıɑɡɪʟɴʀꜱᴇᴏᴜᴛᴘᴍᴀʙᴄᴅꜰɢʜᴊᴋᴠᴡʏᴢßøæœđłþðјѕһԁԛԝ",
        "abvgdeziiklmhoppctyfxbeiiegabydeznoiklmvxoppsstufxwiagilnrseoutpmabcdfghjkvwyzsoaodlpdjshdqw",
        strict=True,
    )
)
_SOUNDS = {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ы": "bi", "ю": "yu", "я": "ya", "ψ": "ps", "ъ": ""}
_LOOKS = {**_ALIKE, **_SOUNDS}
_REMEMBERED_MAX = 1 << 15


class _Characters(dict[int, str]):
    """What a character folds to, worked out once."""

    def __missing__(self, code: int) -> str:
        folded = chr(code) if code < 128 else _folded(chr(code))
        if len(self) < _REMEMBERED_MAX:
            self[code] = folded
        return folded


def _folded(character: str) -> str:
    if 0xE0020 <= ord(character) <= 0xE007E:
        return chr(ord(character) - 0xE0000)
    parts: list[str] = []
    for one in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", character).casefold()):
        looks = _LOOKS.get(one, one)
        parts += [looks] if looks.isascii() or unicodedata.category(one)[0] == "L" else []
    return "".join(parts)


_CHARACTERS = _Characters()


def _table(high: dict[int, int]) -> bytes:
    table = bytearray(range(256))
    for letter in string.ascii_uppercase:
        table[ord(letter)] = ord(letter.lower())
    for code, folded in (_LEET | high).items():
        table[code] = folded
    return bytes(table)


_NOT_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha() and code not in _LEET)
_LATIN = {code: _CHARACTERS[code][:1] for code in range(128, 256)}
_NARROW = _table({code: ord(letter) for code, letter in _LATIN.items() if letter.isalpha()})
_NARROW_DROPPED = _NOT_LETTERS + bytes(code for code, letter in _LATIN.items() if not letter.isalpha())
_WIDE = _table({})


_PUNCTUATION = "“”‘’–—…•€"
"""What makes most texts more than Latin-1, and says nothing here."""
_UNSEEN = re.compile("[\u200b-\u200d\u2060\ufeff\u202d\u202e\U000e0020-\U000e007e]")
_CUT = re.compile("[A-Za-z][\u200b-\u200d\u2060\ufeff]+(?=[A-Za-z])")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f")
_CUTS_MAX = 2


def squeeze(text: str) -> bytes:
    """The text's letters."""
    try:
        return text.encode("latin-1").translate(_NARROW, _NARROW_DROPPED)
    except UnicodeEncodeError:
        return _squeeze_wide(text)


def _squeeze_wide(text: str) -> bytes:
    for mark in _PUNCTUATION:
        text = text.replace(mark, "")
    try:
        return text.encode("latin-1").translate(_NARROW, _NARROW_DROPPED)
    except UnicodeEncodeError:
        return text.translate(_CHARACTERS).encode("utf-8", "ignore").translate(_WIDE, _NOT_LETTERS)


def hides(text: str) -> bool:
    """Whether something in it is made not to be seen: tag characters outside flags, direction overrides, words cut by zero-width marks."""
    if text.isascii() or not _UNSEEN.search(text):
        return False
    rest = _FLAG.sub("", text)
    return bool(re.search("[\u202d\u202e\U000e0020-\U000e007e]", rest)) or len(_CUT.findall(rest)) > _CUTS_MAX
