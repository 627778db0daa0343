"""A question as URL parameters, which is how chips on a page edit it, links carry it and people bookmark it.

| parameter | holds |
|---|---|
| `metric` | a metric; may stand several times |
| `ratio` | `1`: the first metric over the second |
| `by` | a grain (`week`), a field (`stores.store_group`) or a field cut to a grain (`flights.left_at:day`) |
| `where` | a condition (`products.department = 'GROCERY'`) |
| `period` | days of the default time (`2017-03`, `last_4_weeks`, `2017-01-01..2017-03-31`) |
| `order` | a column, with a leading `-` for the largest first |
| `limit`, `last`, `compare`, `show` | as in `Question` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast, get_args

import msgspec

from seawall.app.model import App, Dimension, Filter, Grain, Operator, Order, Scalar
from seawall.app.names import GRAINS
from seawall.app.scalars import check_period
from seawall.ask.question import CONDITIONS_MAX, Question, Show
from seawall.core.errors import InvalidInput
from seawall.query.compile_names import Vocabulary
from seawall.query.filters import parse_where
from seawall.query.policy import EffectivePolicy

NAMES = ("metric", "ratio", "by", "where", "period", "order", "limit", "last", "compare", "show")
METRICS_MAX = 6
DIMENSIONS_MAX = 4
NUMBER_MAX = 10_000
Part = TypeVar("Part")
_SIGNS: dict[Operator, str] = {
    "eq": "=", "ne": "!=", "in": "in", "not_in": "not in", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "contains": "contains", "starts_with": "starts with", "is_null": "is null", "not_null": "is not null", "during": "during",
}  # fmt: skip


def to_params(question: Question) -> list[tuple[str, str]]:
    """The parameters, in the order of `NAMES`; `from_params` makes the same question of them."""
    pairs = [("metric", name) for name in question.metrics]
    pairs += [("ratio", "1")] if question.ratio else []
    pairs += [("by", _dimension_text(one)) for one in question.by]
    pairs += [("where", condition_text(one)) for one in question.where if not _is_period(one)]
    pairs += [("period", str(one.values[0])) for one in question.where if _is_period(one)]
    pairs += [("order", f"{'-' if one.descending else ''}{one.name}") for one in question.order]
    numbers = (("limit", question.limit), ("last", question.last))
    pairs += [(name, str(value)) for name, value in numbers if value is not None]
    texts = (("compare", question.compare), ("show", "" if question.show == "auto" else question.show))
    return pairs + [(name, value) for name, value in texts if value]


def from_params(app: App, policy: EffectivePolicy, params: Mapping[str, Sequence[str]]) -> Question:
    """The question, in words the policy shows. InvalidInput or NotFound name the parameter and what is wrong with it."""
    given = {name: [value for value in params.get(name, ()) if value.strip()] for name in NAMES}
    for name, most in (("metric", METRICS_MAX), ("by", DIMENSIONS_MAX), ("where", CONDITIONS_MAX), ("period", CONDITIONS_MAX)):
        if len(given[name]) > most:
            raise InvalidInput(f"The parameter {name!r} is given too often", expected=f"at most {most} times", got=str(len(given[name])))
    words = Vocabulary(app, policy)
    where = [parse_where(app, text, policy) for text in given["where"]]
    where += [Filter("", "during", (check_period(text),)) for text in given["period"]]
    return Question(
        metrics=tuple(words.metric(name).name for name in given["metric"]),
        by=tuple(_dimension(words, text) for text in given["by"]),
        where=tuple(where),
        order=tuple(Order(text.removeprefix("-"), text.startswith("-")) for text in given["order"]),
        limit=_number(given, "limit"),
        last=_number(given, "last"),
        ratio=bool(given["ratio"]),
        compare=_compare(given["compare"]),
        show=_show(given["show"]),
    )


def condition_text(one: Filter) -> str:
    """A condition as `app/conditions.py` reads it."""
    if not one.values:
        return f"{one.field} {_SIGNS[one.op]}"
    if one.op in ("in", "not_in"):
        return f"{one.field} {_SIGNS[one.op]} ({', '.join(map(_quoted, one.values))})"
    return f"{one.field} {_SIGNS[one.op]} {_quoted(one.values[0])}"


def _quoted(value: Scalar) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _is_period(one: Filter) -> bool:
    return one.op == "during" and not one.field


def _dimension_text(one: Dimension) -> str:
    return one.field + (f":{one.grain}" if one.field and one.grain else one.grain or "")


def _dimension(words: Vocabulary, text: str) -> Dimension:
    name, colon, grain = text.partition(":")
    if name in GRAINS and not colon:
        return Dimension(name, "", cast("Grain", name))
    if colon and grain not in GRAINS:
        raise InvalidInput("There is no such grain", expected=f"one of {', '.join(GRAINS)}", got=grain[:40])
    field = words.field(name)
    return Dimension(grain or field.name, field.ref, cast("Grain | None", grain or None))


def _number(given: Mapping[str, Sequence[str]], name: str) -> int | None:
    if not given[name]:
        return None
    text = given[name][-1].strip()
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= NUMBER_MAX:
        raise InvalidInput(f"The parameter {name!r} has the wrong value", expected=f"a number from 1 to {NUMBER_MAX}", got=repr(text[:40]))
    return int(text)


def _compare(given: Sequence[str]) -> str:
    text = given[-1] if given else ""
    return text if text in ("", "previous", "year_ago") else check_period(text)


def _show(given: Sequence[str]) -> Show:
    if not given:
        return "auto"
    if given[-1] not in get_args(Show):
        raise InvalidInput("The answer cannot be shown like this", expected=f"one of {', '.join(get_args(Show))}", got=given[-1][:40])
    return cast("Show", given[-1])


def without(question: Question, name: str, place: int = 0) -> Question:
    """The question without one of its parts, as a chip's cross leaves it; the `place`th of several of that name."""
    rest = msgspec.structs.replace
    if name == "metric":
        metrics = _dropped(question.metrics, place)
        return rest(question, metrics=metrics, ratio=question.ratio and len(metrics) > 1)
    if name == "by":
        return rest(question, by=_dropped(question.by, place))
    if name == "order":
        return rest(question, order=_dropped(question.order, place))
    if name in ("where", "period"):
        places = [at for at, one in enumerate(question.where) if _is_period(one) == (name == "period")]
        return rest(question, where=_dropped(question.where, places[place])) if place < len(places) else question
    empty = {"ratio": False, "limit": None, "last": None, "compare": "", "show": "auto"}
    return rest(question, **{name: empty[name]}) if name in empty else question


def _dropped(parts: tuple[Part, ...], place: int) -> tuple[Part, ...]:
    return parts[:place] + parts[place + 1 :]
