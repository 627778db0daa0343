"""A small app, built by hand, that the ui server's tests serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import httpx
import pyarrow as pa

from seawall.app.model import (
    App,
    Bundle,
    Chart,
    Dataset,
    Dimension,
    Encoding,
    Field,
    Layer,
    Metric,
    MetricQuery,
    Order,
    Outage,
    Page,
    PageFilter,
    Panel,
    Policy,
    Role,
    RowPolicy,
    RowsQuery,
    Scalar,
    Semantics,
    Text,
)
from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.query.cache import Cache
from seawall.query.cursor import Cursors
from seawall.query.generations import Generation, NoGeneration
from seawall.query.ladder import Ladder
from seawall.query.service import QueryService
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens
from seawall.ui.asgi import build
from seawall.ui.assets import default_assets
from seawall.ui.headers import HeaderSet
from seawall.ui.health import Health
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site, UiServices

ROW_SCHEMA = pa.schema({"id": pa.int64(), "department": pa.string(), "amount": pa.float64(), "sold_at": pa.date32(), "store": pa.string()})


def text(words: str, german: str = "") -> Text:
    return Text({"en": words, "de": german} if german else {"en": words})


def _field(name: str, datatype: str, **more: object) -> Field:
    return Field(dataset="transactions", name=name, expression=name, datatype=datatype, label=text(name), **more)  # type: ignore[arg-type]


def _panel(name: str, metric: str, by: str, *, outage: Outage | None = None, deadline_ms: float | None = None) -> Panel:
    return Panel(
        name=name,
        title=text(f"Panel {name}", f"Tafel {name}"),
        query=MetricQuery(metrics=(metric,), by=(Dimension(by, f"transactions.{by}"),)),
        chart=Chart((Layer("bar", {"x": (Encoding(by),), "y": (Encoding(metric),)}),)),
        filters=("department", "period") if name != "units" else (),
        on_outage=outage or Outage(),
        deadline_ms=deadline_ms,
    )


def sample_app(name: str = "shop") -> App:
    fields = {
        "id": _field("id", "Integer"),
        "department": _field("department", "String"),
        "sold_at": _field("sold_at", "Date", is_time=True),
        "amount": _field("amount", "Float"),
        "store": _field("store", "String", definition=text("Where it was sold.", "Wo es verkauft wurde.")),
    }
    transactions = Dataset("transactions", "transactions", fields, primary_key=("id",), time="sold_at")
    secrets = Dataset("secrets", "secrets", {"id": Field("secrets", "id", "id", "Integer", text("id"))}, primary_key=("id",))
    metrics = {
        "sales": Metric("sales", "SUM(transactions.amount)", "Float", text("Sales", "Umsatz")),
        "units": Metric("units", "COUNT(transactions.id)", "Integer", text("Units")),
        "hidden": Metric("hidden", "COUNT(secrets.id)", "Integer", text("Hidden")),
    }
    rows = Panel(
        name="rows",
        title=text("Rows"),
        query=RowsQuery("transactions", ("id", "department", "amount"), (Order("id"),), limit=3, count="estimate"),
        chart=Chart((Layer("table"),)),
        filters=("department",),
    )
    secret = Panel("secret", text("Secret"), MetricQuery(("hidden",)), Chart((Layer("number"),)))
    department = PageFilter("department", "transactions.department", text("Department"), "multiselect")
    period = PageFilter("period", "", text("Period"), "period")
    demand = Page(
        "demand",
        text("Demand", "Nachfrage"),
        {"sales": _panel("sales", "sales", "department"), "units": _panel("units", "units", "store"), "secret": secret},
        (("sales", "units"), ("secret",)),
        {"department": department, "period": period},
    )
    listing = Page("listing", text("Listing"), {"rows": rows}, (("rows",),), {"department": department})
    return App(
        name=name,
        title=text("Shop"),
        semantics=Semantics({"transactions": transactions, "secrets": secrets}, (), metrics),
        roles={"viewer": Role("viewer"), "boss": Role("boss", ("viewer",))},
        policies={
            "transactions": Policy("transactions", rows=(RowPolicy("transactions.store", "in", "user.stores", unless=("boss",)),)),
            "secrets": Policy("secrets", roles=("boss",)),
        },
        pages={"demand": demand, "listing": listing},
        locales=("en", "de"),
    )


def sample_bundle(name: str = "shop") -> Bundle:
    return Bundle(sample_app(name), "ab" * 32)


class FakeEngine:
    """An engine that answers from a table of functions, slowly or not at all when told to."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, object]]] = {
            "sales": [{"department": "GROCERY", "sales": 12.5}, {"department": "<script>alert(1)</script>", "sales": 3.0}],
            "units": [{"store": "S1", "units": 4}, {"store": "=cmd()", "units": 5}],
            "hidden": [{"hidden": 7}],
            "value": [{"value": "DRUG GM"}, {"value": "GROCERY"}],
            "count": [{"count": 5}],
            "day": [{"day": date(2017, 1, 1)}, {"day": date(2017, 1, 2)}],
        }
        self.delay_seconds: dict[str, float] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.faults: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.parameters: list[tuple[object, ...]] = []
        self.batches = 2
        self.on_batch: Callable[[int], Awaitable[None]] | None = None

    async def stream(
        self, sql: str, parameters: Sequence[Scalar], *, watermark: str, deadline: Deadline, batch_rows: int = 1024
    ) -> AsyncIterator[pa.RecordBatch]:
        name = next(
            word
            for word in ("hidden", "sales", "units", "value", "count", "day", "id")
            if f'"{word}"' in sql.rpartition("WITH")[2] or word == "id"
        )
        self.calls.append(name)
        self.parameters.append(tuple(parameters))
        await asyncio.sleep(self.delay_seconds.get(name, 0))
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.faults:
            raise self.faults[name]
        if name != "id":
            yield pa.RecordBatch.from_pylist(self.rows[name])
            return
        if not self.batches:
            yield pa.RecordBatch.from_pylist([], ROW_SCHEMA)
        for start in range(0, 2 * self.batches, 2):
            if self.on_batch is not None:
                await self.on_batch(start)
            told = [
                {"id": n, "department": f"D<{n}>", "amount": n / 2, "sold_at": date(2017, 1, 1), "store": None}
                for n in range(start, start + 2)
            ]
            yield pa.RecordBatch.from_pylist(told, ROW_SCHEMA)

    async def dry_run(self, sql: str, parameters: Sequence[Scalar], *, watermark: str) -> pa.Schema:
        raise NotImplementedError

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        pass


