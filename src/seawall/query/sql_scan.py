"""Base scans, each inside the wrapper that its policy makes. No other module of this package names a table.

A wrapper is a sub-select of one table that shows fields under their names and join keys as `column#key`, keeps only rows for
which every predicate holds, and gives a masked field as a typed NULL; so whatever stands around it (joins, filters, sorts,
aggregates) cannot know of anything else. A predicate on another dataset becomes an EXISTS over wrapped scans of the
many-to-one path to it. There the policy reads with its author's rights: masks do not apply and the dataset may be absent
for the principal, but its row predicates hold as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from sqlglot import exp

from seawall.app.model import Dataset, DataType, Field, Filter
from seawall.app.names import operational_schema
from seawall.query.compile_names import Vocabulary
from seawall.query.errors import InvalidQuery
from seawall.query.sql_conditions import all_of, condition
from seawall.query.sql_expressions import portable
from seawall.query.sql_paths import path_between
from seawall.query.sql_tree import tree_of
from seawall.query.sql_types import Binder, aliased, cast, identifier, quoted, typed_null

BASE = "base"
_SOURCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CAST: frozenset[DataType] = frozenset({"Date", "DateTime", "DateTimeTz", "Time", "Opaque"})
"""Types that tables store in several ways; numbers and texts compare as they are."""


def key_name(column: str) -> str:
    """The name under which a wrapper shows a join key."""
    return f"{column}#key"


class Scans:
    """Makes the wrapped scans of one query and remembers what they read."""

    def __init__(self, vocabulary: Vocabulary, binder: Binder, dialect: str, as_of: date | None) -> None:
        self.vocabulary = vocabulary
        self.binder = binder
        self.dialect = dialect
        self.as_of = as_of
        self.datasets: set[str] = set()

    def scan(self, dataset: str, fields: Iterable[str], keys: Iterable[str], alias: str) -> exp.Subquery:
        """The wrapped table of a dataset the principal may read."""
        found = self.vocabulary.dataset(dataset)
        shown = [aliased(self._visible(found.fields[name]), name) for name in sorted(fields)]
        return self._wrapped(found, shown, keys, alias, ())

    def as_stored(self, dataset: str, alias: str) -> exp.Subquery:
        """Every field of a dataset with the type its table gives it, without the casts to declared types."""
        found = self.vocabulary.dataset(dataset)
        shown = [aliased(self._expression(field), name) for name, field in found.fields.items()]
        return self._wrapped(found, shown, (), alias, ())

    def _visible(self, field: Field) -> exp.Expr:
        return typed_null(field.datatype) if self.vocabulary.is_masked(field) else self._value(field)

    def _value(self, field: Field) -> exp.Expr:
        """The field's expression; where tables vary, cast to the declared type."""
        tree = self._expression(field)
        return cast(tree, field.datatype) if field.datatype in _CAST else tree

    def _expression(self, field: Field) -> exp.Expr:
        """The field's expression over the base table's columns."""
        tree = portable(tree_of(field.expression), self.dialect)
        return tree.transform(lambda node: quoted(node.name, BASE) if isinstance(node, exp.Column) else node)

    def _wrapped(self, dataset: Dataset, shown: list[exp.Alias], keys: Iterable[str], alias: str, within: tuple[str, ...]) -> exp.Subquery:
        if not _SOURCE.fullmatch(dataset.source):
            raise InvalidQuery(f"The source of {dataset.name} is not a table's name", expected="letters, digits and underscores")
        if dataset.name in within:
            raise InvalidQuery("Row policies refer to each other in a circle", got=" → ".join((*within, dataset.name)))
        self.datasets.add(dataset.name)
        columns = [*shown, *(aliased(quoted(key, BASE), key_name(key)) for key in sorted(keys))]
        table = exp.Table(this=identifier(dataset.source), db=self._schema(dataset), alias=exp.TableAlias(this=identifier(BASE)))
        select = exp.Select(expressions=columns or [exp.Literal.number(1)], from_=exp.From(this=table))
        conditions = self._predicates(dataset, (*within, dataset.name))
        if conditions:
            select.set("where", exp.Where(this=all_of(conditions)))
        select.meta["wraps"] = dataset.name
        return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(alias)))

    def _schema(self, dataset: Dataset) -> exp.Identifier | None:
        """Operational tables are named with their app's schema; a generation's tables have none."""
        return identifier(operational_schema(self.vocabulary.app)) if dataset.engine == "operational" else None

    def _predicates(self, dataset: Dataset, within: tuple[str, ...]) -> list[exp.Expr]:
        access = self.vocabulary.policy.datasets.get(dataset.name)
        return [self._predicate(dataset, wanted, within) for wanted in access.predicates] if access else []

    def _predicate(self, dataset: Dataset, wanted: Filter, within: tuple[str, ...]) -> exp.Expr:
        field = self.vocabulary.semantics.field(wanted.field)
        if field.dataset == dataset.name:
            return condition(self._value(field), field, wanted, self.binder, self.as_of)
        return exp.Exists(this=self._reached(dataset, field, wanted, within))

    def _reached(self, dataset: Dataset, field: Field, wanted: Filter, within: tuple[str, ...]) -> exp.Select:
        """`SELECT 1 FROM …` along the path to `field`, tied to the base row, where the predicate holds."""
        path = path_between(self.vocabulary.semantics, dataset.name, field.dataset)
        select = exp.Select(expressions=[exp.Literal.number(1)])
        conditions: list[exp.Expr] = []
        for place, step in enumerate(path):
            last = place == len(path) - 1
            target = self.vocabulary.semantics.datasets[step.to]
            keys = {*step.to_columns, *(() if last else path[place + 1].from_columns)}
            shown = [aliased(self._value(field), field.name)] if last else []
            scan = self._wrapped(target, shown, keys, f"via_{place}", within)
            before = [quoted(name, BASE) if place == 0 else quoted(key_name(name), f"via_{place - 1}") for name in step.from_columns]
            after = [quoted(key_name(name), f"via_{place}") for name in step.to_columns]
            ties: list[exp.Expr] = [exp.EQ(this=left, expression=right) for left, right in zip(before, after, strict=True)]
            if place == 0:
                select.set("from_", exp.From(this=scan))
                conditions += ties
            else:
                select.append("joins", exp.Join(this=scan, kind="INNER", on=all_of(ties)))
        conditions.append(condition(quoted(field.name, f"via_{len(path) - 1}"), field, wanted, self.binder, self.as_of))
        select.set("where", exp.Where(this=all_of(conditions)))
        return select
