"""Heads of requests that come again to the letter, but for the length of the body: what llhttp has read once is not read anew.

A client that keeps its connection sends the same head again and again. Only a request that comes whole and alone is known by its head.
"""

from __future__ import annotations

import msgspec

from seawall.model_proxy.http import Request


class Head(msgspec.Struct, frozen=True):
    """A head that llhttp has read: what stands before and after the digits of the body's length, and what it says."""

    before: bytes
    digits: bytes
    after: bytes
    method: str
    path: str
    query: str
    headers: dict[str, str]


def learnt(data: bytes, request: Request, lines: int) -> Head | None:
    """What is remembered of a request that came whole and alone as `data`, with so many `lines` of headers; None where it says more than
    one length can tell."""
    headers, body = request.headers, request.body
    length = headers.get("content-length", "")
    at = len(data) - len(body)
    if not length.isdecimal() or "transfer-encoding" in headers or "expect" in headers or lines != len(headers):
        return None
    if data.find(b"\r\n\r\n") + 4 != at or data[:4].isspace() or data[at:] != body:
        return None
    start = data.lower().find(b"\r\ncontent-length: ", 0, at) + 18
    end = start + len(length)
    if start < 18 or data[start : end + 2] != length.encode() + b"\r\n":
        return None
    return Head(data[:start], data[start:end], data[end:at], request.method, request.path, request.query, headers)


def again(head: Head, data: bytes, body_bytes_max: int) -> Request | None:
    """The request, if it has this head and is whole and alone."""
    if not data.startswith(head.before):
        return None
    before = len(head.before)
    end = data.find(b"\r", before, before + 9)
    digits = data[before:end]
    if end < 0 or not digits.isdigit() or not data.startswith(head.after, end):
        return None
    body = data[end + len(head.after) :]
    length, headers = int(digits), head.headers
    if len(body) != length or length > body_bytes_max:
        return None
    if digits != head.digits:
        headers = {**headers, "content-length": digits.decode()}
    return Request(head.method, head.path, head.query, headers, body)
