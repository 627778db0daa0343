"""Text from elsewhere on a terminal: what would move the cursor, set colours or turn the reading direction is written out."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every character that is not seen, but line ends, as JSON escapes it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
