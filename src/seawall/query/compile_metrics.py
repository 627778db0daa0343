"""Metrics by dimensions as one statement: a grouped sub-select per fact, then the facts side by side.

Facts are brought together by UNION ALL and a second GROUP BY rather than by an outer join: groups compare NULL with NULL as
equal on every engine, each fact has at most one row a group, and any number of facts works the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlglot import exp

from seawall.app.model import App, DataType, Dimension, Field, Filter, Format, Grain, Metric, MetricQuery, Order, Text
from seawall.query.compile_names import Vocabulary
from seawall.query.errors import InvalidQuery
from seawall.query.periods import WEEK_SHIFT_DAYS, last_complete
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Column
from seawall.query.sql_conditions import all_of, condition, span_condition
from seawall.query.sql_folds import folded, folds, unfolded
from seawall.query.sql_joins import FactSource
from seawall.query.sql_measures import Measures, over
from seawall.query.sql_paths import reaches
from seawall.query.sql_scan import Scans
from seawall.query.sql_types import Binder, aliased, cast, identifier, quoted

LIMIT_MAX = 10_000_000
NOT_KNOWN: Mapping[str, int] = {}
"""How many rows tables have, when nobody says."""
_GRAIN_LABELS: dict[Grain, Text] = {
    "hour": Text({"en": "Hour", "de": "Stunde"}),
    "day": Text({"en": "Day", "de": "Tag"}),
    "week": Text({"en": "Week", "de": "Woche"}),
    "month": Text({"en": "Month", "de": "Monat"}),
    "quarter": Text({"en": "Quarter", "de": "Quartal"}),
    "year": Text({"en": "Year", "de": "Jahr"}),
}
_GRAIN_FORMATS: dict[Grain, Format] = {
    "hour": Format(style="datetime"),
    "week": Format(style="week"),
    "month": Format(style="month"),
}


class MetricsStatement:
    """Builds the tree for one MetricQuery."""

    def __init__(
        self,
        app: App,
        query: MetricQuery,
        policy: EffectivePolicy,
        *,
        dialect: str,
        as_of: date | None,
        sizes: Mapping[str, int] = NOT_KNOWN,
    ) -> None:
        self.query = query
        self.sizes = sizes
        self.binder = Binder()
        self.vocabulary = Vocabulary(app, policy)
        self.scans = Scans(self.vocabulary, self.binder, dialect, as_of)
        self.as_of = as_of
        self.metrics: list[Metric] = [self.vocabulary.metric(name) for name in query.metrics]
        self.measures = Measures(self.vocabulary, self.metrics, dialect)
        self.facts = list(self.measures.by_fact) or [self._root()]
        self._check()

    def build(self) -> exp.Select:
        """The statement. `columns`, `binder` and `scans` describe it afterwards."""
        ctes = [self._cte(f"fact {place}", self._fact(fact)) for place, fact in enumerate(self.facts)]
        if len(self.facts) > 1:
            ctes.append(self._cte("all facts", self._side_by_side()))
        names = [exp.Table(this=identifier("all facts" if len(self.facts) > 1 else "fact 0"))]
        shown = [aliased(self._output(place, dimension), dimension.name) for place, dimension in enumerate(self.query.by)]
        shown += [aliased(cast(self.measures.value(metric), metric.datatype), metric.name) for metric in self.metrics]
        select = exp.Select(expressions=shown, from_=exp.From(this=names[0]), with_=exp.With(expressions=ctes))
        self._ordered(select)
        return select

    def columns(self) -> tuple[Column, ...]:
        """What the statement gives, in order: dimensions, then metrics."""
        dimensions = [self._dimension_column(dimension) for dimension in self.query.by]
        return (*dimensions, *(self._metric_column(metric) for metric in self.metrics))

    # ── the facts ────────────────────────────────────────────────────────────────────────────────────────────

    def _fact(self, fact: str) -> exp.Select:
        source, calls = FactSource(self.scans, fact), self.measures.by_fact.get(fact, {})
        shown = [aliased(self._grouped(source, dimension), _place(place)) for place, dimension in enumerate(self.query.by)]
        conditions = [(self._is_own(wanted, fact), self._condition(source, wanted)) for wanted in self.query.where]
        conditions += self._latest(source)
        inner = {name: over(source, call) for name, call in calls.items()}
        select = exp.Select(expressions=shown)
        if self._folds(source, calls):
            own = [each for is_own, each in conditions if is_own]
            conditions = [each for each in conditions if not each[0]]
            select.set("expressions", shown + [aliased(unfolded(call, quoted(name, fact)), name) for name, call in calls.items()])
            source.attach(select, lambda scan, keys: folded(scan, inner, keys, own))
        else:
            select.set("expressions", shown + [aliased(call, name) for name, call in inner.items()])
            source.attach(select)
        if conditions:
            select.set("where", exp.Where(this=all_of([each for _, each in conditions])))
        if self.query.by:
            select.set("group", _group(len(self.query.by)))
        return select

    def _folds(self, source: FactSource, calls: Mapping[str, exp.Expr]) -> bool:
        """Whether the fact's rows become one for each join key before they are joined; not when they are grouped by what they hold."""
        by_own = any(self._field(dimension.field, source.fact).dataset == source.fact for dimension in self.query.by)
        return not by_own and folds(self.vocabulary.semantics, source.fact, source.leads_to(), calls.values(), self.sizes)

    def _is_own(self, wanted: Filter, fact: str) -> bool:
        return self._field(wanted.field, fact).dataset == fact

    def _condition(self, source: FactSource, wanted: Filter) -> exp.Expr:
        field = self._field(wanted.field, source.fact)
        return condition(source.column(field), field, wanted, self.binder, self.as_of)

    def _latest(self, source: FactSource) -> list[tuple[bool, exp.Expr]]:
        """The condition of `last`, and whether it is on the fact itself."""
        if self.query.last is None:
            return []
        time = next(dimension for dimension in self.query.by if dimension.grain)
        field = self._field(time.field, source.fact)
        span = last_complete(self.query.last, time.grain or "day", self.as_of, field.week_starts)
        return [(field.dataset == source.fact, span_condition(source.column(field), field, span, self.binder))]

    def _grouped(self, source: FactSource, dimension: Dimension) -> exp.Expr:
        field = self._field(dimension.field, source.fact)
        column = source.column(field)
        return cut(column, field, dimension.grain) if dimension.grain else column

    def _field(self, ref: str, fact: str) -> Field:
        return self.vocabulary.field(ref) if ref else self.vocabulary.time_field(fact)

    def _side_by_side(self) -> exp.Select:
        keys = [_place(place) for place in range(len(self.query.by))]
        branches: list[exp.Query] = [self._branch(place, keys) for place in range(len(self.facts))]
        union = branches[0]
        for branch in branches[1:]:
            union = exp.Union(this=union, expression=branch, distinct=False)
        shown = [aliased(quoted(key), key) for key in keys] + [aliased(self._merged(name), name) for name in self._names()]
        rows = exp.Subquery(this=union, alias=exp.TableAlias(this=identifier("rows")))
        select = exp.Select(expressions=shown, from_=exp.From(this=rows))
        if keys:
            select.set("group", _group(len(keys)))
        return select

    def _branch(self, place: int, keys: list[str]) -> exp.Select:
        """One fact's rows, with a NULL of the right type for every other fact's aggregates."""
        shown = [aliased(quoted(key), key) for key in keys]
        for other, fact in enumerate(self.facts):
            names = self.measures.by_fact[fact]
            shown += [aliased(quoted(name) if other == place else _null_like(name, f"fact {other}"), name) for name in names]
        return exp.Select(expressions=shown, from_=exp.From(this=exp.Table(this=identifier(f"fact {place}"))))

    def _merged(self, name: str) -> exp.Expr:
        merged = exp.Max(this=quoted(name))
        return exp.Coalesce(this=merged, expressions=[exp.Literal.number(0)]) if self.measures.counts(name) else merged

    def _names(self) -> list[str]:
        return [name for aggregates in self.measures.by_fact.values() for name in aggregates]

    # ── the outside ──────────────────────────────────────────────────────────────────────────────────────────

    def _output(self, place: int, dimension: Dimension) -> exp.Expr:
        return cast(quoted(_place(place)), self._dimension_type(dimension))

    def _ordered(self, select: exp.Select) -> None:
        """The order asked for, then all dimensions: a limited answer is always the same one."""
        asked = {order.name for order in self.query.order}
        rest = [Order(dimension.name) for dimension in self.query.by if dimension.name not in asked]
        terms = [ordered(quoted(order.name), order.descending) for order in (*self.query.order, *rest)]
        if terms:
            select.set("order", exp.Order(expressions=terms))
        if self.query.limit is not None:
            select.set("limit", exp.Limit(expression=self.binder.bind(self.query.limit, "Integer")))

    def _dimension_type(self, dimension: Dimension) -> DataType:
        if dimension.grain:
            return "DateTime" if dimension.grain == "hour" else "Date"
        return self._field(dimension.field, self.facts[0]).datatype

    def _dimension_column(self, dimension: Dimension) -> Column:
        field = self._field(dimension.field, self.facts[0])
        masked = self.vocabulary.is_masked(field)
        if dimension.grain is None:
            return Column(dimension.name, field.datatype, field.label, field.format, "dimension", masked)
        format_ = _GRAIN_FORMATS.get(dimension.grain, Format(style="date"))
        return Column(dimension.name, self._dimension_type(dimension), _GRAIN_LABELS[dimension.grain], format_, "dimension", masked)

    def _metric_column(self, metric: Metric) -> Column:
        return Column(metric.name, metric.datatype, metric.label, metric.format, "metric", self.measures.masked[metric.name], metric.better)

    # ── checks ───────────────────────────────────────────────────────────────────────────────────────────────

    def _root(self) -> str:
        """Without metrics: the dataset of the dimensions that leads to all the others."""
        datasets = {self.vocabulary.field(dimension.field).dataset for dimension in self.query.by if dimension.field}
        roots = [name for name in sorted(datasets) if all(reaches(self.vocabulary.semantics, name, other) for other in datasets)]
        if not roots:
            raise InvalidQuery("The query asks for nothing", expected="a metric, or a field to list")
        return roots[0]

    def _check(self) -> None:
        names = [dimension.name for dimension in self.query.by] + list(self.query.metrics)
        if len(set(names)) < len(names):
            raise InvalidQuery("Two columns have the same name", got=", ".join(names), fix="Name one of them with `as`")
        for order in self.query.order:
            if order.name not in names:
                raise InvalidQuery(
                    "The order names a column that is not in the answer", expected=f"one of {', '.join(names)}", got=order.name
                )
        if self.query.limit is not None and not 0 <= self.query.limit <= LIMIT_MAX:
            raise InvalidQuery("The limit is out of bounds", expected=f"0 to {LIMIT_MAX:,}", got=str(self.query.limit))
        if any(not dimension.field and not dimension.grain for dimension in self.query.by):
            raise InvalidQuery("A dimension names neither a field nor a grain", expected="a field, or day, week, month, quarter or year")
        if self.query.last is not None and sum(1 for dimension in self.query.by if dimension.grain) != 1:
            raise InvalidQuery(
                "`last` counts periods, so the query needs one time dimension", fix="Add `by: week`, or filter with `during`"
            )

    @staticmethod
    def _cte(name: str, select: exp.Select) -> exp.CTE:
        return exp.CTE(this=select, alias=exp.TableAlias(this=identifier(name)))


