"""What an address below `/{app}/ask` asks: a text, or a question in parameters, perhaps with a text that refines it.

A chip's form sends a condition in parts (`wf` field, `wo` operator, `wv` values, `wp` its place), because a form without script cannot
put them together; `joined` does, and the page goes on to the address that says the same in `where`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import cast, get_args
from urllib.parse import urlencode

import msgspec

from seawall.app.model import App, Dimension, Filter, Operator, Order
from seawall.app.scalars import NULL_TESTS, check_period
from seawall.ask.params import NAMES, condition_text, from_params, to_params
from seawall.ask.question import RELATIVE, VALUES_MAX, Question
from seawall.ask.rows import computed
from seawall.core.errors import InvalidInput
from seawall.query.compile_names import Vocabulary
from seawall.query.filters import parse_where, typed
from seawall.query.policy import EffectivePolicy
from seawall.ui.params import Values

TEXT_MAX = 501
"""Characters of a text that are read; one more than a question may have, so that a longer one is told that it is too long."""
PARTS = ("wf", "wo", "wv", "wp")
_SEVERAL: dict[str, Operator] = {"eq": "in", "ne": "not_in", "in": "in", "not_in": "not_in"}
_ONE: dict[str, Operator] = {"in": "eq", "not_in": "ne"}


class Asked(msgspec.Struct, frozen=True):
    """An address, read."""

    text: str = ""
    """What is to be understood: a question, or what refines `before`."""
    question: Question | None = None
    """What the parameters say."""
    lang: str = ""
    inorder: bool = False
    of: str = ""
    """The text that the question was once understood from; its parts may have been changed since."""
    said: str = ""
    """What was thought of the answer a moment ago: `up` or `down`; `kept`: it was put on the asker's page."""

    @property
    def before(self) -> Question | None:
        """What the text refines."""
        return self.question if self.text else None


def asked_of(app: App, policy: EffectivePolicy, values: Values) -> Asked:
    """What the parameters ask. InvalidInput or NotFound name the one that says nothing here."""
    text = last(values, "then") or last(values, "q")
    question = question_of(app, policy, values) if any(values.get(name) for name in NAMES) else None
    if last(values, "q").strip() and not last(values, "then").strip():
        question = None
    return Asked(
        text=unicodedata.normalize("NFC", text).strip()[:TEXT_MAX],
        question=question,
        lang=last(values, "lang")[:35],
        inorder=last(values, "inorder") == "1",
        of=last(values, "of").strip()[:TEXT_MAX],
        said=last(values, "said")[:8],
    )


def question_of(app: App, policy: EffectivePolicy, values: Mapping[str, Sequence[str]]) -> Question:
    """The question that parameters say, without what its other parts have left without meaning."""
    return mended(from_params(app, policy, values))


def mended(question: Question) -> Question:
    """Orders by columns that are not there are by the first metric instead; the last N need a time; a ratio needs two metrics; nothing
    stands before a question without a period.
    """
    timed = any(one.grain for one in question.by)
    if question.compare in RELATIVE and not (any(one.op == "during" for one in question.where) or (timed and question.last)):
        question = msgspec.structs.replace(question, compare="")
    made = {*question.metrics, *(one.name for one in question.by), *computed(question)}
    first = question.metrics[0] if question.metrics else ""
    orders = [one if one.name in made else Order(first, one.descending) for one in question.order if one.name in made or first]
    by: list[Dimension] = []
    for one in question.by:
        if one not in by:
            by.append(one)
    return msgspec.structs.replace(
        question,
        metrics=tuple(dict.fromkeys(question.metrics)),
        by=tuple(by),
        order=tuple({one.name: one for one in orders}.values()),
        last=question.last if timed else None,
        ratio=question.ratio and len(set(question.metrics)) > 1,
    )


def is_in_parts(values: Values) -> bool:
    """Whether a form sent a condition in parts."""
    return any(name in values for name in PARTS)


def joined(app: App, policy: EffectivePolicy, values: Values) -> tuple[Values, Filter | None]:
    """The parameters without the parts, and the condition they make; None when its values were emptied, which takes it away."""
    rest = {name: given for name, given in values.items() if name not in PARTS}
    ref, op = last(values, "wf"), last(values, "wo") or "eq"
    if not ref:
        return rest, None
    field = Vocabulary(app, policy).field(ref)
    if op not in get_args(Operator):
        raise InvalidInput("There is no such condition", expected="is, is not, contains, …", got=op[:20])
    operator = cast("Operator", op)
    if operator in NULL_TESTS:
        return rest, Filter(field.ref, operator)
    given = list(dict.fromkeys(text for value in values.get("wv", ()) if (text := unicodedata.normalize("NFC", value).strip())))
    if not given:
        return rest, None
    if len(given) > VALUES_MAX:
        raise InvalidInput("The condition has too many values", expected=f"at most {VALUES_MAX}", got=str(len(given)))
    if operator == "during":
        return rest, Filter(field.ref, "during", (check_period(given[0]),))
    operator = _SEVERAL.get(op, operator) if len(given) > 1 else _ONE.get(op, operator)
    kept = given if operator in ("in", "not_in") else given[:1]
    made = Filter(field.ref, operator, tuple(typed(value, field) for value in kept))
    return rest, parse_where(app, condition_text(made), policy)


def with_condition(question: Question, made: Filter, values: Values) -> Question:
    """The question with a condition in the place that the form names, or after the others."""
    place = last(values, "wp")
    own = sum(not (one.op == "during" and not one.field) for one in question.where)
    at = min(int(place), own) if place.isascii() and place.isdecimal() and len(place) < 3 else own
    return msgspec.structs.replace(question, where=(*question.where[:at], made, *question.where[at:]))


def query_of(question: Question, **more: str) -> str:
    """A query string, without the question mark, that says a question."""
    return urlencode([*to_params(question), *((name, value) for name, value in more.items() if value)])


def last(values: Values, name: str) -> str:
    """The last value given, or nothing."""
    found = values.get(name)
    return found[-1] if found else ""
