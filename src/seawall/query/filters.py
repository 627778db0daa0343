"""Filters as people and URLs write them, made into typed conditions, and laid over a panel's question.

| control | in the URL | condition |
|---|---|---|
| select | one value | equals |
| multiselect | the parameter repeated | one of |
| text | part of a text | contains (equals, when the field is not text) |
| range | `5..20`, `5..` or `..20` | both ends inside |
| period | `2017-01-01..2017-03-31`, `2017-04`, `last_4_weeks`, `this_month` | during |

A value that is empty, or `all`, filters nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from seawall.app.conditions import parse_condition
from seawall.app.model import App, Field, Filter, MetricQuery, Operator, Page, PageFilter, Panel, Query, Scalar
from seawall.app.scalars import NULL_TESTS, InvalidValue, check_period, coerce, operator_fits
from seawall.core.errors import InvalidInput
from seawall.query.compile_names import Vocabulary
from seawall.query.errors import InvalidQuery
from seawall.query.periods import same_time, span_of
from seawall.query.policy import EffectivePolicy, unrestricted
from seawall.query.sql_types import is_day

NO_FILTER = frozenset({"", "all"})
_ANY_DAY = date(2000, 6, 15)
_TIMES = frozenset({"DateTime", "DateTimeTz"})


def parse_where(app: App, text: str, policy: EffectivePolicy | None = None, home: str = "") -> Filter:
    """`department = GROCERY` as a filter; bare names are looked for in `home`, then among all visible datasets."""
    written = parse_condition(text)
    field = Vocabulary(app, policy or unrestricted(app)).field(written.field, home)
    if not operator_fits(written.op, field.datatype):
        raise InvalidQuery(f"{written.op} means nothing for {field.ref}", got=field.datatype)
    if written.op in NULL_TESTS:
        return Filter(field.ref, written.op)
    if written.op == "during":
        return Filter(field.ref, "during", tuple(check_period(value) for value in written.values))
    return Filter(field.ref, written.op, tuple(typed(value, field) for value in written.values))


def from_url(app: App, page: Page, params: Mapping[str, Sequence[str]]) -> dict[str, tuple[Filter, ...]]:
    """The page's filters that `params` sets, by name. InvalidInput names the parameter whose value has the wrong type."""
    made: dict[str, tuple[Filter, ...]] = {}
    for name, control in page.filters.items():
        values = [value for value in params.get(name, ()) if value not in NO_FILTER]
        if values:
            try:
                made[name] = _conditions(app, control, values)
            except InvalidInput as error:
                detail = f"The parameter {name!r} has the wrong value"
                raise InvalidInput(detail, expected=error.expected, got=error.got or repr(values[0][:60]), fix=error.fix) from error
    return made


def apply(panel: Panel, filters: Mapping[str, tuple[Filter, ...]], app: App) -> Query:
    """The panel's question under the filters that touch it. A chosen period replaces the panel's own on the same time.

    Filters that choose what rows shall be similar to are no conditions.
    """
    choosing = panel.similar.filters if panel.similar else ()
    added = tuple(condition for name in panel.filters if name not in choosing for condition in filters.get(name, ()))
    periods = {condition.field for condition in added if condition.op == "during"}

    def is_chosen(time: str) -> bool:
        return any(same_time(app, panel.query, time, period) for period in periods)

    own = tuple(condition for condition in panel.query.where if not (condition.op == "during" and is_chosen(condition.field)))
    query = msgspec.structs.replace(panel.query, where=(*own, *added))
    if isinstance(query, MetricQuery) and query.last is not None and any(is_chosen(time) for time in _times(query)):
        return msgspec.structs.replace(query, last=None)
    return query


def typed(value: Scalar, field: Field) -> Scalar:
    """`value` as the field's type. A day stays a day, which for a date-and-time field means all of it. InvalidInput otherwise."""
    made = coerce(value, field.datatype)
    return value if field.datatype in _TIMES and is_day(value) else made


def _times(query: MetricQuery) -> set[str]:
    return {dimension.field for dimension in query.by if dimension.grain}


def _conditions(app: App, control: PageFilter, values: Sequence[str]) -> tuple[Filter, ...]:
    if control.control == "period":
        return (Filter(control.field, "during", (_period(values),)),)
    field = app.semantics.field(control.field)
    if control.control == "range":
        return _range(field, _one(values))
    if control.control == "multiselect":
        return (Filter(field.ref, "in", tuple(typed(value, field) for value in dict.fromkeys(values))),)
    op: Operator = "contains" if control.control == "text" and field.datatype in {"String", "Opaque"} else "eq"
    return (Filter(field.ref, op, (typed(_one(values), field),)),)


def _range(field: Field, text: str) -> tuple[Filter, ...]:
    low, dots, high = text.partition("..")
    if not dots:
        return (Filter(field.ref, "eq", (typed(text, field),)),)
    ends: list[tuple[Operator, str]] = [("ge", low.strip()), ("le", high.strip())]
    made = tuple(Filter(field.ref, op, (typed(end, field),)) for op, end in ends if end)
    if not made:
        raise InvalidValue(expected="a range such as 5..20, 5.. or ..20", got=repr(text[:60]))
    if len(made) == len(ends) and _is_reversed(made[0].values[0], made[1].values[0]):
        raise InvalidValue(expected="a range from its lower to its higher end", got=repr(text[:60]))
    return made


def _is_reversed(low: Scalar, high: Scalar) -> bool:
    """Of numbers and days. What order other texts have, the database knows."""
    if isinstance(low, int | float) and isinstance(high, int | float):
        return low > high
    return is_day(low) and is_day(high) and str(low) > str(high)


def _period(values: Sequence[str]) -> str:
    """A period whose days exist; relative ones are tried on an arbitrary date."""
    text = check_period(_one(values))
    span_of(text, _ANY_DAY)
    return text


def _one(values: Sequence[str]) -> str:
    if len(values) != 1:
        raise InvalidValue("One value is wanted", expected="the parameter once", got=f"{len(values)} times")
    return values[0]
