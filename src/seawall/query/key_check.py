"""Are the keys that joins rely on unique in the data?

A many-to-one join multiplies nothing as long as the "one" side really is one row. The app declares it; only the data can show
it. `QueryService.duplicate_keys` asks this of every relationship and primary key, for checks of an app against its data.
"""

from __future__ import annotations

import msgspec
from sqlglot import exp

from seawall.app.model import App
from seawall.query.compile_names import Vocabulary
from seawall.query.policy import unrestricted
from seawall.query.port import Compiled
from seawall.query.sql_conditions import all_of
from seawall.query.sql_guard import vouch
from seawall.query.sql_scan import Scans, key_name
from seawall.query.sql_types import Binder, aliased, identifier, quoted


class Key(msgspec.Struct, frozen=True, order=True):
    """Columns of a dataset's table that ought to be unique together."""

    dataset: str
    columns: tuple[str, ...]


class DuplicateKey(msgspec.Struct, frozen=True):
    """A key of which the data has some value more than once."""

    key: Key
    values: int
    """How many values stand in more than one row."""


def keys_of(app: App) -> tuple[Key, ...]:
    """Every key that joins or pages rely on, each once."""
    targets = {Key(step.to, step.to_columns) for step in app.semantics.relationships}
    primary = {Key(name, dataset.primary_key) for name, dataset in app.semantics.datasets.items() if dataset.primary_key}
    return tuple(sorted(targets | primary))


def compile_key_check(app: App, key: Key, dialect: str) -> Compiled:
    """How many values of the key stand in more than one row. Rows with a NULL in the key join with nothing and do not count."""
    binder = Binder()
    scans = Scans(Vocabulary(app, unrestricted(app)), binder, dialect, None)
    scan = scans.scan(key.dataset, (), key.columns, key.dataset)
    columns = [quoted(key_name(column), key.dataset) for column in key.columns]
    present: list[exp.Expr] = [exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null())) for column in columns]
    several = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
    repeated = exp.Select(
        expressions=[aliased(exp.Literal.number(1), "one")],
        from_=exp.From(this=scan),
        where=exp.Where(this=all_of(present)),
        group=exp.Group(expressions=columns),
        having=exp.Having(this=several),
    )
    rows = exp.Subquery(this=repeated, alias=exp.TableAlias(this=identifier("repeated")))
    tree = exp.Select(expressions=[aliased(exp.Count(this=exp.Star(), big_int=True), "count")], from_=exp.From(this=rows))
    vouch(tree, app.semantics)
    engine = app.semantics.datasets[key.dataset].engine
    return Compiled(tree.sql(dialect=dialect), tuple(binder.values), (), engine, (key.dataset,))
