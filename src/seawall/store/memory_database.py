"""The operational database in a dictionary, for tests that need no process.

Each query of `store/sql/` that has a method here of the same name can be run; the method returns its rows. The
conformance suite runs the same stories against it and Postgres. Set `away = True` to make every call raise Unavailable.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import ConfigurationError, Unavailable
from seawall.store.database import Row

WEEK_SECONDS = 604_800.0


class MemoryDatabase:
    """Keeps the promises of `Queries`, in memory. Subclass it to add queries."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.away = False
        self.clock = clock
        self.tables: dict[str, dict[Any, Row]] = {}
        self._listeners: dict[str, set[asyncio.Queue[str]]] = {}

    async def fetch_all(self, query: str, /, **params: object) -> list[Row]:
        """All rows of the query's twin."""
        return self._run(query, params)

    async def fetch_one(self, query: str, /, **params: object) -> Row | None:
        """The first row of the query's twin, or None."""
        return next(iter(self._run(query, params)), None)

    async def execute(self, query: str, /, **params: object) -> int:
        """Run the query's twin; how many rows it gave."""
        return len(self._run(query, params))

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run the query's twin for each of `rows`."""
        for row in rows:
            self._run(query, dict(row))

    async def listen(self, channel: str, /) -> AsyncGenerator[str, None]:
        """What is notified on `channel`, after a first ""."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.setdefault(channel, set()).add(queue)
        try:
            yield ""
            while True:
                yield await queue.get()
        finally:
            self._listeners[channel].discard(queue)

    async def ready(self) -> bool:
        """Whether it answers now."""
        return not self.away

    async def close(self) -> None:
        """Nothing to let go of."""

    def table(self, name: str) -> dict[Any, Row]:
        """A table's rows by primary key."""
        return self.tables.setdefault(name, {})

    def notify(self, channel: str, payload: str) -> None:
        """Tell the listeners of `channel`."""
        for queue in self._listeners.get(channel, ()):
            queue.put_nowait(payload)

    def _run(self, query: str, params: dict[str, Any]) -> list[Row]:
        if self.away:
            raise Unavailable("The operational database does not answer")
        twin = getattr(self, f"q_{query}", None)
        if twin is None:
            raise ConfigurationError(f"The query {query!r} has no twin", fix=f"Add a method q_{query} to a subclass of MemoryDatabase")
        rows: list[Row] = twin(**params)
        return rows

    # ── generations.sql ──

    def q_publish_generation(self, *, id: str, app: str, created_at: datetime, as_of: object, manifest: str) -> list[Row]:
        """Twin of publish_generation."""
        row = {"id": id, "app": app, "created_at": created_at, "as_of": as_of, "manifest": msgspec.json.decode(manifest)}
        self.table("generations").setdefault(id, row)
        self.table("current_generations")[app] = {"app": app, "generation": id}
        self.notify("seawall_generation", f"{app} {id}")
        return [{"pg_notify": ""}]

    def q_current_generations(self) -> list[Row]:
        """Twin of current_generations."""
        return list(self.table("current_generations").values())

    def q_generation_manifest(self, *, id: str) -> list[Row]:
        """Twin of generation_manifest."""
        return [{"manifest": row["manifest"]} for key, row in self.table("generations").items() if key == id]

    def q_forget_generations(self, *, app: str, keep: Sequence[str]) -> list[Row]:
        """Twin of forget_generations."""
        generations = self.table("generations")
        current = {row["generation"] for row in self.table("current_generations").values()}
        gone = [key for key, row in generations.items() if row["app"] == app and key not in keep and key not in current]
        return [generations.pop(key) for key in gone]

    # ── summaries.sql ──

    def q_write_summary(self, *, key: str, watermark: str, made_at: float, sealed: bytes) -> list[Row]:
        """Twin of write_summary."""
        summaries = self.table("summaries")
        if key in summaries and summaries[key]["made_at"] > made_at:
            return []
        row = {"key": key, "watermark": watermark, "made_at": made_at, "sealed": sealed, "written_at": self.clock.time()}
        summaries[key] = row
        return [row]

    def q_read_summary(self, *, key: str) -> list[Row]:
        """Twin of read_summary."""
        row = self.table("summaries").get(key)
        return [{"sealed": row["sealed"], "made_at": row["made_at"]}] if row else []

    def q_forget_summaries(self, *, older_seconds: float, count_max: int) -> list[Row]:
        """Twin of forget_summaries."""
        summaries = self.table("summaries")
        newest = sorted(summaries, key=lambda key: (-summaries[key]["written_at"], key))
        gone = [key for at, key in enumerate(newest) if at >= count_max or summaries[key]["written_at"] < self.clock.time() - older_seconds]
        return [summaries.pop(key) for key in gone]

    # ── usage.sql ──

    def q_count_panel_use(self, *, key: str, uses: float, at: datetime, policy: bytes, **columns: object) -> list[Row]:
        """Twin of count_panel_use."""
        table = self.table("panel_use")
        before = table.get(key)
        if before is None:
            table[key] = {"key": key, **columns, "policy": policy, "uses": float(uses), "last_used_at": at}
        else:
            before["uses"] = _decayed(before, at) + uses
            before["last_used_at"] = max(before["last_used_at"], at)
            before["policy"] = policy
        return [table[key]]

    def q_most_used_panels(self, *, app: str, limit: int, at: datetime) -> list[Row]:
        """Twin of most_used_panels."""
        names = ("page", "panel", "parameters", "locale", "fingerprint", "policy")
        rows = [row for row in self.table("panel_use").values() if row["app"] == app]
        rows.sort(key=lambda row: (-_decayed(row, at), row["key"]))
        return [{**{name: row[name] for name in names}, "uses": _decayed(row, at)} for row in rows[:limit]]

    def q_forget_panel_use(self, *, before: datetime) -> list[Row]:
        """Twin of forget_panel_use."""
        table = self.table("panel_use")
        gone = [key for key, row in table.items() if row["last_used_at"] < before]
        return [table.pop(key) for key in gone]

    # ── vitals.sql ──

    def q_record_web_vital(self, **columns: object) -> list[Row]:
        """Twin of record_web_vital."""
        table = self.table("web_vitals")
        row = {"id": max(table, default=0) + 1, "received_at": self.clock.time(), **columns}
        table[row["id"]] = row
        return [row]

    def q_forget_web_vitals(self, *, older_seconds: float, count_max: int) -> list[Row]:
        """Twin of forget_web_vitals."""
        table = self.table("web_vitals")
        last = max(table, default=0)
        gone = [key for key, row in table.items() if key <= last - count_max or row["received_at"] < self.clock.time() - older_seconds]
        return [table.pop(key) for key in gone]

    # ── model_routes.sql ──

    def q_change_model_route(self, *, route: str, variants: str | None, fallback: Sequence[str], who: str, why: str) -> list[Row]:
        """Twin of change_model_route."""
        table = self.table("model_route_changes")
        number = max(table, default=0) + 1
        read = None if variants is None else msgspec.json.decode(variants)
        at = datetime.fromtimestamp(self.clock.time(), UTC)
        table[number] = {"number": number, "route": route, "variants": read, "fallback": list(fallback), "who": who, "why": why, "at": at}
        self.notify("seawall_model_routes", route)
        return [{"pg_notify": ""}]

    def q_current_model_routes(self) -> list[Row]:
        """Twin of current_model_routes."""
        newest = {row["route"]: row for _, row in sorted(self.table("model_route_changes").items())}
        return [dict(newest[route]) for route in sorted(newest)]

    def q_model_route_history(self, *, route: str, limit: int) -> list[Row]:
        """Twin of model_route_history."""
        found = [dict(row) for _, row in sorted(self.table("model_route_changes").items(), reverse=True) if row["route"] == route]
        return found[:limit]


def _decayed(row: Row, at: datetime) -> float:
    passed_seconds = max(0.0, (at - row["last_used_at"]).total_seconds())
    return float(row["uses"] * 0.5 ** (passed_seconds / WEEK_SECONDS))
