"""Requests and answers as values, and the words of HTTP/1.1 that the edge and the connections to providers share."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

_names: dict[bytes, str] = {}
_NAMES_MAX = 512
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def header_name(raw: bytes) -> str:
    """A header's name in lower case; those seen before cost one look-up."""
    name = _names.get(raw)
    if name is None:
        name = raw.decode("latin-1").lower()
        if len(_names) < _NAMES_MAX and len(raw) <= 64:
            _names[raw] = name
    return name


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


def header_line(name: str, value: str) -> bytes:
    """One header as it goes on the wire. ValueError for a value that would end it early."""
    line = f"{name}: {value}\r\n".encode("latin-1", "replace")
    if line.count(b"\n") != 1 or line.count(b"\r") != 1 or b"\0" in line:
        raise ValueError("A header may not hold a line break")
    return line


class Request(msgspec.Struct, frozen=True):
    """A whole request. Header names are in lower case; of a repeated header the last stands."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def lines(self) -> bytes:
        """The headers on the wire, but for the body's length."""
        return b"".join([header_line("content-type", self.media_type), *(header_line(name, value) for name, value in self.headers)])
