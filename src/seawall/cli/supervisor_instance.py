"""One instance from its first process to its last: the supervisor, the record others read, and the signals that end it.

Guarantees: `run` returns, or raises, with nothing left running and no record left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence

import msgspec

from seawall.cli.instance import InstanceRecord, ServiceRecord
from seawall.cli.instance_leftovers import clear_run
from seawall.cli.supervisor import Supervisor
from seawall.cli.supervisor_hold import held
from seawall.cli.supervisor_logs import Logs
from seawall.cli.supervisor_plan import Site
from seawall.cli.supervisor_process import start_ticks
from seawall.cli.supervisor_report import PreparationLine, Ready, Reporter
from seawall.cli.supervisor_terms import Terms
from seawall.cli.supervisor_units import Change, RestartPolicy, Unit
from seawall.core.errors import SeawallError
from seawall.gateway.admin import let_end
from seawall.store import embedded_postgres

INTERRUPTED = 130
"""The exit status when it was told to stop before it was ready, or by Ctrl-C."""


class StartFailed(SeawallError):
    """The instance did not become ready."""

    slug = "start-failed"
    title = "Did not start"


class RunningInstance:
    """One instance from its first process to its last."""

    def __init__(
        self,
        site: Site,
        units: Sequence[Unit],
        reporter: Reporter,
        on_ready: Callable[[], None] = lambda: None,
        policy: RestartPolicy | None = None,
    ) -> None:
        self.site = site
        self._reporter = reporter
        self._on_ready = on_ready
        self._sign_in = ""
        self._error = ""
        self._was_ready = False
        self._signal = 0
        self._began = time.monotonic()
        self._services: dict[str, ServiceRecord] = {}
        self._logs = Logs(site.instance.logs)
        terms = Terms(
            self._logs, self._changed, on_output=self._heard, on_done=self._done, drain=self._drain, held=self._held, policy=policy
        )
        self._supervisor = Supervisor(units, terms)

    async def run(self) -> int:
        """Start, wait to be told to stop, stop; returns the exit status. StartFailed when it cannot become ready.

        0: it was ready and was told to stop; INTERRUPTED: by Ctrl-C, or before it was ready.
        """
        asked = asyncio.Event()
        self._catch_signals(asked)
        starting = asyncio.create_task(self._start())
        waiting = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await waiting
        finally:
            self._reporter.note("Stopping")
            await self._supervisor.stop()
            self.site.instance.record_path.unlink(missing_ok=True)
            clear_run(self.site.instance)
        await asyncio.gather(starting, return_exceptions=True)
        return 0 if self._was_ready and self._signal != signal.SIGINT else INTERRUPTED

    async def _start(self) -> None:
        given_up = await self._supervisor.start()
        if self._signal:
            return  # stopped before it was ready
        essential = [unit for unit in given_up if unit.essential]
        if essential:
            raise self._failure(essential[0])
        url, link = self.site.url, f"{self.site.url}/auth/link/{self._sign_in}" if self._sign_in else ""
        ready = Ready(url=url, sign_in_url=link, data=str(self.site.instance.data), port=self.site.port, pid=os.getpid())
        self._reporter.ready(ready, [unit.label for unit in given_up], time.monotonic() - self._began)
        self._was_ready = True
        self._on_ready()

    def _failure(self, unit: Unit) -> StartFailed:
        """Why there is no start without `unit`: in its own words, or in the last lines of its log."""
        look = f"Look into {self._logs.path(unit.label)}"
        if self._error:
            return StartFailed(self._error, fix=look)
        tail = self._logs.tail(unit.label)
        return StartFailed(f"{unit.label} {self._services[unit.label].detail}", fix=f"{look}, which ends with:\n{tail}" if tail else look)

    def _catch_signals(self, asked: asyncio.Event) -> None:
        """The first signal stops, the second cuts what is in flight, the third kills. SIGQUIT cuts at once (`seawall down --now`)."""

        def on_signal(number: int) -> None:
            if (asked.is_set() or number == signal.SIGQUIT) and not self._supervisor.hurry() and asked.is_set():
                self._supervisor.kill()
            self._signal = self._signal or number
            asked.set()

        heeded = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` asks
            heeded.append(signal.SIGHUP)
        for number in heeded:
            asyncio.get_running_loop().add_signal_handler(number, on_signal, number)

    async def _drain(self, unit: Unit) -> None:
        def waiting(count: int) -> None:
            self._reporter.note(
                f"Waiting up to {unit.drain_s:g} s for {count} in flight; a second Ctrl-C or `seawall down --now` cuts them"
            )

        await let_end(self.site.instance.run, unit.drain_s, waiting)

    def _changed(self, change: Change) -> None:
        unit = change.unit
        self._services[unit.label] = ServiceRecord(
            unit.name,
            unit.replica,
            change.state,
            change.pid,
            change.started_ticks,
            change.restarts,
            change.detail,
            task=unit.is_task,
            awaited=unit.awaited,
        )
        instance = self.site.instance
        record = InstanceRecord(
            pid=os.getpid(),
            started_ticks=start_ticks(os.getpid()) or 0,
            url=self.site.url,
            port=self.site.port,
            data=str(instance.data),
            run=str(instance.run),
            apps=tuple(str(app) for app in self.site.apps),
            services=tuple(self._services.values()),
            models=self.site.environment.get("SEAWALL_MODELS", ""),
            drain_s=self.site.drain_s,
        )
        try:
            instance.write(record)
        except OSError as error:  # a full disk: what runs goes on, though `seawall status` is behind
            self._reporter.note(f"Cannot write {instance.record_path}: {error.strerror}")
        self._reporter.changed(change)

    def _heard(self, unit: Unit, line: bytes) -> None:
        if unit.name != "prepare":
            return
        try:
            said = msgspec.json.decode(line, type=PreparationLine)
        except msgspec.DecodeError:
            return
        if said.progress:
            self._reporter.progressed(said.progress)
        if said.note:
            self._reporter.note(said.note)
        self._sign_in = said.sign_in or self._sign_in
        self._error = said.error or self._error

    def _done(self, unit: Unit) -> None:
        instance, clusters = (
            self.site.instance,
            {"initdb": embedded_postgres.embedded_postgres, "vectors-initdb": embedded_postgres.embedded_vectors},
        )
        if made := clusters.get(unit.name):
            embedded_postgres.adopt(made(instance.data, instance.run, unit.identity))

    def _held(self, unit: Unit) -> str:
        return held(self.site.instance, unit.label)
