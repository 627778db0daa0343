"""Who asks, at the least cost: the headers that carried a token before are known, and the token itself is verified each time.

Verification is remembered by `trust.tokens` until the token expires, so a known request costs two look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Scope

from seawall.core.principal import Principal
from seawall.trust.tokens import Tokens
from seawall.ui.auth import token_of
from seawall.ui.recent import Recent

REMEMBERED_MAX = 4_096
HEADER_BYTES_MAX = 4_096
"""Headers longer than this are read each time."""


class Identity:
    """Requests → principals."""

    def __init__(self, tokens: Tokens, *, secure: bool) -> None:
        self._tokens = tokens
        self._secure = secure
        self._known: Recent[tuple[bytes, bytes], str] = Recent(REMEMBERED_MAX)

    def principal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal:
        """Who asks. NotSignedIn when no valid token came."""
        carriers = (headers.get(b"authorization", b""), headers.get(b"cookie", b""))
        token = self._known.get(carriers)
        if token is None:
            token = token_of(Request(scope), secure=self._secure)
            if len(carriers[0]) + len(carriers[1]) <= HEADER_BYTES_MAX:
                self._known.put(carriers, token)
        return self._tokens.verify(token)
