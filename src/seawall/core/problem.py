"""Errors over HTTP as RFC 9457 problem details (`application/problem+json`)."""

from __future__ import annotations

import msgspec

from seawall.core.errors import SeawallError

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://seawall.dev/problems/"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error answer. `expected`, `got` and `fix` are extension members."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    expected: str = ""
    got: str = ""
    fix: str = ""

    def encode(self) -> bytes:
        """The JSON body."""
        return msgspec.json.encode(self)


def problem_of(error: SeawallError, *, instance: str = "") -> Problem:
    """The problem that tells of `error`."""
    return Problem(
        type=TYPE_BASE + error.slug,
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=instance,
        expected=error.expected,
        got=error.got,
        fix=error.fix,
    )
