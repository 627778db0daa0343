"""Whether an answer says the system prompt again, word for word.

Answers are read as letters (fold.py) in stretches of `STRETCH`; one that stands in the system prompt gives it away. So whatever repeats
twice that many letters is noticed, at the latest when it ends.
"""

from __future__ import annotations

from typing import Any

from seawall.model_proxy.screen.fold import squeeze

STRETCH = 40
"""Letters."""


class Leak:
    """What must not be repeated: the system messages of a request."""

    __slots__ = ("_letters",)

    def __init__(self, body: dict[str, Any]) -> None:
        texts = [message.get("content") for message in body.get("messages") or () if message.get("role") in ("system", "developer")]
        self._letters = b" ".join([squeeze(text) for text in texts if isinstance(text, str)])

    def watch(self) -> Watch | None:
        """Watches one text of the answer; None: there is nothing worth watching for."""
        return Watch(self._letters) if len(self._letters) >= STRETCH else None


class Watch:
    """Reads one text as it comes."""

    __slots__ = ("_letters", "_read")

    def __init__(self, letters: bytes) -> None:
        self._letters = letters
        self._read = b""

    def feed(self, text: str) -> bool:
        """Whether a stretch that ends in this text stands in the prompt."""
        read = self._read + squeeze(text)
        told = False
        while len(read) >= STRETCH:
            told = told or read[:STRETCH] in self._letters
            read = read[STRETCH:]
        self._read = read
        return told
