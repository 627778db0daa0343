"""How wide a text will be, and how to write it safely.

Widths are Helvetica's advance widths (Arial, Liberation Sans and, within a few per cent, the system fonts of our stack),
in thousandths of the font size; letters outside Latin count as a full em when they are East Asian, else as an average
letter. Layout keeps a little air for the difference.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

FONT_PX = 12
_AVERAGE = 580
_GROUPS = {
    222: "ijl'‘’|",
    278: " !,./:;I[\\]ft\u00a0\u202f·",
    333: "()-r`{}",
    355: '"',
    389: "*",
    500: "Jckszvxy",
    556: "0123456789abdeghnopqu#$?_L–−+<>=~€",
    611: "FTZ",
    667: "ABEKPSVXY&",
    722: "CDHNRUw",
    778: "GOQ",
    833: "mM",
    889: "%",
    944: "W",
    1000: "—…@",
}
_WIDTHS = {letter: width for width, letters in _GROUPS.items() for letter in letters}
_NEVER = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
_FORBIDDEN = re.compile(f"[{_NEVER}]")
_UNSAFE = re.compile(f"[&<>\"'{_NEVER}]")


def esc(value: object) -> str:
    """`value` as text that is safe between tags and in quoted attributes, in HTML and in XML alike.

    Besides the five signs of markup, what XML forbids (control characters, lone surrogates) becomes U+FFFD.
    """
    text = value if type(value) is str else str(value)
    if _UNSAFE.search(text) is None:
        return text
    return str(escape(_FORBIDDEN.sub("\ufffd", text)))


def single_quoted(text: str) -> str:
    """`text` for an attribute in single quotes: JSON keeps its double quotes bare."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


def markup(text: str) -> Markup:
    """`text`, built from our own tags and `esc`aped values, as markup: the one place where we vouch for it."""
    return Markup(text)  # noqa: S704 -- every caller joins literals and escaped values only; a property test reads the result


@lru_cache(maxsize=4096)
def text_width(text: str, size_px: float = FONT_PX) -> float:
    """The width of `text` in CSS pixels, estimated."""
    widths = _WIDTHS
    total = 0
    for letter in text:
        width = widths.get(letter)
        total += width if width is not None else _other(letter)
    return total * size_px / 1000


def fit(text: str, width_px: float, size_px: float = FONT_PX) -> str:
    """`text`, or as much of it as fits with an ellipsis at its end."""
    if text_width(text, size_px) <= width_px:
        return text
    room = width_px - text_width("…", size_px)
    used, kept = 0.0, []
    for letter in text:
        used += text_width(letter, size_px)
        if used > room:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def _other(letter: str) -> int:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1000
    return 0 if unicodedata.combining(letter) else _AVERAGE
