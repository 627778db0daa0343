"""Machine keys and the ledger in a dictionary: the twin of `store/sql/{model_keys,ledger}.sql`, for tests that need no process.

tests/contract/test_model_store_twins.py holds it to what Postgres does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from seawall.model_proxy.keys import CHANNEL
from seawall.store.database import Row
from seawall.store.memory_database import MemoryDatabase

_UNLIMITED = (1 << 63) - 1


class ModelMemoryDatabase(MemoryDatabase):
    """A `MemoryDatabase` that knows the model proxy's queries."""

    # ── model_keys.sql ──

    def q_add_model_key(self, *, id: str, budget: int | None, period: str, now: float, **columns: object) -> list[Row]:
        """Twin of add_model_key."""
        keys = self.table("model_keys")
        same = (columns["tenant"], columns["name"])
        if any((row["tenant"], row["name"]) == same and row["revoked_at"] is None for row in keys.values()):
            return []
        keys[id] = {"id": id, **columns, "created_at": now, "revoked_at": None}
        if budget is not None:
            self.table("accounts")[columns["account"]] = {"budget": budget, "period": period}
        self.notify(CHANNEL, id)
        return [{"id": id}]

    def q_find_model_key(self, *, id: str) -> list[Row]:
        """Twin of find_model_key."""
        row = self.table("model_keys").get(id)
        return [row] if row and row["revoked_at"] is None else []

    def q_list_model_keys(self, *, now: float) -> list[Row]:
        """Twin of list_model_keys."""
        rows = sorted(self.table("model_keys").values(), key=lambda row: (-row["created_at"], row["id"]))
        return [{**row, **self._own_account(row["id"], now)} for row in rows]

    def q_revoke_model_key(self, *, word: str, tenant: str, now: float) -> list[Row]:
        """Twin of revoke_model_key."""
        for row in self.table("model_keys").values():
            if row["revoked_at"] is None and (row["id"] == word or (row["name"], row["tenant"]) == (word, tenant)):
                row["revoked_at"] = now
                self.notify(CHANNEL, row["id"])
                return [row]
        return []

    def _own_account(self, key_id: str, now: float) -> Row:
        name = f"key:{key_id}"
        account = self.table("accounts").get(name)
        if account is None:
            return {"budget": None, "period": None, "billed": 0}
        return {**account, "billed": self._billed(name, account["period"], now)}

    # ── ledger.sql ──

    def q_draw_allotment(
        self,
        *,
        id: str,
        step: int,
        holder: str,
        account: str,
        payer: str,
        budget: int | None,
        period: str,
        want: int,
        need: int,
        now: float | None,
    ) -> list[Row]:
        """Twin of draw_allotment."""
        now = self.clock.time() if now is None else now
        accounts = self.table("accounts")
        accounts[payer] = {"budget": budget, "period": period}
        remaining, seconds, starts = _UNLIMITED, 1e12, {}
        for name in sorted({account, payer} & accounts.keys()):
            found = accounts[name]
            starts[name] = period_start(found["period"], now)
            if found["budget"] is not None:
                remaining = min(remaining, found["budget"] - self._billed(name, found["period"], now))
            seconds = min(seconds, period_seconds(found["period"], now))
        if account not in starts:
            return [{"granted": 0, "remaining": 0, "seconds": seconds}]
        held = self.table("allotments").get(id)
        if held is not None and (held["step"] >= step or held["closed"] or held["starts"] != starts):
            return [{"granted": 0, "remaining": remaining, "seconds": 0.0 if held["starts"] != starts else seconds}]
        granted = max(0, min(want, max(need, _quarter(remaining)), remaining))
        granted = granted if granted >= need else 0
        if held is None:
            held = self.table("allotments")[id] = {"id": id, "holder": holder, "starts": starts, "drawn": 0, "spent": 0, "closed": False}
        held["step"] = step
        self._enter(held, granted, "draw")
        return [{"granted": granted, "remaining": remaining - granted, "seconds": seconds}]

    def q_report_allotments(self, *, reports: str, now: float | None) -> list[Row]:
        """Twin of report_allotments."""
        heeded = []
        for word in sorted(msgspec.json.decode(reports), key=lambda one: str(one["id"])):
            gone = {"id": word["id"], "holder": "", "starts": {}, "drawn": 0, "spent": 0, "step": word["step"], "closed": True}
            held = self.table("allotments").setdefault(word["id"], gone)
            if held["closed"] or held["step"] >= word["step"]:
                continue
            delta = word["spent"] + word["hold"] - held["drawn"]
            self._enter(held, delta, "return" if delta < 0 else "overrun")
            held.update(spent=word["spent"], step=word["step"], closed=word["close"])
            heeded.append({"id": word["id"]})
        return heeded

    def q_open_allotments(self, *, holder: str) -> list[Row]:
        """Twin of open_allotments."""
        rows = [row for row in self.table("allotments").values() if row["holder"] == holder and not row["closed"]]
        return [{name: row[name] for name in ("id", "drawn", "spent", "step")} for row in sorted(rows, key=lambda row: str(row["id"]))]

    def q_account_state(self, *, account: str, now: float) -> list[Row]:
        """Twin of account_state."""
        found = self.table("accounts").get(account)
        if found is None:
            return []
        start = period_start(found["period"], now)
        entries = [row["amount"] for row in self.table("ledger").values() if (row["account"], row["start"]) == (account, start)]
        return [{"name": account, **found, "billed": self._billed(account, found["period"], now), "entries": sum(entries)}]

    def _billed(self, account: str, period: str, now: float) -> int:
        return int(self.table("account_periods").get((account, period_start(period, now)), {"billed": 0})["billed"])

    def _enter(self, held: Row, amount: int, kind: str) -> None:
        if not amount:
            return
        held["drawn"] += amount
        for account, start in held["starts"].items():
            row = self.table("account_periods").setdefault((account, start), {"billed": 0})
            row["billed"] += amount
            ledger = self.table("ledger")
            ledger[len(ledger)] = {"account": account, "start": start, "allotment": held["id"], "kind": kind, "amount": amount}


def period_start(period: str, now: float) -> float:
    """Seconds since 1970 at which the period of `now` began, in UTC; weeks begin on Monday."""
    at = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
    if period == "total":
        return 0.0
    if period != "hour":
        at = at.replace(hour=0)
    if period == "week":
        at -= timedelta(days=at.weekday())
    if period == "month":
        at = at.replace(day=1)
    return at.timestamp()


def period_seconds(period: str, now: float) -> float:
    """Seconds from `now` until the next period begins."""
    if period == "total":
        return 1e12
    start = datetime.fromtimestamp(period_start(period, now), UTC)
    lengths = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
    following = start + lengths[period] if period in lengths else (start + timedelta(days=32)).replace(day=1)
    return following.timestamp() - now


def _quarter(amount: int) -> int:
    """As SQL divides: towards zero."""
    return amount // 4 if amount >= 0 else -(-amount // 4)
