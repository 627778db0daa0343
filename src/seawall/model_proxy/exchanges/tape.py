"""One file of exchanges and where in it they are: what is held in memory is a place for each, not what they say.

Guarantees that a file that grew is read on from where it ended, and one that changed in another way from its beginning; that lines which
are no exchange are passed over; and that a file over `FILE_BYTES_MAX` is an error and never read in part. Blocking.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.exchanges.format import Exchange, decode_lines

FILE_BYTES_MAX = 64 << 20
HEAD_BYTES = 64
Opened = Callable[[bytes], bytes]
"""A line as it was before it was sealed; nothing where it cannot be opened."""
Named = Callable[[Exchange], str]
"""What an exchange is found by."""


class Tape:
    """The exchanges of a file that have an answer; of several for one request the last."""

    __slots__ = ("_head", "_named", "_path", "_places", "_read", "_seen")

    def __init__(self, path: Path, named: Named) -> None:
        self._path = path
        self._named = named
        self._places: dict[str, tuple[int, int]] = {}
        self._read = 0
        self._seen = (0, 0, 0)
        self._head = b""
        """How the file begins: another begins in another way."""

    def find(self, snapshot: str, opened: Opened, *, grows: bool = False) -> Exchange | None:
        """The exchange; None where there is none. `grows`: the file is only ever added to. ConfigurationError when it is too large."""
        try:
            with self._path.open("rb") as file:
                self._follow(file, opened, grows=grows)
                place = self._places.get(snapshot)
                if place is None:
                    return None
                file.seek(place[0])
                return next(decode_lines(opened(file.read(place[1]))), None)
        except OSError:  # it is not there, or not any more
            return None

    def all(self, opened: Opened) -> dict[str, Exchange]:
        """Every one of them, by what it is found by. OSError, ConfigurationError."""
        found: dict[str, Exchange] = {}
        with self._path.open("rb") as file:
            _check_size(self._path, os.fstat(file.fileno()).st_size)
            for line in file:
                found.update((self._named(one), one) for one in decode_lines(opened(line.rstrip(b"\n"))) if _answers(one))
        return found

    def _follow(self, file: io.BufferedReader, opened: Opened, *, grows: bool) -> None:
        about = os.fstat(file.fileno())
        seen = (about.st_ino, about.st_mtime_ns, about.st_size)
        if seen == self._seen:
            return
        _check_size(self._path, about.st_size)
        if not grows or about.st_size < self._read or file.read(len(self._head)) != self._head:
            self._read, self._places = 0, {}
        file.seek(0)
        self._head = file.read(HEAD_BYTES)
        self._seen, at = seen, self._read
        file.seek(at)
        for line in file:
            for one in decode_lines(opened(line.rstrip(b"\n"))):
                if _answers(one):
                    self._places[self._named(one)] = (at, len(line.rstrip(b"\n")))
            at += len(line)
            if line.endswith(b"\n"):
                self._read = at  # what is no whole line yet is read again


def _answers(one: Exchange) -> bool:
    return one.response is not None and not one.error


def _check_size(path: Path, size: int) -> None:
    if size > FILE_BYTES_MAX:
        raise ConfigurationError(
            f"The cassette {path.name} is too large to be read",
            expected=f"at most {FILE_BYTES_MAX >> 20} MB",
            got=f"{size / (1 << 20):.0f} MB",
            fix="Split it: every *.jsonl file of the folder is read",
        )
