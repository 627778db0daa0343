"""What drawing needs to know about the request: never who asks, so that equal rights share a fragment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal
from urllib.parse import urlencode

import msgspec

from seawall.query.periods import Span
from seawall.ui.formats import Formatter, formatter
from seawall.ui.messages import Messages, messages

Sight = Literal["all", "some", "none"]
"""Which rows the rights leave to be seen, as far as the policy alone tells it: never by looking at the data."""


class RenderContext(msgspec.Struct, frozen=True):
    """Where a fragment stands and how it speaks."""

    app: str
    page: str
    locale: str
    as_of: date | None
    """The watermark's date: what is later is not known yet."""
    parameters: Mapping[str, list[str]]
    """The page's filters as the URL has them."""
    now: float
    """Seconds since 1970."""
    sight: Sight = "all"
    """Why there may be no rows to draw."""
    whole_from: date | None = None
    """Of rows over time whose first period is not whole, because the data begins within it: the first day of the next."""
    asked: Span | None = None
    """Of rows over time: the days asked about. A period that reaches beyond them is not whole."""

    @property
    def formatter(self) -> Formatter:
        """How this locale writes values."""
        return formatter(self.locale)

    @property
    def messages(self) -> Messages:
        """This locale's words."""
        return messages(self.locale)

    @property
    def query(self) -> str:
        """The parameters as a query string, without the question mark."""
        return urlencode([(name, value) for name in sorted(self.parameters) for value in self.parameters[name]])

    def panel_url(self, panel: str, format: str) -> str:
        """The data API's address of a panel with these filters."""
        query = self.query
        return f"/{self.app}/api/panels/{panel}?{query}{'&' if query else ''}format={format}"
