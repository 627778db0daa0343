"""Texts that inject instructions and texts that do not, each with its kind; ours, written for this purpose.

A text is held out of training by its own hash, so adding texts moves none from one side to the other.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

HELD_OUT_SHARE = 0.4
_DIRECTORY = Path(__file__).parent


class _Line(msgspec.Struct, frozen=True):
    kind: str
    text: str


class Example(msgspec.Struct, frozen=True):
    """A text and whether it is an injection."""

    kind: str
    text: str
    injection: bool

    @property
    def held_out(self) -> bool:
        """Whether training may not see it."""
        return hashlib.sha256(self.text.encode()).digest()[0] < HELD_OUT_SHARE * 256

    @property
    def from_data(self) -> bool:
        """Whether it stands in data rather than in what somebody typed."""
        return self.kind.startswith("data")


def examples() -> list[Example]:
    """All of them, in the files' order."""
    decode = msgspec.json.Decoder(_Line).decode
    return [
        Example(line.kind, line.text, injection)
        for name, injection in (("injections", True), ("benign", False))
        for line in map(decode, (_DIRECTORY / f"{name}.jsonl").read_bytes().splitlines())
    ]