class OneGeneration:
    """A warehouse with one generation, which a test may replace."""

    def __init__(self) -> None:
        self.generation: Generation | None = Generation("g1", "shop", 0.0, date(2018, 1, 1), {})

    def current(self, app: str) -> Generation:
        if self.generation is None:
            raise NoGeneration
        return self.generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        return {}


class House:
    """A ui server over twins, and a client that asks it as somebody."""

    def __init__(self, lane: Literal["read", "write"] = "read", **more: object) -> None:
        self.engine = FakeEngine()
        self.generations = OneGeneration()
        self.cache = Cache()
        self.usage = Uses()
        self.tokens = Tokens(generate())
        self.ladder = Ladder(self.cache, None, limit_seconds=20.0)
        bundle = sample_bundle()
        questions = QueryService(bundle, {"warehouse": self.engine}, self.generations)
        site = Site(bundle, questions, lambda: self.generations.current("shop"), RightsOf(bundle.app))
        wired: dict[str, object] = {
            "sites": {"shop": site},
            "ladder": self.ladder,
            "tokens": self.tokens,
            "cursors": Cursors(b"k" * 32),
            "headers": HeaderSet(secure=False, style=default_assets().inline("seawall.css").source),
            "assets": default_assets(),
            "health": Health(()),
            "usage": self.usage,
        }
        self.app = build(UiServices(**(wired | more)), lane)  # type: ignore[arg-type]

    def token(self, *roles: str, **attributes: object) -> str:
        return self.tokens.mint(Principal("ann", roles=roles or ("viewer",), attributes=attributes or {"stores": ("S1",)}), 300)  # type: ignore[arg-type]

    def client(self, *roles: str, headers: Mapping[str, str] | None = None, **attributes: object) -> httpx.AsyncClient:
        sent = {"authorization": f"Bearer {self.token(*roles, **attributes)}", "accept": "text/html", **(headers or {})}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost:8420", headers=sent)


class Uses:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.recorded: list[tuple[object, ...]] = []

    def record(self, *use: object) -> None:
        self.recorded.append(use)
