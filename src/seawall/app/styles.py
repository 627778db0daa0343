"""Which styles of formats suit which values, and which details suit which style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seawall.app.chart_columns import Kind
from seawall.app.faults import Report
from seawall.app.model import DATED, DataType
from seawall.app.yaml_tree import Node

HOLDS: dict[Kind, str] = {"number": "a quantity", "time": "times", "category": "names"}
_AMOUNTS = ("number", "integer", "percent", "currency")
_STYLES: dict[Kind, tuple[str, ...]] = {"number": (*_AMOUNTS, "text"), "time": ("date", "week", "month", "datetime", "text")}


class Wrong(NamedTuple):
    """What is wrong with a format, and where."""

    at: Node
    detail: str
    expected: str
    got: str
    fix: str


def wrong_formats(shape: Node | None, kind: Kind, *, default: str = "number") -> Iterator[Wrong]:
    """What a format says that means nothing for values of a kind. `default` is the style when it names none."""
    if shape is None or shape.value is None:
        return
    style = shape.text() or shape.word("style") or default
    fitting = _STYLES.get(kind, ())
    if style not in fitting:
        expected = "one of " + ", ".join(f"`{each}`" for each in fitting) if fitting else "no format: names are shown as they are"
        yield Wrong(shape, f"The column holds {HOLDS[kind]}", expected, style, "Choose such a style" if fitting else "Remove it")
        return
    yield from _wrong_details(shape, style)


def _wrong_details(shape: Node, style: str) -> Iterator[Wrong]:
    """Details that the style has no use for, and one that it cannot do without."""
    useless = {"currency"} if style != "currency" else {"unit"}
    useless |= {"unit"} if style == "percent" else set()
    useless |= {"unit", "decimals", "compact"} if style not in _AMOUNTS else set()
    for key, child in shape.entries().items():
        if key in useless:
            yield Wrong(child, f"`{key}` means nothing for the style `{style}`", "", key, "Remove it")
    if style == "currency" and shape.get("currency") is None:
        fix = "Write `{style: currency, currency: EUR}`"
        yield Wrong(shape, "A currency has no sign by itself", "`currency`, an ISO 4217 code", "", fix)


def check_declared(shape: Node | None, datatype: DataType, name: str, report: Report) -> None:
    """Report what the format of a field or metric says that its values have no use for."""
    kind: Kind | None = "number" if datatype in ("Integer", "Decimal", "Float") else "time" if datatype in DATED else None
    if kind is None:
        return
    for wrong in wrong_formats(shape, kind, default="number" if kind == "number" else "date"):
        detail = f"The format of `{name}` does not suit {datatype}: {wrong.detail}"
        report.add(wrong.at, "bad_extension", detail, expected=wrong.expected, got=wrong.got, fix=wrong.fix)
