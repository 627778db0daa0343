"""Jobs on a real queue: what was looked at is made again in the cache, a forecast is asked for once, a failing job ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from procrastinate import App
from tests.integration.workbench import APP, make_due, open_workshop, work_off

from seawall.app.model import MetricQuery
from seawall.core.deadline import Deadline
from seawall.core.digest import canonical
from seawall.core.errors import Unavailable
from seawall.core.principal import Principal
from seawall.query import filters
from seawall.query.cache import Cache, parameters_of
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.first_period import answer_and_whole_from
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.results import ResultCache
from seawall.workers import client
from seawall.workers import queue as queues
from seawall.workers.precompute import plain_uses, precompute
from seawall.workers.preparation.plan import Preparation
from seawall.workers.queue import ATTEMPTS_MAX, Jobs, defer_missing
from seawall.workers.workshop import Workshop


@pytest.fixture
async def workshop(sliced: Preparation, tmp_path: Path, database_url: str) -> AsyncIterator[Workshop]:
    """With a result cache in memory."""
    results = ResultCache(Cache())
    async with open_workshop(sliced, tmp_path, database_url, results) as made:
        yield made
    await results.close()


async def states(made: App) -> list[tuple[str, str, int]]:
    rows = await made.connector.execute_query_all_async(
        "SELECT task_name, status, attempts FROM procrastinate_jobs WHERE task_name <> 'tidy' ORDER BY id"
    )
    return [(row["task_name"], row["status"], row["attempts"]) for row in rows]


def rights(workshop: Workshop, *groups: str) -> EffectivePolicy:
    return resolve(workshop.sites[APP].bundle.app, Principal("ann", roles=("viewer",), attributes={"store_groups": groups}))


def used(workshop: Workshop, policy: EffectivePolicy, panel: str, **parameters: list[str]) -> None:
    workshop.usage.record(APP, "demand", panel, parameters_of(parameters), "en", policy.fingerprint(policy.datasets), canonical(policy))


async def test_what_was_looked_at_is_in_the_cache(workshop: Workshop):
    """After precomputing, the same question with the same rights runs no query; with other rights it still must."""
    north = rights(workshop, "North")
    used(workshop, north, "sales", department=["GROCERY"])
    used(workshop, north, "sales_now")
    await workshop.usage.flush()
    outcome = await precompute(workshop, APP)
    assert (outcome.made, outcome.passed, outcome.failed) == (2 + plain(workshop), 0, 0)
    asked = await queries_run(workshop, north, {"department": ["GROCERY"]})
    assert asked == 0
    assert await queries_run(workshop, rights(workshop, "South"), {"department": ["GROCERY"]}) == 2


def plain(workshop: Workshop) -> int:
    """How many panels there are to make that nobody has looked at."""
    return len(plain_uses(workshop.sites[APP].bundle.app))


async def test_the_first_visitor_of_all_finds_every_panel(workshop: Workshop):
    """With nothing recorded, the panels are made without filters for whoever started the instance, who may see all of it."""
    await precompute(workshop, APP)
    app = workshop.sites[APP].bundle.app
    operator = resolve(app, Principal("operator", roles=tuple(app.roles)))
    assert await queries_run(workshop, operator, {}) == 0


async def queries_run(workshop: Workshop, policy: EffectivePolicy, parameters: dict[str, list[str]]) -> int:
    """How many statements reach the engine when `sales` is made: its own, and whether its first week is whole."""
    site = workshop.sites[APP]
    page = site.bundle.app.pages["demand"]
    query = filters.apply(page.panels["sales"], filters.from_url(site.bundle.app, page, parameters), site.bundle.app)
    ran: list[str] = []
    real = DuckDBEngine.stream

    def counted(self: DuckDBEngine, sql: str, *args: object, **options: object):
        ran.append(sql)
        return real(self, sql, *args, **options)  # type: ignore[arg-type]

    with patch.object(DuckDBEngine, "stream", counted):
        assert isinstance(query, MetricQuery)
        await answer_and_whole_from(site.questions, query, policy, deadline=Deadline.after(60))
    return len(ran)


async def test_what_no_longer_fits_is_passed_over(workshop: Workshop):
    """A panel that is gone and a filter of the wrong kind do not stop the others."""
    policy = rights(workshop, "East")
    used(workshop, policy, "gone")
    used(workshop, policy, "sales", period=["yesterday-ish"])
    used(workshop, policy, "departments")
    await workshop.usage.flush()
    outcome = await precompute(workshop, APP)
    assert (outcome.made, outcome.passed, outcome.failed) == (1 + plain(workshop), 1, 1)


async def test_a_missing_forecast_is_asked_for_once_and_made(workshop: Workshop, queue: App):
    """Two askers, one job; when it is done the current generation has its forecast, and nothing more is asked."""
    await defer_missing(workshop, Jobs(queue))
    await defer_missing(workshop, Jobs(queue))
    assert await states(queue) == [("forecast", "todo", 0)]
    await work_off(queue, workshop)
    assert await states(queue) == [("forecast", "succeeded", 1)]
    assert workshop.generations.current(APP).tables["forecast"].rows > 0
    await defer_missing(workshop, Jobs(queue))
    assert len(await states(queue)) == 1


async def test_a_job_that_fails_is_tried_again_and_then_ends(workshop: Workshop, queue: App):
    """Bounded: so many attempts and no more."""
    await Jobs(queue).precompute("no-such-app")
    for _ in range(ATTEMPTS_MAX + 2):
        await work_off(queue, workshop, "panels")
        await make_due(queue)
    assert ("precompute", "failed", ATTEMPTS_MAX) in await states(queue)


async def test_upkeep_runs(workshop: Workshop, queue: App):
    """The periodic job asks for what is missing, lets go of old measurements and ends well."""
    assert workshop.database is not None
    vital = {"app": APP, "page": "demand", "release": "r", "action": "a", "metric": "LCP", "value": 1.0, "rating": "good", "trace_id": ""}
    await workshop.database.execute_many("record_web_vital", [vital] * 3)
    await queue.tasks["tidy"].defer_async(timestamp=0)
    with patch.object(queues, "KEEP_VITALS_MAX", 1):
        await work_off(queue, workshop)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    assert [row["samples"] for row in await workshop.database.fetch_all("web_vitals_of_page", app=APP, page="demand", since=since)] == [1]
    assert ("forecast", "succeeded", 1) in await states(queue)
    rows = await queue.connector.execute_query_all_async("SELECT status FROM procrastinate_jobs WHERE task_name = 'tidy'")
    assert {row["status"] for row in rows} == {"succeeded"}


async def test_a_client_asks_and_is_told_when_nobody_answers(database_url: str, tmp_path: Path):
    """Asked twice it waits once; with no Postgres it is Unavailable, soon."""
    assert await client.defer_forecast(database_url, APP) is True
    assert await client.defer_forecast(database_url, APP) is False
    with patch.object(queues, "OPEN_SECONDS_MAX", 1.0), pytest.raises(Unavailable):
        async with asyncio.timeout(60):
            await client.defer_forecast(f"postgresql://x@/x?host={tmp_path}", APP)
