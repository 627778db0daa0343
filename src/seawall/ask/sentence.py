"""A question back in words: chips that say each part, in the asker's language, and name the URL parameter that holds it.

`chips` is what a page shows and lets people edit, `sentence` the same as one line for a terminal, a title, a screen reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources

import msgspec
from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal

from seawall.app.model import App, Dimension, Filter, Metric, Order, Scalar
from seawall.ask.params import to_params
from seawall.ask.question import Question
from seawall.ask.rows import CHANGE, RATIO, computed
from seawall.query.periods import Span, span_of

FALLBACK = "en"
_LAST = re.compile(r"last_(\d+)_(\w+?)s?")
_THIS = re.compile(r"this_(\w+)")
_MONTH, _YEAR = re.compile(r"\d{4}-\d{2}"), re.compile(r"\d{4}")
MONTHS_A_QUARTER = 3


class Chip(msgspec.Struct, frozen=True):
    """One part of a question in words."""

    name: str
    """The URL parameter it stands for (`params.NAMES`)."""
    value: str
    """That parameter's value."""
    text: str
    place: int = 0
    """Which of several parameters of that name."""


class Phrases:
    """Our words in one language."""

    def __init__(self, language: str) -> None:
        self.locale = Locale(language)
        self._templates: dict[str, str | dict[str, str]] = msgspec.json.decode(_file(language))

    def __call__(self, key: str, **values: object) -> str:
        """A message with its placeholders filled in; `count` chooses the plural form."""
        template = self._templates[key]
        if not isinstance(template, str):
            count = values["count"]
            template = template.get(self.locale.plural_form(count) if isinstance(count, int) else "other") or template["other"]
        return template.format(**values)


def phrases(locale: str) -> Phrases:
    """The words of a locale's language, or English ones."""
    language = locale.partition("-")[0].lower()
    return _phrases(language if resources.files("seawall.ask").joinpath("phrases", f"{language}.json").is_file() else FALLBACK)


@lru_cache(maxsize=16)
def _phrases(language: str) -> Phrases:
    return Phrases(language)


def _file(language: str) -> bytes:
    return resources.files("seawall.ask").joinpath("phrases", f"{language}.json").read_bytes()


def chips(question: Question, app: App, locale: str) -> tuple[Chip, ...]:
    """Every part, in the order of the URL's parameters, which is the order one would say them in."""
    words = phrases(locale)
    texts = list(_texts(question, app, locale, words))
    made: list[Chip] = []
    for (name, value), text in zip(to_params(question), texts, strict=True):
        made.append(Chip(name, value, text, sum(one.name == name for one in made)))
    return tuple(one for one in made if one.text)


def sentence(question: Question, app: App, locale: str) -> str:
    """One line: `Net sales per Baskets, by week, Department is GROCERY, March 2017`."""
    parts = [one for one in chips(question, app, locale) if one.name not in ("metric", "ratio")]
    return ", ".join([subject(question, app, locale), *(one.text for one in parts)])


def subject(question: Question, app: App, locale: str) -> str:
    """What is measured."""
    labels = [app.semantics.metrics[name].label.in_locale(locale) for name in question.metrics]
    words = phrases(locale)
    if question.ratio and len(labels) > 1:
        return words("ratio", first=labels[0], second=labels[1])
    return ", ".join(labels) or words("list")


def _texts(question: Question, app: App, locale: str, words: Phrases) -> Iterator[str]:
    """A text for each of `to_params`, in its order."""
    yield from (app.semantics.metrics[name].label.in_locale(locale) for name in question.metrics)
    if question.ratio:
        yield subject(question, app, locale)
    yield from (words("by", what=_dimension(one, app, locale, words)) for one in question.by)
    yield from (_condition(one, app, locale, words) for one in question.where if not (one.op == "during" and not one.field))
    yield from (period_text(str(one.values[0]), locale) for one in question.where if one.op == "during" and not one.field)
    yield from (_order(one, question, app, locale, words) for one in question.order)
    if question.limit is not None:
        yield words("limit", count=question.limit)
    if question.last is not None:
        grain = next((one.grain for one in question.by if one.grain), "week")
        yield words("last", count=question.last, grain=words(f"grain.{grain}" + (".many" if question.last > 1 else "")))
    if question.compare:
        relative = question.compare in ("previous", "year_ago")
        key = f"compare.{question.compare}" if relative else "compare.period"
        yield words(key, period="" if relative else period_text(question.compare, locale))
    if question.show != "auto":
        yield words(f"show.{question.show}")


