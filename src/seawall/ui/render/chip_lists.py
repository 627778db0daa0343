"""What the fields of chips suggest, as lists that a browser shows while somebody writes: values of the data, and periods in words."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.ask.question import RELATIVE
from seawall.ask.said_period import compared_words, period_words
from seawall.ui.charts.text import esc
from seawall.ui.render.context import RenderContext

PERIODS = (
    "last_1_week",
    "last_4_weeks",
    "last_13_weeks",
    "last_1_month",
    "last_3_months",
    "last_1_quarter",
    "last_1_year",
    "this_month",
    "this_year",
)
MONTHS_BACK = 12
PERIOD_LIST = "d-period"
COMPARED_LIST = "d-compare"


def list_of(ref: str) -> str:
    """The id of a field's list of suggestions."""
    return "d-" + ref.replace(".", "-")


def suggestions(ref: str, values: Sequence[object]) -> str:
    """A field's values as a list of suggestions."""
    return _list(list_of(ref), [str(value) for value in values if value is not None])


def period_suggestions(ctx: RenderContext) -> str:
    """Periods by name, and what a period may be compared with; of both the last months that have data."""
    months = _months(ctx)
    return _list(PERIOD_LIST, [period_words(text, ctx.locale, ctx.as_of) for text in (*PERIODS, *months)]) + _list(
        COMPARED_LIST, [compared_words(text, ctx.locale, ctx.as_of) for text in (*RELATIVE, *months)]
    )


def _months(ctx: RenderContext) -> list[str]:
    if ctx.as_of is None:
        return []
    newest = ctx.as_of.year * 12 + ctx.as_of.month - 1
    return [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(newest, max(newest - MONTHS_BACK, 12), -1)]


def _list(id_: str, texts: Sequence[str]) -> str:
    return f'<datalist id="{esc(id_)}">{"".join(f"""<option value="{esc(text)}">""" for text in texts)}</datalist>'
