"""Who asks: a token of ours, or a machine key.

Guarantees: a key is believed for at most 5 s after Postgres vouched for it, and a revocation is heard at once (LISTEN/NOTIFY). While
Postgres is away, a key that was good within the last minute goes on; an unknown one is refused with 503, never let in. What is kept is
bounded, the unknown ids as well, and so are the look-ups at once: a flood of made-up keys cannot keep the database from others.
Secrets are compared by their hashes in constant time. A key without scopes may do nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import digest
from seawall.core.errors import Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.call import Caller
from seawall.model_proxy.errors import OutOfScope
from seawall.model_proxy.http import Request
from seawall.model_proxy.keys import CHANNEL, PREFIX, MachineKey, MachineKeys, split, tenant_account
from seawall.store.database import Queries
from seawall.telemetry.events import event
from seawall.trust.errors import InvalidToken, NotSignedIn
from seawall.trust.tokens import Tokens

FRESH_SECONDS = 5.0
KEPT_SECONDS = 60.0
"""How long a key that was good goes on while Postgres is away."""
RETRY_SECONDS = 0.5
"""How long a key that could not be looked up again is believed before the next try."""
KEYS_MAX = 4096
UNKNOWN_MAX = 4096
CALLERS_MAX = 4096
GOOD_MAX = 4096
GOOD_CHARACTERS_MAX = 128
LOOKUPS_MAX = 8
LOOKUPS_WAITING_MAX = 128

Value = TypeVar("Value")


class _Known:
    """A key that Postgres vouched for. `until`, `kept_until`: monotonic."""

    __slots__ = ("caller", "expires_at", "hash", "id", "kept_until", "until")

    def __init__(self, key: MachineKey, now: float) -> None:
        self.id = key.id
        self.hash = key.hash
        self.caller = caller_of_key(key)
        self.expires_at = key.expires_at
        self.until = now + FRESH_SECONDS
        self.kept_until = now + KEPT_SECONDS


def fingerprint(principal: Principal) -> str:
    """What decides which answers may be shared: tenant, roles, attributes and scopes, hashed; neither the user nor the key."""
    return digest([principal.tenant, sorted(set(principal.roles)), principal.attributes, sorted(set(principal.scopes))])


def caller_of_key(key: MachineKey) -> Caller:
    """The bearer of a machine key."""
    return Caller(key.principal, fingerprint(key.principal), key.id, key.limits, key.account)


def caller_of(principal: Principal) -> Caller:
    """The bearer of a token."""
    return Caller(principal, fingerprint(principal), budget=tenant_account(principal.tenant))


class Identifier:
    """Keeps the promise of `stages.Identify`. `start` listens for revocations, `close` ends that."""

    def __init__(self, tokens: Tokens, database: Queries, clock: Clock = SYSTEM_CLOCK) -> None:
        self._tokens = tokens
        self._database = database
        self._keys = MachineKeys(database, clock)
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._callers: OrderedDict[str, Caller] = OrderedDict()
        self._good: dict[str, _Known] = {}
        """Headers that presented a key, held against its hash already; believed while the entry is the one of `_known`."""
        self._lookups: dict[str, asyncio.Future[None]] = {}
        self._slots = asyncio.Semaphore(LOOKUPS_MAX)
        self._heard = 0
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen for keys that were made or revoked."""
        self._listener = asyncio.create_task(self._listen(), name="seawall-keys")

    async def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
            self._listener = None

    def known(self, request: Request) -> Caller | None:
        """Who asks, without a round trip; None: ask `find`. NotSignedIn or InvalidToken when nobody we know."""
        header = request.headers.get("authorization", "")
        entry = self._good.get(header)
        if entry is not None and entry.until > self._clock.monotonic() and self._known.get(entry.id) is entry:
            return self._unexpired(entry)
        token = _token(header)
        if token.startswith(PREFIX):
            return self._known_key(token, header)
        principal = self._tokens.verify(token)
        caller = self._callers.get(token)
        if caller is None or caller.principal is not principal:
            caller = self._callers[token] = caller_of(principal)
            if len(self._callers) > CALLERS_MAX:
                self._callers.popitem(last=False)
        return caller

    async def find(self, request: Request) -> Caller:
        """Who asks, looked up. Unavailable when the database is away and the key is not known."""
        token = bearer(request.headers)
        parts = split(token)
        if parts is None:
            raise _refused()
        try:
            await self._look_up(parts[0])
        except Unavailable:
            self._go_on(parts[0])
        caller = self._known_key(token)
        if caller is None:  # revoked or turned out of the cache while we looked
            raise _refused()
        return caller

    def _known_key(self, token: str, header: str = "") -> Caller | None:
        key_id, _, secret = token[len(PREFIX) :].partition("_")
        entry = self._known.get(key_id)
        if entry is None:
            if split(token) is None or self._unknown.get(key_id, 0.0) > self._clock.monotonic():
                raise _refused()
            return None
        if entry.until <= self._clock.monotonic():
            return None
        presented = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        if not hmac.compare_digest(presented, entry.hash):
            raise _refused()
        if not entry.caller.principal.scopes:  # which in a token would be a person's: everything
            raise OutOfScope("This key may do nothing, for it has no scopes", fix="Make another with `seawall key create --scope …`")
        if 0 < len(header) <= GOOD_CHARACTERS_MAX:
            if len(self._good) >= GOOD_MAX:
                self._good.clear()
            self._good[header] = entry
        return self._unexpired(entry)

    def _unexpired(self, entry: _Known) -> Caller:
        if entry.expires_at is not None and entry.expires_at <= self._clock.time():
            raise InvalidToken("The key has expired", fix="Make another with `seawall key create`")
        return entry.caller

    # ── looking up ──

    async def _look_up(self, key_id: str) -> None:
        """Ask Postgres; whoever asks for the same id meanwhile waits for the same answer."""
        running = self._lookups.get(key_id)
        if running is None:
            if len(self._lookups) >= LOOKUPS_WAITING_MAX:
                raise Unavailable("Too many keys are being looked up", fix="Ask again in a moment")
            running = self._lookups[key_id] = asyncio.ensure_future(self._ask(key_id))
            running.add_done_callback(lambda done: self._looked_up(key_id, done))
        await asyncio.shield(running)

    def _looked_up(self, key_id: str, done: asyncio.Future[None]) -> None:
        del self._lookups[key_id]
        if not done.cancelled():
            done.exception()  # told to those who wait, if any still do

    async def _ask(self, key_id: str) -> None:
        async with self._slots:
            heard = self._heard
            key = await self._keys.find(key_id)
        now = self._clock.monotonic()
        if key is None:
            self._known.pop(key_id, None)
            _remember(self._unknown, key_id, now + FRESH_SECONDS, UNKNOWN_MAX)
            return
        entry = _Known(key, now)
        if heard != self._heard:  # something changed while we looked, perhaps this: look again next time
            entry.until = min(entry.until, now + 0.05)
        self._unknown.pop(key_id, None)
        _remember(self._known, key_id, entry, KEYS_MAX)

    def _go_on(self, key_id: str) -> None:
        """Postgres is away: believe a key for a moment more that was good within the last minute, else say that we cannot tell."""
        now, entry = self._clock.monotonic(), self._known.get(key_id)
        if entry is None or entry.kept_until <= now:
            raise Unavailable("The key cannot be checked now", fix="Ask again in a moment") from None
        entry.until = min(now + RETRY_SECONDS, entry.kept_until)

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._database.listen(CHANNEL)) as words:
            async for key_id in words:
                self._heard += 1
                self._unknown.pop(key_id, None)
                if key_id:
                    if self._known.pop(key_id, None) is not None:
                        event("key.changed", key=key_id)
                else:  # connected (again): some words may have been missed
                    for entry in self._known.values():
                        entry.until = 0.0


def bearer(headers: Mapping[str, str]) -> str:
    """What stands after `Bearer`. NotSignedIn when there is nothing."""
    return _token(headers.get("authorization", ""))


def _token(value: str) -> str:
    if value[:7].lower() != "bearer " or len(value) < 8:
        raise NotSignedIn("You didn't provide an API key", fix="Send `Authorization: Bearer <key or token>`")
    return value[7:].strip()


def _remember(table: OrderedDict[str, Value], name: str, value: Value, most: int) -> None:
    table[name] = value
    table.move_to_end(name)
    if len(table) > most:
        table.popitem(last=False)


def _refused() -> InvalidToken:
    return InvalidToken("The key is not valid", fix="See `seawall key list`")
