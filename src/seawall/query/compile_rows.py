"""Raw rows of one dataset, paged by key: every row on exactly one page, whatever ties and NULLs the sort meets.

NULLs come last in both directions. The sort always ends in a unique key: when the declared one is not unique the primary
key is added behind it. The last columns of a statement, beyond those described, carry key values that are not shown.
A masked field cannot be sorted by, since the order of its values would tell of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlglot import exp

from seawall.app.model import App, Field, Order, RowsQuery, Scalar
from seawall.query.compile_metrics import LIMIT_MAX, ordered
from seawall.query.compile_names import Vocabulary
from seawall.query.errors import InvalidCursor, InvalidQuery
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Column
from seawall.query.sql_conditions import all_of, any_of, condition
from seawall.query.sql_joins import FactSource
from seawall.query.sql_scan import Scans
from seawall.query.sql_tree import tree_of
from seawall.query.sql_types import Binder, aliased, cast

HIDDEN = "#key"
"""The prefix of key columns that are fetched but not shown. No name of an app can begin with it."""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One term of the sort and the output column that carries its value."""

    field: Field
    descending: bool
    output: str


class RowsStatement:
    """Builds the tree for one RowsQuery."""

    def __init__(self, app: App, query: RowsQuery, policy: EffectivePolicy, *, dialect: str, as_of: date | None) -> None:
        self.query = query
        self.binder = Binder()
        self.vocabulary = Vocabulary(app, policy)
        self.scans = Scans(self.vocabulary, self.binder, dialect, as_of)
        self.as_of = as_of
        self.vocabulary.dataset(query.dataset)
        self.fields = {name: self.vocabulary.field(name, query.dataset) for name in query.columns}
        self._check()
        self.keys = key_parts(self.vocabulary, query)

    def build(self, after: Sequence[Scalar] | None) -> exp.Select:
        """One page: the first, or the one after the row with these key values."""
        source = FactSource(self.scans, self.query.dataset)
        shown = [aliased(cast(source.column(field), field.datatype), name) for name, field in self.fields.items()]
        terms = [self._sortable(source.column(part.field), part.field) for part in self.keys]
        shown += [aliased(term.copy(), part.output) for term, part in zip(terms, self.keys, strict=True) if part.output.startswith(HIDDEN)]
        conditions = self._conditions(source)
        if after is not None:
            conditions.append(self._after(terms, after))
        select = exp.Select(expressions=shown)
        source.attach(select)
        if conditions:
            select.set("where", exp.Where(this=all_of(conditions)))
        select.set(
            "order", exp.Order(expressions=[ordered(term.copy(), part.descending) for term, part in zip(terms, self.keys, strict=True)])
        )
        select.set("limit", exp.Limit(expression=self.binder.bind(self.query.limit, "Integer")))
        return select

    def build_count(self) -> exp.Select:
        """How many rows there are on all pages together."""
        source = FactSource(self.scans, self.query.dataset)
        select = exp.Select(expressions=[aliased(exp.Count(this=exp.Star(), big_int=True), "count")])
        conditions = self._conditions(source)
        source.attach(select)
        if conditions:
            select.set("where", exp.Where(this=all_of(conditions)))
        return select

    def build_extent(self, field: Field) -> exp.Select:
        """The smallest and the largest value of a field, and how many rows there are."""
        source = FactSource(self.scans, self.query.dataset)
        column = source.column(field)
        ends = [aliased(exp.Min(this=column), "first"), aliased(exp.Max(this=column.copy()), "last")]
        select = exp.Select(expressions=[*ends, aliased(exp.Count(this=exp.Star(), big_int=True), "rows")])
        source.attach(select)
        return select

    def columns(self) -> tuple[Column, ...]:
        """What is shown, in order."""
        return tuple(
            Column(name, field.datatype, field.label, field.format, "field", self.vocabulary.is_masked(field))
            for name, field in self.fields.items()
        )

    def _conditions(self, source: FactSource) -> list[exp.Expr]:
        made = []
        for wanted in self.query.where:
            home = self.query.dataset
            field = self.vocabulary.field(wanted.field, home) if wanted.field else self.vocabulary.time_field(home)
            made.append(condition(source.column(field), field, wanted, self.binder, self.as_of))
        return made

    def _sortable(self, column: exp.Expr, field: Field) -> exp.Expr:
        """The value sorted by: exactly what the cursor holds, with not-a-number as NULL."""
        if field.datatype == "Float":
            return exp.Nullif(this=column, expression=cast(exp.Literal.string("NaN"), "Float"))
        return cast(column, field.datatype) if field.datatype == "Decimal" else column

    def _after(self, terms: Sequence[exp.Expr], after: Sequence[Scalar]) -> exp.Expr:
        """Later in the sort: later in the first term, or equal there and later in the second, and so on."""
        if len(after) != len(self.keys):
            raise InvalidCursor(expected=f"{len(self.keys)} key values", got=str(len(after)))
        same = [partial(self._same, *each) for each in zip(terms, self.keys, after, strict=True)]
        choices = [
            all_of([*(test() for test in same[:place]), self._later(term, part, value)])
            for place, (term, part, value) in enumerate(zip(terms, self.keys, after, strict=True))
            if value is not None
        ]
        every = any_of(choices)
        return every if after[0] is None else all_of([self._not_before(terms[0], self.keys[0], after[0]), every])

    def _later(self, term: exp.Expr, part: KeyPart, value: Scalar) -> exp.Expr:
        comparison = exp.LT if part.descending else exp.GT
        beyond = comparison(this=term.copy(), expression=self.binder.bind(value, part.field.datatype))
        return any_of([beyond, exp.Is(this=term.copy(), expression=exp.Null())])

    def _same(self, term: exp.Expr, part: KeyPart, value: Scalar) -> exp.Expr:
        if value is None:
            return exp.Is(this=term.copy(), expression=exp.Null())
        return exp.EQ(this=term.copy(), expression=self.binder.bind(value, part.field.datatype))

    def _not_before(self, term: exp.Expr, part: KeyPart, value: Scalar) -> exp.Expr:
        """What `_after` implies already, in the form an index or a row group's statistics can use."""
        comparison = exp.LTE if part.descending else exp.GTE
        bound = comparison(this=term.copy(), expression=self.binder.bind(value, part.field.datatype))
        return any_of([bound, exp.Is(this=term.copy(), expression=exp.Null())])

    def _check(self) -> None:
        names = self.query.columns
        if not names or len(set(names)) < len(names):
            raise InvalidQuery(
                "The columns of a row query need names that differ", expected="at least one column, each once", got=", ".join(names)
            )
        if not 0 <= self.query.limit <= LIMIT_MAX:
            raise InvalidQuery("The limit is out of bounds", expected=f"0 to {LIMIT_MAX:,}", got=str(self.query.limit))


