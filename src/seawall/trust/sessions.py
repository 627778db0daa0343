"""Browser sessions: one-time sign-in links and rotating refresh secrets.

A refresh cookie is `handle.secret`. The family (the session's id, which tokens carry) is a hash of the handle, so
knowing the id of a session from a token or a log lets nobody touch it. Only hashes are stored.

- A link works once and starts a new family, whatever cookies the browser already had (no session fixation). It is used up with the
  session it starts or not at all.
- Each refresh replaces the secret. Presenting an old one revokes the family, since either the browser or a thief holds
  a copy (RFC 9700, section 4.14.2); but within 10 s of its rotation it is the same browser racing itself and gets a
  token, no new secret.
- A session ends for good after `SESSION_SECONDS`, refreshed or not.

Times come from the clock passed in and go to the store as seconds since 1970.
"""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import InvalidInput
from seawall.core.principal import Principal
from seawall.store.database import Queries, Row
from seawall.telemetry.events import event
from seawall.trust.errors import InvalidLink, NotSignedIn
from seawall.trust.tokens import Tokens

TOKEN_SECONDS = 300.0
SESSION_SECONDS = 7 * 24 * 3600.0
LINK_SECONDS = 15 * 60.0
LINK_SECONDS_MAX = 24 * 3600.0
RACE_SECONDS = 10.0
SECRET_BYTES = 32
COOKIE_CHARACTERS_MAX = 200


class SignedIn(msgspec.Struct, frozen=True):
    """What a browser is given. An empty `refresh` means: keep the cookie you have."""

    token: str
    refresh: str
    principal: Principal


class Sessions:
    """Starts, refreshes and ends sessions. Raises NotSignedIn, and Unavailable when the store is away."""

    def __init__(self, database: Queries, tokens: Tokens, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self.tokens = tokens
        self._clock = clock

    async def create_link(self, principal: Principal, ttl_seconds: float = LINK_SECONDS) -> str:
        """The code of a link that signs `principal` in, once, within `ttl_seconds`."""
        if not 0 < ttl_seconds <= LINK_SECONDS_MAX:
            raise InvalidInput("A sign-in link cannot live that long", expected=f"at most {LINK_SECONDS_MAX:.0f} s", got=f"{ttl_seconds} s")
        now = self._clock.time()
        await self._database.execute("prune_sign_ins", now=now)
        code = secrets.token_urlsafe(SECRET_BYTES)
        await self._database.execute("add_sign_in_link", hash=_hash(code), principal=_encode(principal), expires_at=now + ttl_seconds)
        return code

    async def redeem(self, code: str) -> SignedIn:
        """Use a link and start a session. InvalidLink when it is unknown, used or too old.

        After Unavailable it works still, unless the store had kept the session and only its answer was lost.
        """
        now, handle, secret = self._clock.time(), secrets.token_urlsafe(16), secrets.token_urlsafe(SECRET_BYTES)
        row = await self._begun(code, handle, secret, now) if _plausible(code) else None
        if row is None:
            raise InvalidLink(fix="Ask for a new link; `seawall link` makes one")
        event("session.began", session=_family(handle))
        return self._signed_in(_decode(row), f"{handle}.{secret}")

    async def refresh(self, cookie: str) -> SignedIn:
        """A new token and a new secret for a current one. NotSignedIn for anything else."""
        handle, secret = _split(cookie)
        family, now, following = _family(handle), self._clock.time(), secrets.token_urlsafe(SECRET_BYTES)
        row = await self._database.fetch_one("rotate_session", family=family, hash=_hash(secret), next_hash=_hash(following), now=now)
        if row is not None:
            return self._signed_in(_decode(row), f"{handle}.{following}")
        raced = await self._database.fetch_one(
            "find_raced_session", family=family, hash=_hash(secret), now=now, rotated_after=now - RACE_SECONDS
        )
        if raced is not None:
            return self._signed_in(_decode(raced), "")
        if await self._revoke(family):
            event("session.reuse_detected", session=family)
        raise NotSignedIn("The session has ended", fix="Sign in again")

    async def revoke(self, family: str) -> None:
        """End a session by its id; a session that is unknown or has ended stays so."""
        if family and await self._revoke(family):
            event("session.ended", session=family)

    async def revoke_cookie(self, cookie: str) -> None:
        """End the session a refresh cookie belongs to."""
        handle, _ = _split(cookie)
        await self.revoke(_family(handle))

    async def _begun(self, code: str, handle: str, secret: str, now: float) -> Row | None:
        """One statement: when the store dies within it, the link was not used."""
        return await self._database.fetch_one(
            "redeem_sign_in_link",
            hash=_hash(code),
            family=_family(handle),
            secret_hash=_hash(secret),
            now=now,
            expires_at=now + SESSION_SECONDS,
        )

    async def _revoke(self, family: str) -> bool:
        return await self._database.fetch_one("revoke_session", family=family, now=self._clock.time()) is not None

    def _signed_in(self, principal: Principal, refresh: str) -> SignedIn:
        return SignedIn(self.tokens.mint(principal, TOKEN_SECONDS), refresh, principal)


def _split(cookie: str) -> tuple[str, str]:
    handle, dot, secret = cookie.partition(".")
    if not (dot and _plausible(handle) and _plausible(secret)):
        raise NotSignedIn("The session cookie is not one of ours", fix="Sign in again")
    return handle, secret


def _plausible(text: str) -> bool:
    return 0 < len(text) <= COOKIE_CHARACTERS_MAX and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def _hash(secret: str) -> str:
    """256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _family(handle: str) -> str:
    return hashlib.sha256(b"family:" + handle.encode()).hexdigest()[:32]


def _encode(principal: Principal) -> str:
    return msgspec.json.encode(principal).decode()


def _decode(row: Row) -> Principal:
    return msgspec.json.decode(row["principal"], type=Principal)
