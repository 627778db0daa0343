"""The live route table: changed by an operator, followed by every replica within a second, remembered with who and why.

Postgres holds every change; the newest of a route counts. Replicas listen and, should they miss something, look every second. Each
keeps a copy on disk, so that one started while Postgres is away routes as the others do. A change names its author and reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from seawall.core.errors import Unavailable
from seawall.model_proxy.route.router import LiveRoute
from seawall.store.database import Queries, Row
from seawall.telemetry.events import event

CHANNEL = "seawall_model_routes"
POLL_SECONDS = 1.0
COPY = "model-routes.json"
COPY_BYTES_MAX = 4 << 20
WHY_MAX = 500

Table = dict[str, LiveRoute]
"""Route → what is set for it. A route that is not in it is as models.yaml says."""


class Change(msgspec.Struct, frozen=True):
    """One change of a route."""

    number: int
    route: str
    setting: LiveRoute | None
    """None: back to what models.yaml says."""
    who: str
    why: str
    at: datetime


def change_of(row: Row) -> Change:
    """A row of the history as a value."""
    setting = None if row["variants"] is None else LiveRoute(dict(row["variants"]), tuple(row["fallback"] or ()))
    return Change(row["number"], row["route"], setting, row["who"], row["why"], row["at"])


class RouteHistory:
    """Reads and writes the table. Every method raises Unavailable when Postgres is away."""

    def __init__(self, database: Queries) -> None:
        self._database = database

    async def set(self, route: str, setting: LiveRoute | None, *, who: str, why: str) -> None:
        """Change a route from now on, everywhere."""
        await self._database.execute(
            "change_model_route",
            route=route,
            variants=None if setting is None else msgspec.json.encode(setting.variants).decode(),
            fallback=[] if setting is None else list(setting.fallback),
            who=who[:WHY_MAX],
            why=why[:WHY_MAX],
        )

    async def current(self) -> dict[str, Change]:
        """The newest change of each route."""
        return {row["route"]: change_of(row) for row in await self._database.fetch_all("current_model_routes")}

    async def of(self, route: str, *, most: int = 50) -> tuple[Change, ...]:
        """A route's changes, newest first."""
        return tuple(change_of(row) for row in await self._database.fetch_all("model_route_history", route=route, limit=most))


class LiveRoutes:
    """Keeps a replica's table current. `apply` gets every table that is new, and answers which routes of it cannot be used."""

    def __init__(
        self, database: Queries | None, copy: Path, apply: Callable[[Table], tuple[str, ...]], *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._database = database
        self._history = RouteHistory(database) if database is not None else None
        self._copy = copy
        self._apply = apply
        self._poll_seconds = poll_seconds
        self._table: Table = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def table(self) -> Mapping[str, LiveRoute]:
        """What is in force."""
        return self._table

    async def start(self) -> None:
        """Take the copy on disk, then what Postgres says; then follow until `close`."""
        self._take(await asyncio.to_thread(read_copy, self._copy))
        await self.refresh()
        self._tasks = [
            asyncio.create_task(self._follow(), name="seawall-routes"),
            asyncio.create_task(self._listen(), name="seawall-routes-listen"),
        ]

    async def close(self) -> None:
        """End the following."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []

    async def refresh(self) -> None:
        """Look at the table once. What is known stays in force while Postgres is away."""
        if self._history is None:
            return
        try:
            changes = await self._history.current()
        except Unavailable:
            return
        table = {name: change.setting for name, change in changes.items() if change.setting is not None}
        if self._take(table):
            await asyncio.to_thread(write_copy, self._copy, table)

    def _take(self, table: Table) -> bool:
        """Put a table in force; whether it is another one."""
        if table == self._table:
            return False
        self._table = table
        for refused in self._apply(table):
            event("route.refused", route=refused)
        return True

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 -- a process edge: nobody else would hear of it
                event("background.failed", work="routes", error=type(error).__name__)

    async def _listen(self) -> None:
        if self._database is not None:
            async with contextlib.aclosing(self._database.listen(CHANNEL)) as heard:
                async for _ in heard:
                    self._wake.set()


def read_copy(path: Path) -> Table:
    """The table this machine last saw; empty when it saw none or the file is not readable."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(COPY_BYTES_MAX), type=Table)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def write_copy(path: Path, table: Table) -> None:
    """Replace the copy in one step. A disk that refuses is told as an event: the table in force is none the worse."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        draft.write_bytes(msgspec.json.encode(table))
        draft.replace(path)
    except OSError as error:
        event("route.copy_not_written", error=type(error).__name__)