def key_parts(vocabulary: Vocabulary, query: RowsQuery) -> tuple[KeyPart, ...]:
    """The whole sort of a row query, unique at its end. InvalidQuery when a part is masked or nothing makes it unique."""
    orders = list(query.keyset)
    fields = [_own_field(vocabulary, query.dataset, order) for order in orders]
    if not _is_unique(vocabulary, query.dataset, fields):
        for field in _primary_fields(vocabulary, query.dataset):
            if field not in fields:
                fields.append(field)
                orders.append(Order(field.name))
    for field in fields:
        if vocabulary.is_masked(field):
            raise InvalidQuery(f"Rows cannot be sorted by {field.name}, which is hidden here", fix="Page by fields that everybody may see")
    if not fields:
        raise InvalidQuery("A row query needs a sort", fix="Give it a keyset that ends in a unique key")
    shown = {vocabulary.field(name, query.dataset).ref: name for name in query.columns}
    return tuple(
        KeyPart(field, order.descending, _output(field, shown, place))
        for place, (field, order) in enumerate(zip(fields, orders, strict=True))
    )


def _output(field: Field, shown: dict[str, str], place: int) -> str:
    """The shown column that carries the key's value exactly, else a hidden one."""
    return shown[field.ref] if field.ref in shown and field.datatype != "Float" else f"{HIDDEN}{place}"


def _own_field(vocabulary: Vocabulary, dataset: str, order: Order) -> Field:
    field = vocabulary.field(order.name, dataset)
    if field.dataset != dataset:
        raise InvalidQuery("Rows are paged by fields of their own dataset", expected=f"a field of {dataset}", got=order.name)
    return field


def _is_unique(vocabulary: Vocabulary, dataset: str, fields: Sequence[Field]) -> bool:
    found = vocabulary.semantics.datasets[dataset]
    known = {field.name for field in fields} | {column for field in fields if (column := _bare_column(field))}
    keys = [key for key in (found.primary_key, *found.unique_keys) if key]
    return not keys or any(known.issuperset(key) for key in keys)


def _primary_fields(vocabulary: Vocabulary, dataset: str) -> list[Field]:
    found = vocabulary.semantics.datasets[dataset]
    made = []
    for column in found.primary_key or found.unique_keys[0]:
        fields = [field for field in found.fields.values() if _bare_column(field) == column or field.name == column]
        if not fields:
            raise InvalidQuery(f"The sort of {dataset} is not unique", fix=f"End the keyset in its key, {', '.join(found.primary_key)}")
        fields.sort(key=lambda field: (_bare_column(field) != column, vocabulary.is_masked(field)))
        made.append(fields[0])
    return made


def _bare_column(field: Field) -> str:
    tree = tree_of(field.expression)
    return tree.name if isinstance(tree, exp.Column) else ""
