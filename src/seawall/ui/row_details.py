"""One row of a row panel with everything that may be told of it: the panel's columns, then the rest of its dataset's fields.

The row is looked for under the policy of whoever asks and under the panel's own conditions; the page's filters do not matter. A row
that may not be seen is absent, exactly like one that never existed, and so is every key that we did not give out.
"""

from __future__ import annotations

from datetime import date

import msgspec

from seawall.app.model import App, Field, Panel, RowsQuery
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, SeawallError
from seawall.telemetry.events import event
from seawall.ui.frames import frame
from seawall.ui.page import PagePlan, whole_choice
from seawall.ui.params import to_query
from seawall.ui.render.detail import Fact
from seawall.ui.rights import Rights
from seawall.ui.row_keys import RowKeys
from seawall.ui.wiring import Site, UiServices

FRESH_SECONDS = 60.0
"""There are as many rows as there are; one is opened again soon or not at all."""


class RowFound(msgspec.Struct, frozen=True):
    """A row, told in full."""

    facts: tuple[Fact, ...]
    watermark: str
    as_of: date | None


class RowDetails:
    """Finds rows by their keys, and draws the one that a page's URL names."""

    def __init__(self, services: UiServices) -> None:
        self._keys = RowKeys(services.cursors)
        self._draw = services.drawing

    async def find(self, site: Site, rights: Rights, panel: Panel, key: str, deadline: Deadline) -> RowFound:
        """The row of `panel` with this key. NotFound when there is none, or none that may be seen."""
        query = panel.query
        if not isinstance(query, RowsQuery):
            raise NotFound("This panel has no rows of their own")
        only = self._keys.conditions(site.app, panel, query, rights.policy, key)
        if only is None:
            raise _absent()
        names = _columns(site.app, query)
        asked = msgspec.structs.replace(query, columns=names, where=(*query.where, *only), limit=1, count="none")
        answer = await site.questions.table(asked, rights.policy, deadline=deadline, fresh_for=FRESH_SECONDS)
        if not answer.table.num_rows:
            raise _absent()
        fields = [_field(site.app, query, name) for name in names]
        values = answer.table.slice(0, 1).to_pylist()[0]
        facts = tuple(
            Fact(column, field, site.app.semantics.datasets[field.dataset].label, values[column.name])
            for column, field in zip(answer.columns, fields, strict=True)
        )
        return RowFound(facts, answer.watermark, answer.as_of)

    async def frame(self, plan: PagePlan, deadline: Deadline) -> bytes:
        """The section about the row that the URL names, or the sentence that says why there is none; empty when it names none."""
        if plan.choice.row is None:
            return b""
        name, key = plan.choice.row
        panel = plan.page.panels[name]
        close = to_query({name: list(values) for name, values in whole_choice(plan.choice)}) or f"/{plan.site.app.name}/{plan.page.name}"
        try:
            found = await self.find(plan.site, plan.rights, panel, key, deadline)
        except SeawallError as error:
            if not isinstance(error, NotFound):
                event("row.failed", app=plan.site.app.name, panel=panel.name, reason=error.slug)
            return frame(str(self._draw.row_missing(panel, error.slug, plan.ctx, close_url=close)))
        return frame(str(self._draw.row_detail(panel, found.facts, plan.ctx, close_url=close)))


def _columns(app: App, query: RowsQuery) -> tuple[str, ...]:
    """What the panel shows, then the dataset's other fields."""
    own = app.semantics.datasets[query.dataset].fields
    return (*query.columns, *(name for name in own if name not in query.columns))


def _field(app: App, query: RowsQuery, name: str) -> Field:
    return app.semantics.field(name if "." in name else f"{query.dataset}.{name}")


def _absent() -> NotFound:
    return NotFound("There is no such row here, or none that you may see")
