"""What is shown: pages of panels and filters, and what a panel may show when no fresh answer can be had."""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.app.model_chart import Chart
from seawall.app.model_query import Query
from seawall.app.model_words import Text, Value
from seawall.core.digest import digest


class Outage(Value, frozen=True):
    """The rungs allowed below fresh and cached. After the last of them comes the sentence that says what is wrong."""

    stale_max_age_seconds: float | None = 86_400.0
    """How old an answer may be and still be shown; None: never stale."""
    summary: bool = True
    """Whether the last good answer, however old, may be shown when stale is not allowed any more."""


class Similar(Value, frozen=True):
    """A row panel that finds rows like a chosen one, or like some words, by what describes them."""

    text: tuple[str, ...]
    """The dataset's own fields whose values together describe a row."""
    row: str
    """The page's filter that chooses a row by its key."""
    words: str = ""
    """The page's filter that holds words to look for; empty: there is none."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Both filters, as far as there are any."""
        return (self.row, self.words) if self.words else (self.row,)


class Comparison(Value, frozen=True):
    """What a big number is compared with."""

    period: Literal["previous", "year_ago"] = "previous"


FRESH_SECONDS: dict[str, float] = {"warehouse": 86_400.0, "operational": 10.0}
"""How long an answer counts as fresh where nothing else is said: a generation never changes, operational tables do."""


class Panel(Value, frozen=True):
    """One answer on a page."""

    name: str
    title: Text
    query: Query
    chart: Chart
    description: Text = Text({})
    finding: Literal["", "top_share", "latest_change", "peak", "largest_mover"] = ""
    """Which sentence, made from the rows, is the headline; empty: the title."""
    filters: tuple[str, ...] = ()
    """The page's filters that touch this panel."""
    compare: Comparison | None = None
    fresh_for_seconds: float = FRESH_SECONDS["warehouse"]
    """How long an answer of one watermark counts as fresh."""
    on_outage: Outage = Outage()
    deadline_ms: float | None = None
    similar: Similar | None = None
    """Of a row panel; its two filters choose what is alike and are no conditions."""

    @property
    def digest(self) -> str:
        """Names what the panel asks and shows, for cache keys."""
        return digest(self)


class PageFilter(Value, frozen=True):
    """A control over a page's panels; its value lives in the URL under its name."""

    name: str
    field: str
    """`dataset.field`, or "" for the period."""
    label: Text
    control: Literal["select", "multiselect", "text", "range", "period"] = "select"
    options_limit: int = 100


class Page(Value, frozen=True):
    """A title, filters, and panels laid out in rows."""

    name: str
    title: Text
    panels: dict[str, Panel]
    layout: tuple[tuple[str, ...], ...]
    filters: dict[str, PageFilter] = msgspec.field(default_factory=dict)
    description: Text = Text({})
