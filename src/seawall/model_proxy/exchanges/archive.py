"""Reads what was recorded, one tenant at a time, with that tenant's key."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from seawall.model_proxy.exchanges.format import Exchange, decode_lines
from seawall.model_proxy.exchanges.keys import KeySource, sealer
from seawall.model_proxy.exchanges.segments import folder_of, hour_of, read, segments, tenants

_HOUR_SECONDS = 3600.0


class Wanted(msgspec.Struct, frozen=True):
    """Which exchanges; what is empty does not matter. Names may hold `*`."""

    app: str = ""
    prompt: str = ""
    model: str = ""
    """The name asked for, or ours for the model that answered."""
    error: str = ""
    """A slug; `*`: any error."""
    lane: str = ""
    since: float = 0.0
    """Seconds since 1970."""
    until: float = float("inf")

    def has(self, exchange: Exchange) -> bool:
        """Whether it is one of them."""
        return (
            self.since <= exchange.at < self.until
            and _like(exchange.app, self.app)
            and _like(exchange.prompt, self.prompt)
            and (_like(exchange.model, self.model) or _like(exchange.target, self.model))
            and (not self.error or (exchange.error != "" and _like(exchange.error, self.error)))
            and _like(exchange.lane, self.lane)
        )


class Archive:
    """The exchanges under `root`. Every call blocks."""

    def __init__(self, root: Path, keys: KeySource) -> None:
        self._root = root
        self._keys = keys
        self.damaged = 0
        """Batches that could not be opened, so far."""

    def tenants(self) -> list[str]:
        """Those with exchanges."""
        return tenants(self._root)

    def read(self, tenant: str, wanted: Wanted = Wanted()) -> Iterator[Exchange]:  # noqa: B008 -- frozen
        """A tenant's exchanges, about in the order of time. NotFound when there is no key for the tenant."""
        opens = sealer(self._keys.ring(tenant))
        first = hour_of(max(0.0, wanted.since - _HOUR_SECONDS))
        last = hour_of(wanted.until + _HOUR_SECONDS) if wanted.until < 4e9 else "9"
        for path in segments(folder_of(self._root, tenant)):
            if first <= path.name[:11] <= last:
                for batch in read(path, tenant, opens):
                    self.damaged += batch.damaged
                    yield from (one for one in decode_lines(batch.lines) if wanted.has(one))

    def find(self, tenant: str, id: str) -> Exchange | None:
        """The exchange whose id begins so; the newest of several."""
        return next((one for one in reversed(list(self.read(tenant))) if one.id.startswith(id)), None)


def _like(value: str, pattern: str) -> bool:
    return not pattern or value == pattern or fnmatchcase(value, pattern)
