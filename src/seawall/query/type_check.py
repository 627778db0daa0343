"""Whether columns are of the types an app declares, as the database sees them before any cast of ours.

Compiled queries cast what they show, so a Decimal declared as Integer would be rounded without a word. Types are compared by
family: whole numbers, numbers, texts, truth values, days and moments, times of day.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from sqlglot import exp

from seawall.app.model import App, DataType, MetricQuery
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import build
from seawall.query.policy import unrestricted
from seawall.query.port import Compiled
from seawall.query.sql_guard import vouch
from seawall.query.sql_scan import Scans
from seawall.query.sql_types import Binder

_ALIAS = "stored"


def compile_stored(app: App, dataset: str, dialect: str) -> Compiled:
    """Every field of a dataset as its table has it."""
    binder = Binder()
    scans = Scans(Vocabulary(app, unrestricted(app)), binder, dialect, None)
    tree = exp.Select(expressions=[exp.Star()], from_=exp.From(this=scans.as_stored(dataset, _ALIAS)))
    return _compiled(app, tree, binder, dialect, dataset)


def compile_measured(app: App, metric: str, dialect: str) -> Compiled:
    """A metric as its expression gives it."""
    tree, statement = build(app, MetricQuery((metric,)), unrestricted(app), dialect=dialect, as_of=None)
    tree.set("expressions", [_uncast(shown) for shown in tree.expressions])
    return _compiled(app, tree, statement.scans.binder, dialect, min(statement.scans.datasets))


def fits(declared: DataType, stored: pa.DataType, *, loose: bool = False) -> bool:
    """Whether what is stored is of the declared family. `loose`: any number may be declared whole."""
    if declared == "Integer" and loose:
        return _is_number(stored)
    return _FAMILIES[declared](stored)


def declarable(stored: pa.DataType) -> tuple[DataType, ...]:
    """The types such a column may be declared as, the closest first."""
    closest: tuple[DataType, ...] = ("Time",)
    if _is_number(stored):
        closest = ("Integer", "Decimal", "Float") if not pa.types.is_floating(stored) else ("Float", "Decimal")
    elif _is_moment(stored):
        closest = ("Date",) if pa.types.is_date(stored) else ("DateTimeTz",) if "tz=" in str(stored) else ("DateTime",)
    elif _is_text(stored) or pa.types.is_boolean(stored):
        closest = ("String", "Boolean")
    return tuple(name for name in closest if fits(name, stored))


def _uncast(shown: exp.Expr) -> exp.Expr:
    if isinstance(shown, exp.Alias) and isinstance(shown.this, exp.Cast):
        shown.set("this", shown.this.this)
    return shown


def _compiled(app: App, tree: exp.Select, binder: Binder, dialect: str, dataset: str) -> Compiled:
    vouch(tree, app.semantics)
    return Compiled(tree.sql(dialect=dialect), tuple(binder.values), (), app.semantics.datasets[dataset].engine, (dataset,))


def _is_text(stored: pa.DataType) -> bool:
    values = stored.value_type if pa.types.is_dictionary(stored) else stored
    return pa.types.is_string(values) or pa.types.is_large_string(values) or pa.types.is_string_view(values)


def _is_whole(stored: pa.DataType) -> bool:
    return pa.types.is_integer(stored) or (pa.types.is_decimal(stored) and stored.scale == 0)


def _is_number(stored: pa.DataType) -> bool:
    return pa.types.is_integer(stored) or pa.types.is_floating(stored) or pa.types.is_decimal(stored)


def _is_moment(stored: pa.DataType) -> bool:
    return pa.types.is_date(stored) or pa.types.is_timestamp(stored)


_FAMILIES: dict[DataType, Callable[[pa.DataType], bool]] = {
    "String": _is_text,
    "Integer": _is_whole,
    "Decimal": _is_number,
    "Float": _is_number,
    "Boolean": pa.types.is_boolean,
    "Date": _is_moment,
    "Time": pa.types.is_time,
    "DateTime": _is_moment,
    "DateTimeTz": _is_moment,
    "Opaque": lambda _: True,
}
