"""A running instance with nothing but its engines and their preparation (`supervisor_engines.py`), to look into and to kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
from tests.integration import supervisor_engines

from seawall.cli.instance import InstanceRecord, ServiceRecord, locate
from seawall.store.embedded_postgres import EmbeddedPostgres, embedded_postgres, embedded_vectors


class EngineHouse:
    """`seawall up` on `data`, ready; closed it can be started again on the same data."""

    def __init__(self, data: Path) -> None:
        self.instance = locate(data, os.environ)
        argv = (sys.executable, supervisor_engines.__file__, str(data))
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self._process.stdout.readline())

    @property
    def urls(self) -> dict[str, str]:
        """Of the operational database, by role."""
        return _urls(embedded_postgres(self.instance.data, self.instance.run, "self"))

    @property
    def vector_urls(self) -> dict[str, str]:
        """Of the vector store, by role."""
        return _urls(embedded_vectors(self.instance.data, self.instance.run, "self"))

    def record(self) -> InstanceRecord:
        found = self.instance.read()
        assert found is not None
        return found

    def unit(self, name: str) -> ServiceRecord:
        return next((service for service in self.record().services if service.name == name), ServiceRecord(name, 0, "waiting"))

    def kill(self, name: str) -> int:
        """kill -9; the process that was."""
        pid = self.unit(name).pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def close(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.communicate()


def _urls(cluster: EmbeddedPostgres) -> dict[str, str]:
    passwords = json.loads((cluster.root / "passwords.json").read_text())
    return {role: cluster.url(role, passwords) for role in passwords}


def refused(url: str, sql: str) -> bool:
    """Whether the role may not do that."""
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(sql)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False
