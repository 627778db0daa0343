"""Precompute: after a new generation, and at every start, ask what was asked most and what a first visitor will ask.

Guarantees that nobody's rights widen: a recorded variant is asked with the policy it was recorded under, and its answer is kept under
the fingerprint of just that policy. A variant that no longer fits the app (a panel gone, a filter renamed) is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from seawall.app.model import App, MetricQuery, Panel
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.query import filters
from seawall.query.first_period import answer_and_whole_from
from seawall.query.periods import compared
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.service import QueryService
from seawall.query.usage import Use
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.workers.workshop import Site, Workshop

VARIANTS_MAX = 200
"""The most used variants of an app's panels that are made again."""
QUERY_SECONDS_MAX = 10.0
TOTAL_SECONDS_MAX = 120.0


class Outcome(msgspec.Struct, frozen=True):
    """How many variants were made, passed over, and failed."""

    made: int = 0
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0


async def precompute(workshop: Workshop, app: str) -> Outcome:
    """Ask the most used variants of `app` of its current generation, one after another, within two minutes.

    Unavailable when usage cannot be read; a single variant that fails is counted and the others go on.
    """
    site = workshop.site(app)
    started = time.monotonic()
    counts = {"made": 0, "passed": 0, "failed": 0}
    used = await workshop.usage.most_used(app, VARIANTS_MAX)
    for use in (*used, *plain_uses(site.bundle.app, but=used)):
        if time.monotonic() - started > TOTAL_SECONDS_MAX:
            break
        counts[await _made(site, use)] += 1
    outcome = Outcome(seconds=round(time.monotonic() - started, 2), **counts)
    event("panels.precomputed", app=app, made=outcome.made, passed=outcome.passed, failed=outcome.failed, seconds=outcome.seconds)
    return outcome


def plain_uses(app: App, *, but: Sequence[Use] = ()) -> tuple[Use, ...]:
    """Every panel without filters, as whoever started the instance sees it: what the first visitor of all will ask for."""
    policy = resolve(app, Principal(user="", roles=tuple(app.roles)))
    encoded = msgspec.json.encode(policy)
    seen = {(use.page, use.panel, use.policy) for use in but if not use.parameters}
    return tuple(
        Use(page.name, panel.name, (), app.locales[0], "", encoded, 0.0)
        for page in app.pages.values()
        for panel in page.panels.values()
        if isinstance(panel.query, MetricQuery) and (page.name, panel.name, encoded) not in seen
    )


async def _made(site: Site, use: Use) -> str:
    app = site.bundle.app
    panel = find_panel(app, use)
    policy = decode_policy(use)
    if panel is None or policy is None or not isinstance(panel.query, MetricQuery):
        return "passed"
    try:
        with span("panel.precompute", "worker", app=app.name, panel=panel.name):
            await _ask(site.questions, app, panel, use, policy)
    except SeawallError as error:
        event("panel.not_precomputed", app=app.name, panel=panel.name, reason=error.slug)
        return "failed"
    return "made"


async def _ask(questions: QueryService, app: App, panel: Panel, use: Use, policy: EffectivePolicy) -> None:
    """The panel's question under its filters, whether its first period is whole, and the earlier period it is compared with."""
    page = app.pages[use.page]
    query = filters.apply(panel, filters.from_url(app, page, dict(use.parameters)), app)
    if not isinstance(query, MetricQuery):
        return
    answer, _ = await answer_and_whole_from(questions, query, policy, deadline=Deadline.after(QUERY_SECONDS_MAX))
    if panel.compare is not None:
        earlier = compared(app, query, panel.compare, answer.as_of)
        if earlier is not None:
            await questions.table(earlier, policy, deadline=Deadline.after(QUERY_SECONDS_MAX))


def find_panel(app: App, use: Use) -> Panel | None:
    """The panel that was used, if the app still has it."""
    page = app.pages.get(use.page)
    return page.panels.get(use.panel) if page else None


def decode_policy(use: Use) -> EffectivePolicy | None:
    """The policy a use was recorded under; None when it cannot be read any more."""
    try:
        return msgspec.json.decode(use.policy, type=EffectivePolicy)
    except msgspec.MsgspecError:
        return None
