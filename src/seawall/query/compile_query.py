"""From a semantic query and a policy to one statement in an engine's dialect. Pure: values in, text and parameters out.

What it guarantees: every base scan stands inside its policy's wrapper; values are bound, never text; identifiers are quoted;
no join multiplies rows; an answer that is limited is ordered to the last tie; what the principal may not see is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlglot import exp

from seawall.app.model import App, Field, Format, MetricQuery, Query, RowsQuery, Scalar
from seawall.app.model import Text as Words
from seawall.query.compile_metrics import NOT_KNOWN, MetricsStatement
from seawall.query.compile_names import datasets_of
from seawall.query.compile_rows import RowsStatement
from seawall.query.errors import InvalidQuery
from seawall.query.policy import EffectivePolicy, unrestricted
from seawall.query.port import Column, Compiled
from seawall.query.sql_guard import vouch
from seawall.query.sql_scan import Scans


def compile_query(
    app: App,
    query: Query,
    policy: EffectivePolicy,
    *,
    dialect: str,
    as_of: date | None,
    after: Sequence[Scalar] | None = None,
    sizes: Mapping[str, int] = NOT_KNOWN,
) -> Compiled:
    """The statement for `query`. NotFound for names that are not there or not visible, InvalidQuery for what cannot be asked.

    `sizes`: table → how many rows it has, as far as that is known; it decides how the answer is made, never what it is.
    """
    tree, statement = build(app, query, policy, dialect=dialect, as_of=as_of, after=after, sizes=sizes)
    return _compiled(app, tree, statement.scans, statement.columns(), dialect)


def compile_count(app: App, query: RowsQuery, policy: EffectivePolicy, *, dialect: str, as_of: date | None) -> Compiled:
    """The statement that counts the rows of all pages, in one column `count`."""
    statement = RowsStatement(app, query, policy, dialect=dialect, as_of=as_of)
    column = Column("count", "Integer", Words({"en": "Rows", "de": "Zeilen"}), Format(style="integer"), "metric")
    return _compiled(app, statement.build_count(), statement.scans, (column,), dialect)


def compile_extent(app: App, query: RowsQuery, field: Field, *, dialect: str) -> Compiled:
    """The statement for the first and last value of a field over all rows, whoever asks: for planning, never to be shown."""
    statement = RowsStatement(app, query, unrestricted(app), dialect=dialect, as_of=None)
    return _compiled(app, statement.build_extent(field), statement.scans, (), dialect)


def build(
    app: App,
    query: Query,
    policy: EffectivePolicy,
    *,
    dialect: str,
    as_of: date | None,
    after: Sequence[Scalar] | None = None,
    sizes: Mapping[str, int] = NOT_KNOWN,
) -> tuple[exp.Select, MetricsStatement | RowsStatement]:
    """The final syntax tree, and the statement that made it."""
    if isinstance(query, RowsQuery):
        rows = RowsStatement(app, query, policy, dialect=dialect, as_of=as_of)
        return rows.build(after), rows
    if after is not None:
        raise InvalidQuery("Only row queries have pages")
    metrics = MetricsStatement(app, query, policy, dialect=dialect, as_of=as_of, sizes=sizes)
    return metrics.build(), metrics


def engine_of(app: App, query: Query) -> str:
    """Which engine answers: "warehouse" unless the query's first dataset is operational. Says nothing of visibility."""
    names = [query.dataset] if isinstance(query, RowsQuery) else _datasets_named(app, query)
    datasets = app.semantics.datasets
    return next((datasets[name].engine for name in names if name in datasets), "warehouse")


def _datasets_named(app: App, query: MetricQuery) -> list[str]:
    metrics = [app.semantics.metrics[name] for name in query.metrics if name in app.semantics.metrics]
    named = [dataset for metric in metrics for dataset in sorted(datasets_of(metric))]
    return named + [dimension.field.partition(".")[0] for dimension in query.by if dimension.field]


def _compiled(app: App, tree: exp.Select, scans: Scans, columns: tuple[Column, ...], dialect: str) -> Compiled:
    engines = {app.semantics.datasets[name].engine for name in scans.datasets}
    if len(engines) != 1:
        raise InvalidQuery(
            "One query reads one engine",
            expected="datasets that are all warehouse or all operational",
            got=", ".join(sorted(scans.datasets)),
        )
    vouch(tree, app.semantics)
    sql = tree.sql(dialect=dialect, copy=False)
    return Compiled(sql, tuple(scans.binder.values), columns, engines.pop(), tuple(sorted(scans.datasets)))
