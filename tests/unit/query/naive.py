"""A second implementation of the semantics, as plainly as Python allows: loops over rows, no SQL. The oracle of the properties.

It knows the metrics of `star.py` by hand and shares no code with the compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from seawall.app.model import Dimension, Filter, MetricQuery
from seawall.query.policy import EffectivePolicy

Row = dict[str, object]
Data = dict[str, list[Row]]
Facts = dict[str, list[Row]]

LINKS = {"sales": {"products": "product_id", "stores": "store_id"}, "returns": {"products": "product_id", "stores": "store_id"}}
TIMES = {"sales": "sold_at", "returns": "returned_on"}


def total(rows: list[Row], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) if values else None  # type: ignore[arg-type]


def count(rows: list[Row], name: str) -> int:
    return sum(1 for row in rows if row[name] is not None)


def ratio(over: float | None, under: float | None) -> float | None:
    return None if over is None or not under else over / under


def basket_value(facts: Facts) -> float | None:
    baskets = {row["sales.basket_id"] for row in facts["sales"]} - {None}
    return ratio(total(facts["sales"], "sales.amount"), len(baskets))


def net(facts: Facts) -> float | None:
    revenue = total(facts["sales"], "sales.amount")
    return None if revenue is None else revenue - (total(facts["returns"], "returns.refund") or 0)


def large_share(facts: Facts) -> float | None:
    large = [row for row in facts["sales"] if row["sales.amount"] is not None and row["sales.amount"] > 10]  # type: ignore[operator]
    return ratio(total(large, "sales.amount"), total(facts["sales"], "sales.amount"))


METRICS: dict[str, tuple[tuple[str, ...], Callable[[Facts], float | None]]] = {
    "revenue": (("sales",), lambda f: total(f["sales"], "sales.amount")),
    "units": (("sales",), lambda f: total(f["sales"], "sales.units")),
    "sales_count": (("sales",), lambda f: count(f["sales"], "sales.sale_id")),
    "baskets": (("sales",), lambda f: len({row["sales.basket_id"] for row in f["sales"]} - {None})),
    "basket_value": (("sales",), basket_value),
    "refunds": (("returns",), lambda f: total(f["returns"], "returns.refund")),
    "return_count": (("returns",), lambda f: count(f["returns"], "returns.return_id")),
    "net": (("sales", "returns"), net),
    "return_rate": (("returns", "sales"), lambda f: ratio(count(f["returns"], "returns.return_id"), count(f["sales"], "sales.sale_id"))),
    "large_share": (("sales",), large_share),
    "grocery_revenue": (
        ("sales",),
        lambda f: total([row for row in f["sales"] if row["products.department"] == "GROCERY"], "sales.amount"),
    ),
}


def answer(data: Data, policy: EffectivePolicy, query: MetricQuery, as_of: date) -> list[tuple[object, ...]]:
    """The rows of the answer, in no particular order. Understands what the properties generate, no more."""
    facts = sorted({fact for name in query.metrics for fact in METRICS[name][0]})
    groups: dict[tuple[object, ...], Facts] = {}
    if not query.by:
        groups[()] = {fact: [] for fact in facts}
    for fact in facts:
        for row in seen(data, policy, fact):
            wide = widened(data, policy, fact, row)
            if all(holds(wide, fact, wanted, as_of) for wanted in query.where) and recent(wide, fact, query, as_of):
                key = tuple(dimension_value(wide, fact, dimension) for dimension in query.by)
                groups.setdefault(key, {name: [] for name in facts})[fact].append(wide)
    return [(*key, *(METRICS[name][1](group) for name in query.metrics)) for key, group in groups.items()]


def seen(data: Data, policy: EffectivePolicy, dataset: str) -> list[Row]:
    """The rows of a dataset that its predicates leave."""

    predicates = policy.datasets[dataset].predicates
    return [row for row in data[dataset] if all(permitted(data, policy, dataset, row, wanted) for wanted in predicates)]


def permitted(data: Data, policy: EffectivePolicy, dataset: str, row: Row, wanted: Filter) -> bool:
    target, _, name = wanted.field.partition(".")
    if target == dataset:
        return compare(row[name], wanted)
    others = [other for other in seen(data, policy, target) if other[LINKS[dataset][target]] == row[LINKS[dataset][target]] is not None]
    return any(compare(other[name], wanted) for other in others)


def widened(data: Data, policy: EffectivePolicy, fact: str, row: Row) -> Row:
    """The fact's row with the fields of everything it leads to."""
    wide: Row = {f"{fact}.{name}": value for name, value in row.items()}
    for target, key in (*LINKS[fact].items(), ("regions", "region_id")):
        source = wide if target == "regions" else row
        wanted = source.get("stores.region_id") if target == "regions" else source[key]
        found = next((other for other in seen(data, policy, target) if wanted is not None and other[key] == wanted), None)
        for name in data["__columns__"][0][target]:  # type: ignore[index]
            wide[f"{target}.{name}"] = found[name] if found else None
    return wide


def moment(wide: Row, fact: str) -> date | None:
    value = wide[f"{fact}.{TIMES[fact]}"]
    return value.date() if isinstance(value, datetime) else value  # type: ignore[return-value]


def dimension_value(wide: Row, fact: str, dimension: Dimension) -> object:
    if dimension.grain is None:
        return wide[dimension.field]
    day = moment(wide, fact)
    return None if day is None else start_of(day, dimension.grain)


def start_of(day: date, grain: str) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def recent(wide: Row, fact: str, query: MetricQuery, as_of: date) -> bool:
    if query.last is None:
        return True
    grain = next(d.grain for d in query.by if d.grain)
    day, end = moment(wide, fact), start_of(as_of, grain or "day")
    start = end
    for _ in range(query.last):
        start = start_of(start - timedelta(days=1), grain or "day")
    return day is not None and start <= day < end


def holds(wide: Row, fact: str, wanted: Filter, as_of: date) -> bool:
    if wanted.op == "during":
        first, _, last = str(wanted.values[0]).partition("..")
        day = moment(wide, fact)
        return day is not None and date.fromisoformat(first) <= day <= date.fromisoformat(last)
    return compare(wide[wanted.field], wanted)


def compare(value: object, wanted: Filter) -> bool:
    if wanted.op in {"is_null", "not_null"}:
        return (value is None) == (wanted.op == "is_null")
    if value is None:
        return wanted.op == "in" and None in wanted.values
    first = wanted.values[0] if wanted.values else None
    tests: dict[str, Callable[[], bool]] = {
        "eq": lambda: value == first,
        "ne": lambda: value != first,
        "in": lambda: value in wanted.values,
        "not_in": lambda: value not in wanted.values,
        "lt": lambda: value < first,  # type: ignore[operator]
        "ge": lambda: value >= first,  # type: ignore[operator]
        "contains": lambda: str(first).lower() in str(value).lower(),
        "starts_with": lambda: str(value).lower().startswith(str(first).lower()),
    }
    return tests[wanted.op]()
