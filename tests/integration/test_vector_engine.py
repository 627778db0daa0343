"""The embedded vector store under the real `seawall up`: a cluster of its own that can fail alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.integration.engine_house import EngineHouse, refused
from tests.waiting import until

from seawall.cli import supervisor_hold
from seawall.store.embedded_postgres import VECTOR_PORT


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vector-engine")


@pytest.fixture
def house(data: Path) -> Iterator[EngineHouse]:
    """Every test starts it again on the same data, and waits for what nobody else waits for."""
    made = EngineHouse(data)
    try:
        until(lambda: made.unit("vectors-prepare").state == "done")
        yield made
    finally:
        made.close()


def test_each_service_may_do_what_it_is_for(house: EngineHouse) -> None:
    """The ui searches, the workers build by functions; neither makes or drops a table, and the model proxy has no business here."""
    ui, workers, proxy = (house.vector_urls[role] for role in ("seawall_ui", "seawall_workers", "seawall_model_proxy"))
    for url in (ui, workers):
        assert not refused(url, "SELECT * FROM seawall.vector_texts")
        assert refused(url, "CREATE TABLE seawall.mine (x int)")
        assert refused(url, "DROP TABLE seawall.vector_items")
    assert not refused(workers, "SELECT seawall.drop_vector_indexes('a', 'b', 0)")
    assert refused(ui, "SELECT seawall.finish_vector_index(1)")
    assert refused(proxy, "SELECT * FROM seawall.vector_indexes")


def test_it_is_private(house: EngineHouse) -> None:
    """Its socket and its files are for the owner only, and a wrong password opens nothing."""
    assert (house.instance.data / "vectors" / "passwords.json").stat().st_mode & 0o077 == 0
    assert (house.instance.run / ".s.PGSQL.5433").stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://seawall_ui:wrong@/seawall?host={house.instance.run}&port={VECTOR_PORT}")


def test_killed_it_comes_back_alone(house: EngineHouse) -> None:
    """kill -9: started again, recovered; the operational Postgres never noticed."""
    other, before = house.unit("postgres").pid, house.kill("vectors")
    until(lambda: house.unit("vectors").state == "ready" and house.unit("vectors").pid != before)
    until(lambda: not refused(house.vector_urls["seawall_ui"], "SELECT * FROM seawall.vector_indexes"))
    assert house.unit("postgres").pid == other


def test_held_it_stays_away_until_it_is_let_go(house: EngineHouse) -> None:
    """A drill decides when it comes back; its absence counts as no failure."""
    before = house.unit("vectors")
    supervisor_hold.take(house.instance, "vectors-0", "a test", 60.0)
    house.kill("vectors")
    until(lambda: house.unit("vectors").state == "held")
    time.sleep(0.5)
    assert house.unit("vectors").detail == "a test"
    supervisor_hold.let_go(house.instance, "vectors-0")
    until(lambda: house.unit("vectors").state == "ready")
    assert house.unit("vectors").restarts == before.restarts


def test_everything_killed_at_once_recovers(data: Path) -> None:
    """Supervisor and both clusters killed together: the next start is ready again, and `down` leaves nothing."""
    house = EngineHouse(data)
    until(lambda: house.unit("vectors-prepare").state == "done")
    left = [house.unit("vectors").pid, house.unit("postgres").pid]
    house.close(signal.SIGKILL)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    again = EngineHouse(data)
    until(lambda: again.unit("vectors-prepare").state == "done")
    pid = again.unit("vectors").pid
    again.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not again.instance.run.exists()
