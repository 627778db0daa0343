"""The embedded vector store under the real `seawall up`: a cluster of its own that can fail alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.integration import supervisor_engines

from seawall.cli import supervisor_hold
from seawall.cli.instance import ServiceRecord, locate
from seawall.store.embedded_postgres import VECTOR_PORT, EmbeddedPostgres


class House:
    """A running instance with nothing but its engines and their preparation."""

    def __init__(self, data: Path) -> None:
        self.instance = locate(data, os.environ)
        self._process = subprocess.Popen((sys.executable, supervisor_engines.__file__, str(data)), stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self._process.stdout.readline())
        passwords = json.loads((self.instance.data / "vectors" / "passwords.json").read_text())
        store = EmbeddedPostgres(Path("/"), self.instance.data / "vectors", self.instance.run, port=VECTOR_PORT)
        self.urls = {role: store.url(role, passwords) for role in passwords}

    def unit(self, name: str) -> ServiceRecord:
        record = self.instance.read()
        assert record is not None
        return next((service for service in record.services if service.name == name), ServiceRecord(name, 0, "waiting"))

    def close(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.communicate()


def until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vector-engine")


@pytest.fixture
def house(data: Path) -> Iterator[House]:
    """Every test starts it again on the same data, and waits for what nobody else waits for."""
    made = House(data)
    try:
        until(lambda: made.unit("vectors-prepare").state == "done")
        yield made
    finally:
        made.close()


def refused(url: str, sql: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(sql)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


def test_each_service_may_do_what_it_is_for(house: House) -> None:
    """The ui searches, the workers build by functions; neither makes or drops a table, and the model proxy has no business here."""
    ui, workers, proxy = (house.urls[role] for role in ("seawall_ui", "seawall_workers", "seawall_model_proxy"))
    for url in (ui, workers):
        assert not refused(url, "SELECT * FROM seawall.vector_texts")
        assert refused(url, "CREATE TABLE seawall.mine (x int)")
        assert refused(url, "DROP TABLE seawall.vector_items")
    assert not refused(workers, "SELECT seawall.drop_vector_indexes('a', 'b', 0)")
    assert refused(ui, "SELECT seawall.finish_vector_index(1)")
    assert refused(proxy, "SELECT * FROM seawall.vector_indexes")


def test_it_is_private(house: House) -> None:
    """Its socket and its files are for the owner only, and a wrong password opens nothing."""
    assert (house.instance.data / "vectors" / "passwords.json").stat().st_mode & 0o077 == 0
    assert (house.instance.run / ".s.PGSQL.5433").stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://seawall_ui:wrong@/seawall?host={house.instance.run}&port={VECTOR_PORT}")


def test_killed_it_comes_back_alone(house: House) -> None:
    """kill -9: started again, recovered; the operational Postgres never noticed."""
    before, other = house.unit("vectors").pid, house.unit("postgres").pid
    os.kill(before, signal.SIGKILL)
    until(lambda: house.unit("vectors").state == "ready" and house.unit("vectors").pid != before)
    until(lambda: not refused(house.urls["seawall_ui"], "SELECT * FROM seawall.vector_indexes"))
    assert house.unit("postgres").pid == other


def test_held_it_stays_away_until_it_is_let_go(house: House) -> None:
    """A drill decides when it comes back; its absence counts as no failure."""
    before = house.unit("vectors")
    supervisor_hold.take(house.instance, "vectors-0", "a test", 60.0)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: house.unit("vectors").state == "held")
    time.sleep(0.5)
    assert house.unit("vectors").detail == "a test"
    supervisor_hold.let_go(house.instance, "vectors-0")
    until(lambda: house.unit("vectors").state == "ready")
    assert house.unit("vectors").restarts == before.restarts


def test_everything_killed_at_once_recovers(data: Path) -> None:
    """Supervisor and both clusters killed together: the next start is ready again, and `down` leaves nothing."""
    house = House(data)
    until(lambda: house.unit("vectors-prepare").state == "done")
    left = [house.unit("vectors").pid, house.unit("postgres").pid]
    house.close(signal.SIGKILL)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    again = House(data)
    until(lambda: again.unit("vectors-prepare").state == "done")
    pid = again.unit("vectors").pid
    again.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not again.instance.run.exists()
