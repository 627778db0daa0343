"""Files for readers who take their time: nobody else waits for them, and nobody holds a place for nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.ui_server.sample import House, OneGeneration, sample_bundle

from seawall.core.principal import Principal
from seawall.query import row_pages
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.service import QueryService
from seawall.ui import api, replies
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site

ROWS = 20_000
CSV = "/shop/api/panels/rows?format=csv"


class Stalled:
    """A reader that takes two messages, the head and a first piece, and then nothing until told."""

    def __init__(self, house: House, path: str, user: str) -> None:
        self.house = house
        self.path, _, query = path.partition("?")
        headers = [(b"authorization", f"Bearer {house.token('boss', user=user)}".encode())]
        self.scope = {"type": "http", "method": "GET", "path": self.path, "query_string": query.encode(), "headers": headers}
        self.go_on = asyncio.Event()
        self.stalled = asyncio.Event()
        self.sent: list[dict[str, object]] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.house.app(self.scope | {"root_path": "", "scheme": "http"}, self._receive, self._send)  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, object]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, object]) -> None:
        self.sent.append(message)
        if len(self.sent) > 2 and not self.go_on.is_set():
            self.stalled.set()
            await self.go_on.wait()


class Warehouse(House):
    """A house over a real engine and a large table, where more than one user may ask."""

    def __init__(self, folder: Path) -> None:
        generations = OneGeneration()
        names = ["transactions", "secrets"]
        self.duckdb = DuckDBEngine(lambda _: {name: [folder / f"{name}.parquet"] for name in names}, directory=folder, concurrency_max=1)
        bundle = sample_bundle()
        questions = QueryService(bundle, {"warehouse": self.duckdb}, generations)
        super().__init__(sites={"shop": Site(bundle, questions, lambda: generations.current("shop"), RightsOf(bundle.app))})

    def token(self, *roles: str, user: str = "ann", **attributes: object) -> str:
        return self.tokens.mint(Principal(user, roles=roles), 300)

    @property
    def free(self) -> int:
        """Queries that may start now, of one."""
        return self.duckdb._slots.free


@pytest.fixture
async def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Warehouse]:
    monkeypatch.setattr(row_pages, "SORTED_CHUNK_ROWS", 6_000)
    columns = {"id": list(range(ROWS)), "department": [f"D{n}" for n in range(ROWS)], "amount": [n / 2 for n in range(ROWS)]}
    pq.write_table(
        pa.table({**columns, "store": ["S1"] * ROWS, "sold_at": pa.array([date(2017, 1, 1)] * ROWS)}), tmp_path / "transactions.parquet"
    )
    pq.write_table(pa.table({"id": [1]}), tmp_path / "secrets.parquet")
    made = Warehouse(tmp_path)
    yield made
    await made.ladder.close()
    await made.duckdb.close()


@pytest.mark.parametrize("panel", ["rows", "sales"])
async def test_a_reader_that_stalls_holds_no_query(warehouse: Warehouse, panel: str) -> None:
    """Others are answered by the only slot there is; when it goes on it gets every row, once."""
    slow = Stalled(warehouse, f"/shop/api/panels/{panel}?format=csv", "eve")
    await slow.stalled.wait()
    assert warehouse.free == 1
    async with warehouse.client("boss") as client:
        assert (await client.get("/shop/api/panels/units?format=json")).status_code == 200
    slow.go_on.set()
    await slow.task
    lines = b"".join(message.get("body", b"") for message in slow.sent).decode().splitlines()  # type: ignore[misc]
    assert len(lines) == len(set(lines)) == ROWS + 1


async def test_files_are_few_for_each_and_for_all(warehouse: Warehouse) -> None:
    """One for each user, two for all; who comes too early is told when to come again, and gets it then."""
    eve, bob = (Stalled(warehouse, CSV, user) for user in ("eve", "bob"))
    await eve.stalled.wait()
    again = Stalled(warehouse, CSV, "eve")
    await again.task
    await bob.stalled.wait()
    async with warehouse.client("boss") as client:
        third = await client.get(CSV)
        assert (third.status_code, third.headers["content-type"], third.headers["retry-after"]) == (429, "application/problem+json", "10")
        assert again.sent[0]["status"] == 429
        for one in (eve, bob):
            one.go_on.set()
            await one.task
        assert (await client.get(CSV)).text.count("\n") == ROWS + 1


async def test_a_reader_that_takes_nothing_is_cut_off(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, without its last chunk; its place is free again."""
    monkeypatch.setattr(replies, "WRITE_SECONDS_MAX", 0.1)
    slow = Stalled(warehouse, CSV, "eve")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(slow.task), 5)
    assert slow.task.done()
    assert slow.sent[-1]["more_body"] is True
    async with warehouse.client("boss") as client:
        assert (await client.get(CSV)).status_code == 200


async def test_head_of_a_file_asks_nothing(warehouse: Warehouse) -> None:
    """Type and name are known without a query, and no slot is lost however often."""
    async with warehouse.client("boss") as client:
        for _ in range(3):
            answer = await client.head(CSV)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
        assert "content-length" not in answer.headers
    assert (warehouse.free, len(warehouse.duckdb._opening)) == (1, 0)


async def test_what_is_held_for_a_reader_is_bounded(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of a metric panel that is too large is refused in words."""
    monkeypatch.setattr(api, "HELD_BYTES_MAX", 10_000)
    async with warehouse.client("boss") as client:
        answer = await client.get("/shop/api/panels/sales?format=csv")
    assert (answer.status_code, warehouse.free) == (400, 1)
    assert "too large" in answer.json()["detail"]


async def test_a_slow_but_steady_reader_is_cut_off_at_last(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has its time; it is not more for those who take a piece now and then."""
    monkeypatch.setattr(api, "EXPORT_SECONDS_MAX", 0.3)
    slow = Stalled(warehouse, CSV, "eve")
    stalled = asyncio.create_task(slow.stalled.wait())
    await asyncio.wait({stalled, slow.task}, return_when=asyncio.FIRST_COMPLETED)  # on a busy machine it may not come so far
    await asyncio.sleep(0.35)
    slow.go_on.set()
    stalled.cancel()
    with pytest.raises(Exception, match="time allowed"):
        await slow.task
