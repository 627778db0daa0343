"""The twin of `store/sql/sessions.sql` in memory, for tests and for trying things out: same names, same rows.

`tests/contract/test_sessions_twins.py` holds it and Postgres to one suite, so that what passes here passes there.
"""

from __future__ import annotations

import msgspec

from seawall.store.database import Row
from seawall.store.memory_database import MemoryDatabase


class MemorySessions(MemoryDatabase):
    """A memory database that knows sign-in links and sessions too."""

    def q_add_sign_in_link(self, *, hash: str, principal: str, expires_at: float) -> list[Row]:
        """Twin of add_sign_in_link."""
        row = {"principal": principal, "expires_at": expires_at, "used_at": None}
        self.table("sign_in_links")[hash] = row
        return [row]

    def q_redeem_sign_in_link(self, *, hash: str, family: str, secret_hash: str, now: float, expires_at: float) -> list[Row]:
        """Twin of redeem_sign_in_link."""
        link = self.table("sign_in_links").get(hash)
        if link is None or link["used_at"] is not None or link["expires_at"] <= now:
            return []
        link["used_at"] = now
        row = {
            "family": family,
            "current_hash": secret_hash,
            "previous_hash": None,
            "rotated_at": now,
            "principal": msgspec.json.encode(msgspec.json.decode(link["principal"]) | {"session": family}).decode(),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        self.table("sessions")[family] = row
        return [{"principal": row["principal"]}]

    def q_rotate_session(self, *, family: str, hash: str, next_hash: str, now: float) -> list[Row]:
        """Twin of rotate_session."""
        session = self._live(family, now)
        if session is None or session["current_hash"] != hash:
            return []
        session.update(previous_hash=hash, current_hash=next_hash, rotated_at=now)
        return [{"principal": session["principal"]}]

    def q_find_raced_session(self, *, family: str, hash: str, now: float, rotated_after: float) -> list[Row]:
        """Twin of find_raced_session."""
        session = self._live(family, now)
        if session is None or session["previous_hash"] != hash or session["rotated_at"] < rotated_after:
            return []
        return [{"principal": session["principal"]}]

    def q_revoke_session(self, *, family: str, now: float) -> list[Row]:
        """Twin of revoke_session."""
        session = self.table("sessions").get(family)
        if session is None or session["revoked_at"] is not None:
            return []
        session["revoked_at"] = now
        return [{"family": family}]

    def q_prune_sign_ins(self, *, now: float) -> list[Row]:
        """Twin of prune_sign_ins."""
        for name in ("sign_in_links", "sessions"):
            table = self.table(name)
            for key in [key for key, row in table.items() if row["expires_at"] < now]:
                del table[key]
        return []

    def _live(self, family: str, now: float) -> Row | None:
        session = self.table("sessions").get(family)
        return session if session and session["revoked_at"] is None and session["expires_at"] > now else None
