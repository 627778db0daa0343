"""Who asks, at the least cost: the headers that carried a token before are known, and the token itself is verified each time.

Verification is remembered by `trust.tokens` until the token expires, so a known request costs two look-ups. What is remembered of two
headers is read from these two and nothing else, so that no request is ever taken for another one.
"""

from __future__ import annotations

from seawall.core.principal import Principal
from seawall.trust.tokens import Tokens
from seawall.ui.auth import token_cookie
from seawall.ui.carriers import RawHeaders, token_in
from seawall.ui.recent import Recent

REMEMBERED_MAX = 4_096
HEADER_BYTES_MAX = 4_096
"""Headers longer than this are read each time."""


class Identity:
    """Requests → principals."""

    def __init__(self, tokens: Tokens, *, secure: bool) -> None:
        self._tokens = tokens
        self._cookie = token_cookie(secure=secure)
        self._known: Recent[tuple[bytes, bytes], str] = Recent(REMEMBERED_MAX)

    def principal(self, headers: RawHeaders) -> Principal:
        """Who asks, by what `carriers.raw_headers` read. NotSignedIn when no valid token came."""
        carriers = (headers.get(b"authorization", b""), headers.get(b"cookie", b""))
        token = self._known.get(carriers)
        if token is None:
            token = token_in(*carriers, self._cookie)
            if len(carriers[0]) + len(carriers[1]) <= HEADER_BYTES_MAX:
                self._known.put(carriers, token)
        return self._tokens.verify(token)