def period_text(text: str, locale: str) -> str:
    """A period as people say it: `March 2017`, `last 4 weeks`, `Jan 1 – Mar 3, 2017`."""
    words = phrases(locale)
    if match := _LAST.fullmatch(text):
        count = int(match[1])
        return words("last_period", count=count, grain=words(f"grain.{match[2]}.many")) if count > 1 else words(f"last_one.{match[2]}")
    if match := _THIS.fullmatch(text):
        return words(f"this.{match[1]}")
    if _YEAR.fullmatch(text):
        return text
    if _MONTH.fullmatch(text):
        return _skeleton("yMMMM", date.fromisoformat(f"{text}-01"), words)
    return _span_text(span_of(text, None), words)


def _span_text(span: Span, words: Phrases) -> str:
    first, last = span.start, date.fromordinal(span.end.toordinal() - 1) if span.end else None
    if first is None or last is None:
        day = first or last
        return words("since" if first else "until", day=format_date(day, "medium", words.locale))
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    whole = first.day == 1 and span.end is not None and span.end.day == 1
    if whole and months == MONTHS_A_QUARTER and first.month % MONTHS_A_QUARTER == 1:
        return words("quarter", number=(first.month + 2) // MONTHS_A_QUARTER, year=first.year)
    if first == last:
        return str(format_date(first, "medium", words.locale))
    return str(format_interval(first, last, "yMMMM" if whole else "yMMMd", locale=words.locale))


def _skeleton(skeleton: str, day: date, words: Phrases) -> str:
    return str(format_skeleton(skeleton, day, locale=words.locale))


def _dimension(one: Dimension, app: App, locale: str, words: Phrases) -> str:
    grain = words(f"grain.{one.grain}") if one.grain else ""
    if not one.field:
        return grain
    label = app.semantics.field(one.field).label.in_locale(locale)
    return f"{label} ({grain})" if grain else label


def _condition(one: Filter, app: App, locale: str, words: Phrases) -> str:
    label = app.semantics.field(one.field).label.in_locale(locale) if one.field else ""
    if one.op == "during":
        return words("during", field=label, values=period_text(str(one.values[0]), locale))
    return words(one.op, field=label, values=_listed([_value(value, words) for value in one.values], words))


def _value(value: Scalar, words: Phrases) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(format_decimal(value, locale=words.locale))


def _listed(values: Sequence[str], words: Phrases) -> str:
    return words("or", all=", ".join(values[:-1]), last=values[-1]) if len(values) > 1 else "".join(values)


def _order(one: Order, question: Question, app: App, locale: str, words: Phrases) -> str:
    return words("desc" if one.descending else "asc", what=column_text(one.name, question, app, locale))


def column_text(name: str, question: Question, app: App, locale: str) -> str:
    """How a column of the answer is called: a metric, a dimension, or what is computed of them."""
    words = phrases(locale)
    metric: Metric | None = app.semantics.metrics.get(name)
    if metric is not None:
        return metric.label.in_locale(locale)
    if name == RATIO:
        return subject(question, app, locale)
    if name in computed(question):
        return _change(name, question, app, locale)
    dimension = next((each for each in question.by if each.name == name), None)
    return _dimension(dimension, app, locale, words) if dimension is not None else name


def _change(name: str, question: Question, app: App, locale: str) -> str:
    words = phrases(locale)
    if question.ratio or len(question.metrics) < 2:
        return words("change")
    metric = question.metrics[0] if name == CHANGE else name.removeprefix(f"{CHANGE}_")
    return words("change_of", what=app.semantics.metrics[metric].label.in_locale(locale))
