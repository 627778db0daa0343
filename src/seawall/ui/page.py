"""A page's plan: everything about a request that is the same for all who ask the same under equal rights, worked out once.

A plan is named by (bundle, page, parameters, rights, locale, watermark). It holds the document cut at its panels, each piece a
zstd frame, and each panel's cache key. When every panel is at hand the answer is a join of bytes, kept with its ETag until a
fragment or the minute of its state notes changes. Plans and what they hold are bounded; the ones not used for longest go
(`planner.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import xxhash

from seawall.app.model import App, Page, Panel, Query, Scalar
from seawall.ask.vectors.similar import Alike
from seawall.query.cache import CacheKey, Parameters, parameters_of
from seawall.query.ladder import Served
from seawall.ui.cut import Cut
from seawall.ui.params import AFTER_SUFFIX, Choice, to_query
from seawall.ui.render.context import RenderContext
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site


class Slot(msgspec.Struct, frozen=True):
    """A panel's place in a plan."""

    panel: Panel
    query: Query
    """With the page's filters applied."""
    key: CacheKey
    parameters: Parameters
    """The filters that touch this panel, as usage is counted by them."""
    ctx: RenderContext
    """What its fragment may know: nothing that is not in the key."""
    after: tuple[Scalar, ...] | None = None
    """Where a row panel goes on."""
    alike: Alike | None = None
    """What its rows shall be similar to."""


class Whole(msgspec.Struct, frozen=True):
    """An answer that is all there."""

    body: bytes
    etag: bytes


class PagePlan:
    """See the module."""

    def __init__(
        self,
        *,
        site: Site,
        page: Page,
        rights: Rights,
        choice: Choice,
        ctx: RenderContext,
        slots: tuple[Slot, ...],
        cut: Cut,
        watermark: str,
    ) -> None:
        self.site = site
        self.page = page
        self.rights = rights
        self.choice = choice
        self.ctx = ctx
        self.slots = slots
        self.cut = cut
        self.watermark = watermark
        self.filters: bytes | None = None
        """The filter bar with its choices, once they are known for good."""
        self.drawn_bar: tuple[list[bytes], bytes] = ([], b"")
        """The lists of choices of the last bar that was drawn, and that bar."""
        self.counted_at = float("-inf")
        self._wholes: dict[bool, tuple[bytes, list[bytes | None], int, Whole]] = {}

    @property
    def url(self) -> str:
        """This page with these parameters."""
        return f"/{self.site.app.name}/{self.page.name}{to_query(self.choice.parameters, lang=self.choice.lang)}"

    def remembered(self, bar: bytes, served: Sequence[Served], minute: int, zstd: bool) -> Whole | None:
        """The answer made before, if it was made of exactly this bar and these payloads within this minute."""
        known = self._wholes.get(zstd)
        if known is None or known[0] is not bar or known[2] != minute:
            return None
        same = all(one.payload is payload for one, payload in zip(served, known[1], strict=True))
        return known[3] if same else None

    def remember(self, bar: bytes, served: Sequence[Served], minute: int, zstd: bool, body: bytes) -> Whole:
        """Keep an answer for as long as its parts stay the same."""
        whole = Whole(body, f'"{xxhash.xxh3_128_hexdigest(body)}"'.encode())
        self._wholes[zstd] = (bar, [one.payload for one in served], minute, whole)
        return whole


def whole_choice(choice: Choice) -> Parameters:
    """Everything a link to the next rows must keep."""
    after = {name + AFTER_SUFFIX: [cursor] for name, cursor in choice.after.items()}
    lang = {"lang": [choice.lang]} if choice.lang else {}
    return parameters_of(choice.parameters | after | lang)


def cursor_subject(app: App, panel: Panel, choice: Choice, rights: Rights) -> str:
    """What a cursor is good for: this panel, these filters, these rights."""
    touching = [(name, values) for name, values in choice.parameters.items() if name in panel.filters]
    return msgspec.json.encode([app.name, panel.digest, touching, rights.fingerprints[panel.name]]).decode()