def cut(column: exp.Expr, field: Field, grain: Grain) -> exp.Expr:
    """The first moment of the period that the time in `column` lies in."""
    if field.datatype not in {"Date", "DateTime", "DateTimeTz"}:
        raise InvalidQuery(f"{field.ref} is not a time, so it has no {grain}", expected="a date, or a date and time", got=field.datatype)
    shift = WEEK_SHIFT_DAYS[field.week_starts] if grain == "week" else 0
    moment: exp.Expr = cast(column, "DateTime")
    unit = exp.Var(this=grain.upper())
    if not shift:
        return cast(exp.TimestampTrunc(this=moment, unit=unit), "DateTime" if grain == "hour" else "Date")
    later = exp.Add(this=moment, expression=_days(shift))
    return cast(exp.Sub(this=exp.TimestampTrunc(this=exp.paren(later, copy=False), unit=unit), expression=_days(shift)), "Date")


def ordered(column: exp.Expr, descending: bool) -> exp.Ordered:
    """A sort term with NULLs last, said in the text on every engine."""
    return exp.Ordered(this=column, desc=descending, nulls_first=False)


def _days(count: int) -> exp.Interval:
    return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.Var(this="DAY"))


def _place(place: int) -> str:
    return f"by {place}"


def _null_like(name: str, cte: str) -> exp.Subquery:
    """A NULL with the type of another fact's aggregate: Postgres types a bare NULL in a union too early."""
    none = exp.Select(expressions=[quoted(name)], from_=exp.From(this=exp.Table(this=identifier(cte))))
    none.set("limit", exp.Limit(expression=exp.Literal.number(0)))
    return exp.Subquery(this=none)


def _group(count: int) -> exp.Group:
    return exp.Group(expressions=[exp.Literal.number(place) for place in range(1, count + 1)])
