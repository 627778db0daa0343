"""An in-memory twin of the session queries, for tests and for trying things out: same names, same rows.

`tests/contract` holds it and Postgres to one suite, so that what passes here passes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class _Link:
    principal: str
    expires_at: float
    used: bool = False


@dataclass
class _Session:
    current_hash: str
    principal: str
    expires_at: float
    previous_hash: str | None = None
    rotated_at: float = 0.0
    revoked: bool = False

    def live(self, now: float) -> bool:
        return not self.revoked and self.expires_at > now


class MemorySessionQueries:
    """Answers the queries of `store/sql/sessions.sql` from two dictionaries."""

    def __init__(self) -> None:
        self._links: dict[str, _Link] = {}
        self._sessions: dict[str, _Session] = {}

    async def fetch_one(self, name: str, /, **parameters: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 -- SQL values
        """The first row of the query `name`."""
        row: Mapping[str, Any] | None = getattr(self, f"_{name}")(**parameters)
        return row

    async def execute(self, name: str, /, **parameters: Any) -> None:  # noqa: ANN401 -- SQL values
        """Run the query `name` for its effect."""
        getattr(self, f"_{name}")(**parameters)

    def _add_sign_in_link(self, hash: str, principal: str, expires_at: float) -> None:
        self._links[hash] = _Link(principal, expires_at)

    def _redeem_sign_in_link(self, hash: str, now: float) -> Mapping[str, str] | None:
        link = self._links.get(hash)
        if link is None or link.used or link.expires_at <= now:
            return None
        link.used = True
        return {"principal": link.principal}

    def _begin_session(self, family: str, hash: str, principal: str, expires_at: float) -> None:
        self._sessions[family] = _Session(hash, principal, expires_at)

    def _rotate_session(self, family: str, hash: str, next_hash: str, now: float) -> Mapping[str, str] | None:
        session = self._sessions.get(family)
        if session is None or not session.live(now) or session.current_hash != hash:
            return None
        session.previous_hash, session.current_hash, session.rotated_at = hash, next_hash, now
        return {"principal": session.principal}

    def _find_raced_session(self, family: str, hash: str, now: float, rotated_after: float) -> Mapping[str, str] | None:
        session = self._sessions.get(family)
        if session is None or not session.live(now) or session.previous_hash != hash or session.rotated_at < rotated_after:
            return None
        return {"principal": session.principal}

    def _revoke_session(self, family: str, now: float) -> Mapping[str, str] | None:
        session = self._sessions.get(family)
        if session is None or session.revoked:
            return None
        session.revoked = True
        return {"family": family}

    def _prune_sign_ins(self, now: float) -> None:
        self._links = {key: link for key, link in self._links.items() if link.expires_at >= now}
        self._sessions = {key: session for key, session in self._sessions.items() if session.expires_at >= now}
