"""A panel that cannot be answered, in time or at all: it says so or shows what was there before; the page and the others go on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from tests.acceptance.conftest import Bazaar
from tests.acceptance.data_api import PROBLEM, DataApi
from tests.acceptance.visitors import failed_panels, fragment_of, pid_of, served
from tests.waiting import until

STALLS = "stall,region,lot\n1,East,71\n2,West,72\n"
STALLS_WITH_WORDS_FOR_NUMBERS = "stall,region,lot\n1,East,corner\n2,West,gate\n"
SALES = "sold_on,sale,item,amount,customer,stall\n2026-01-05,1,Carpet,100,990001,1\n2026-01-06,2,Lamp,20,990002,2\n"
WAGES = "person,paid\n1,1000.50\n"
ENTRIES = 1_500_000
"""So many take far longer to tell apart than the panel's 50 ms, and far less than the ten seconds after which making it ends."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long table."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.parquet"
    duckdb.sql(f"COPY (SELECT range AS entry FROM range({ENTRIES})) TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture(scope="module")
def market(bazaar: Bazaar) -> Bazaar:
    """The bazaar with all its tables but the ledger."""
    served(bazaar, "bazaar", bazaar.publish(stalls=STALLS, sales=SALES, wages=WAGES))
    return bazaar


@contextmanager
def no_workers(instance: Bazaar) -> Iterator[None]:
    """They stand still, so that nothing is made before somebody asks for it."""
    pid = pid_of(instance, "workers-0")
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def api(market: Bazaar):
    """Somebody who may see everything."""
    with DataApi(market, "bazaar") as made:
        yield made


def test_a_panel_that_takes_too_long_is_explained_and_comes_later(market: Bazaar, ledger: Path, api: DataApi) -> None:
    """At its own deadline the page says so and ends; the answer is still made, for whoever looks next."""
    with no_workers(market):
        served(market, "bazaar", market.publish(ledger=ledger))
        first = api.get("/bazaar/ledger").text
    assert "This took longer than the page waits" in fragment_of(first, "notes")
    until(lambda: '<data value="120' in fragment_of(api.get("/bazaar/ledger").text, "entries"))
    until(lambda: f'<data value="{ENTRIES}"' in fragment_of(api.page("ledger"), "notes"))


def test_a_panel_whose_question_fails_costs_only_itself(market: Bazaar, api: DataApi) -> None:
    """Words stand where numbers should: what was shown before is shown with its age, what never was is explained, the others are new."""
    until(lambda: ">71<" in fragment_of(api.page("overview"), "lots"))
    served(market, "bazaar", market.publish(stalls=STALLS_WITH_WORDS_FOR_NUMBERS, wages="person,paid\n1,5\n"))
    page, unseen = api.page("overview"), api.page("overview", item="Lamp")
    assert ">71<" in fragment_of(page, "lots")
    assert '<time class="age stale"' in fragment_of(page, "lots")
    assert "could not be worked out" in fragment_of(unseen, "lots")
    for html in (page, unseen):
        assert re.search(r'<data value="5(\.0*)?"', fragment_of(html, "wages"))
        assert failed_panels(html) in ([], ["lots"])
    told = api.panel("lots", item="Lamp")
    assert (told.status_code, told.headers["content-type"], told.json()["type"][-12:]) == (503, PROBLEM, "query-failed")
    assert not {"corner", "gate"} & set(told.text.replace("'", " ").split())
    assert api.rows("takings", item="Lamp")[0]["revenue"] == 20


def test_when_the_data_is_mended_so_is_the_panel(market: Bazaar, api: DataApi) -> None:
    """Nothing of the failure is kept."""
    served(market, "bazaar", market.publish(stalls="stall,region,lot\n1,East,81\n2,West,82\n"))
    until(lambda: ">81<" in fragment_of(api.page("overview"), "lots"))
    assert "stale" not in fragment_of(api.page("overview"), "lots")
    assert [row["lot"] for row in api.rows("lots")] == [81, 82]
