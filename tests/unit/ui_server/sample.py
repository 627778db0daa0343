"""A small app, built by hand, that the ui server's tests serve."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.app.model import (
    App,
    Bundle,
    Chart,
    Dataset,
    Dimension,
    Encoding,
    Field,
    Filter,
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
    Semantics,
    Text,
)
from seawall.core.errors import InvalidInput


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
        filters=("department",) if name != "units" else (),
        on_outage=outage or Outage(),
        deadline_ms=deadline_ms,
    )


def sample_app(name: str = "shop") -> App:
    fields = {
        "id": _field("id", "Integer"),
        "department": _field("department", "String"),
        "sold_at": _field("sold_at", "Date", is_time=True),
        "amount": _field("amount", "Float"),
        "store": _field("store", "String"),
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


def parse(app: App, page: Page, values: Mapping[str, list[str]]) -> dict[str, tuple[Filter, ...]]:
    """A stand-in for `query.filters.from_url`: `bad` has the wrong type."""
    if "bad" in {value for given in values.values() for value in given}:
        raise InvalidInput(f"The parameter {next(iter(values))!r} has the wrong type", expected="something good", got="bad")
    return {name: (Filter(page.filters[name].field, "in", tuple(given)),) for name, given in values.items()}
