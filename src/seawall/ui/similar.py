"""Rows for a row panel: all of them in their order, or those like what the page's filters choose.

Similar rows need the vector store. When it is away `open_rows` says so by an error; asked `by_words` it gives rows that share words
instead, and whoever shows them says that (`WORDS`, `data-degraded`).
"""

from __future__ import annotations

import msgspec

from seawall.app.model import Panel, RowsQuery, Scalar
from seawall.ask.vectors.similar import Alike, Wanted
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError, Unavailable
from seawall.query.open_query import OpenQuery
from seawall.query.policy import EffectivePolicy
from seawall.ui.wiring import Site

WORDS = "words"
"""What rows are degraded to without the store."""
STORE_SHARE = 0.6
WORDS_FRESH_SECONDS = 10.0
"""How long rows found by words are shown again before they are looked for anew."""


class RowsAsked(msgspec.Struct, frozen=True):
    """What a row panel asks now."""

    panel: Panel
    query: RowsQuery
    policy: EffectivePolicy
    alike: Alike | None = None
    after: tuple[Scalar, ...] | None = None


async def open_rows(site: Site, asked: RowsAsked, deadline: Deadline, *, by_words: bool = False) -> OpenQuery:
    """The rows. Whatever a query raises; Unavailable without the vector store, unless `by_words`."""
    if asked.alike is None:
        return await site.questions.open(asked.query, asked.policy, deadline=deadline, after=asked.after)
    if site.similar is None:
        raise Unavailable("Nothing finds similar rows here")
    wanted = Wanted(asked.panel, asked.query, asked.policy, asked.alike)
    open_ = site.similar.open_by_words if by_words else site.similar.open
    return await open_(wanted, deadline=deadline, after=asked.after)


async def open_whatever(site: Site, asked: RowsAsked, deadline: Deadline) -> tuple[OpenQuery, bool]:
    """The rows, found by words when the store fails; whether they were."""
    if asked.alike is None:
        return await open_rows(site, asked, deadline), False
    try:
        return await open_rows(site, asked, part_of(deadline)), is_by_words(asked)
    except SeawallError as error:
        if error.status < 500 and error.status != 429:
            raise
    return await open_rows(site, asked, deadline, by_words=True), True


def part_of(deadline: Deadline) -> Deadline:
    """How long to wait for the vector store; the rest is for finding rows by words."""
    return Deadline(deadline.clock.monotonic() + deadline.remaining() * STORE_SHARE, deadline.clock)


def is_by_words(asked: RowsAsked) -> bool:
    """Whether a page goes on with rows that were found by words."""
    return asked.alike is not None and asked.after is not None and asked.after[0] == "w"
