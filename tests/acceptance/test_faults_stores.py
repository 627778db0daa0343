"""Valkey, Postgres and a replica killed while people look at pages: nobody sees an error, and everything comes back."""

from __future__ import annotations

import time

import httpx
import pytest
from tests.acceptance.conftest import Seawall
from tests.acceptance.visitors import PLAIN, View, Visitors, failed_panels, killed, killed_until, settled, viewed, watermark_of
from tests.waiting import until

WARM = (
    "/merchandising/demand",
    "/merchandising/demand?department=GROCERY",
    "/merchandising/transactions",
    "/merchandising/transactions?period=2017-06",
)
PER_SECOND = 20
VIEWS_BEFORE = 10
CLIENTS = 6


@pytest.fixture(scope="module")
def generation(seawall: Seawall) -> str:
    """The generation served, once every warm page was seen so often that both replicas have each panel."""
    current = settled(seawall).id
    with httpx.Client(base_url=seawall.url, headers=seawall.headers() | PLAIN, timeout=30) as client:
        for path in WARM:
            until(lambda path=path: not any(failed_panels(viewed(client, path).text) for _ in range(VIEWS_BEFORE)))
    return current


def looking(number: int) -> str:
    """Mostly pages that were seen before, now and then one that nobody has asked for, and how the house says it is."""
    if number % 5 == 4:
        return "/readyz"
    if number % 40 == 0:
        return f"/merchandising/transactions?amount={number}.."
    return WARM[number % len(WARM)]


def assert_nobody_noticed(views: list[View]) -> None:
    """Every page came whole, all with status 200, and none that was seen before lacks a panel."""
    pages = [view for view in views if view.path != "/readyz"]
    assert len(pages) > PER_SECOND
    assert [(view.path, view.status, view.text[:200]) for view in pages if view.status != 200] == []
    assert [view.path for view in pages if not view.text.rstrip().endswith("</html>")] == []
    assert [(view.path, failed_panels(view.text)) for view in pages if view.path in WARM and failed_panels(view.text)] == []


def readiness(views: list[View], check: str) -> set[bool]:
    """What /readyz said of one dependency, over all times it was asked; it said 200 each time, for pages serve without it."""
    asked = [view for view in views if view.path == "/readyz"]
    assert {view.status for view in asked} == {200}
    return {httpx.Response(200, text=view.text).json()["checks"][check]["ok"] for view in asked}


def all_well(seawall: Seawall) -> bool:
    checks = httpx.get(f"{seawall.url}/readyz", timeout=30).json()["checks"]
    return all(check["ok"] for check in checks.values()) and seawall.status()["ready"]


@pytest.mark.parametrize("store", ["valkey", "postgres"])
def test_a_store_killed_while_pages_are_seen(seawall: Seawall, generation: str, store: str) -> None:
    """kill -9, again and again: pages go on from the same generation, /readyz tells, and it is there again."""
    with Visitors(seawall, looking, per_second=PER_SECOND) as them:
        time.sleep(1.0)
        killed_until(seawall, f"{store}-0", lambda: False in readiness(them.views, store))
        time.sleep(1.5)
    until(lambda: all_well(seawall))
    assert_nobody_noticed(them.views)
    assert {watermark_of(view.text) for view in them.views if view.path != "/readyz"} == {generation}
    assert readiness(them.views, store) == {True, False}


def test_a_replica_killed_under_load(seawall: Seawall, generation: str) -> None:
    """It costs at most the answers it had begun; whatever begins later is answered by its twin."""
    with Visitors(seawall, lambda number: WARM[number % len(WARM)], clients=CLIENTS) as them:
        time.sleep(1.0)
        alive_at = time.monotonic()
        dead_at = killed(seawall, "ui-read-0")
        time.sleep(2.0)
        until(lambda: len([view for view in them.views if view.began > dead_at]) > 20)
    until(lambda: all_well(seawall))
    failed = [view for view in them.views if view.status != 200]
    assert len(failed) <= CLIENTS
    assert [(view.began - dead_at, view) for view in failed if view.began > dead_at or view.ended < alive_at] == []
