"""Keeps one unit running: starts it once what it needs is ready, attends to it, starts it again, stops it.

A process that ends is started again after a back-off. Until the instance is ready the policy may give it up; what has worked in a ready
instance is started for ever. A process that has stopped answering is killed and started again. What becomes of a unit is told through its
`Terms`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Collection, Coroutine, Iterable, Sequence
from contextlib import ExitStack

from seawall.cli.supervisor_health import HttpProbe, check
from seawall.cli.supervisor_process import Child, describe_end, spawn
from seawall.cli.supervisor_terms import Terms
from seawall.cli.supervisor_units import Change, State, Unit

PROBE_INTERVAL_S = 1.0
PROBE_INTERVAL_STARTING_S = 0.03
SILENT_STARTING_S_MAX = 600.0
"""A process that never began to answer is killed after so long; services wait for data to be prepared, which takes its time at first."""
HELD_POLL_S = 0.05
CONFIGURATION_STATUS = 2
"""A service that ends so says that it was set up wrongly (`cli/main.py`); before it ever worked, starting it again would not mend that."""
HURRIED_GRACE_S = 10.0
"""What a unit with a longer grace still gets once `hurry` was called."""


class Keeper:
    """Keeps one unit running."""

    def __init__(self, unit: Unit, terms: Terms, kept: Sequence[Keeper]) -> None:
        """`kept`: the keepers of all units, this one included, once it runs."""
        self.unit = unit
        self.state: State = "waiting"
        self.child: Child | None = None
        self.settled = asyncio.Event()
        """Set when it has been ready once, is done, or has been given up."""
        self.released = asyncio.Event()
        """Set when it and all that depends on it have been stopped; a task that is done stands between others, too."""
        self._terms = terms
        self._kept = kept
        self._failures: list[float] = []
        self._restarts = 0
        self._worked = False
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    async def keep(self) -> None:
        """Run the unit until it is done, given up or stopped."""
        try:
            if not await self._may_start():
                return
            while not self._stopping.is_set():
                status = await self._run_once()
                if self._stopping.is_set() or not await self._try_again(status):
                    return
        finally:
            self.settled.set()
            if self._stopping.is_set():
                self._change("stopped")
            self._stopped.set()

    async def stop(self) -> None:
        """Stop it once all that depends on it has stopped."""
        dependents = [k for k in self._kept if self.unit.name in (*k.unit.needs, *k.unit.uses)]
        await asyncio.gather(*(dependent.released.wait() for dependent in dependents))
        self._stopping.set()
        if child := self.child:
            self._change("stopping")
            await self._end(child)
        await self._stopped.wait()
        self.released.set()

    async def _end(self, child: Child) -> None:
        """Let it end what it is doing, ask it to stop, and kill it when it does not."""
        terms, unit = self._terms, self.unit
        if unit.drain_s and terms.drain:
            await first_of(terms.drain(unit), terms.hurried.wait(), child.wait())
        child.signal(unit.stop_signal)
        if (more_s := unit.stop_grace_s - HURRIED_GRACE_S) > 0.0:
            await first_of(child.wait(), asyncio.sleep(more_s), terms.hurried.wait())
        try:
            await asyncio.wait_for(child.wait(), min(unit.stop_grace_s, HURRIED_GRACE_S))
        except TimeoutError:
            child.kill_group()

    async def _may_start(self) -> bool:
        needed = self._named(self.unit.needs)
        if not await self._unless_stopping(all_settled([*needed, *self._named(self.unit.after)])):
            return False
        missing = [keeper.unit.label for keeper in needed if keeper.state == "failed"]
        if missing:
            self._give_up(f"needs {', '.join(missing)}")
        return not missing

    def _named(self, names: Collection[str]) -> list[Keeper]:
        """The keepers of all replicas of these units."""
        return [keeper for keeper in self._kept if keeper.unit.name in names]

    async def _run_once(self) -> int | str:
        """Start the process and attend to it until it ends; returns its status, or why it could not start."""
        try:
            self.child, lines = self._spawn()
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        self._change("starting")
        attending = asyncio.create_task(self._listen(lines) if self.unit.is_task else self._attend(self.child))
        status = await self.child.wait()
        self.child = None
        if not self.unit.is_task:
            attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)
        return status

    async def _try_again(self, status: int | str) -> bool:
        """Decide what the end of a process means; waits for the back-off. False: it is over."""
        if self.unit.is_task and status == 0:
            self._terms.on_done(self.unit)
            self._change("done")
            return False
        if not self.unit.is_task and (why := self._terms.held(self.unit)):
            self._change("held", why)
            return await self._unless_stopping(self._let_go())
        delay = self._delay(status)
        if delay is None:
            self._give_up(describe_end(status))
            return False
        self._change("backing-off", f"{describe_end(status)}; starting again in {delay:.1f} s")
        return await self._unless_stopping(asyncio.sleep(delay))

    def _delay(self, status: int | str) -> float | None:
        """Seconds to wait before the next try; None: there is none."""
        self._restarts += 1
        if self.unit.is_task:
            return self.unit.again_s or None if status != CONFIGURATION_STATUS else None
        now, policy = self._terms.clock.monotonic(), self._terms.policy
        self._failures = [*(at for at in self._failures if now - at < policy.window_s), now]
        worked = self._worked and self._terms.serving
        misled = status == CONFIGURATION_STATUS and isinstance(self.unit.probe, HttpProbe)
        return None if misled and not worked else policy.delay(self._failures, now, worked=worked)

    async def _unless_stopping(self, wanted: Coroutine[None, None, object]) -> bool:
        """Wait for `wanted`; False when asked to stop meanwhile."""
        await first_of(wanted, self._stopping.wait())
        return not self._stopping.is_set()

    async def _let_go(self) -> None:
        while self._terms.held(self.unit):  # noqa: ASYNC110 -- another process makes and removes the file
            await asyncio.sleep(HELD_POLL_S)

    def _give_up(self, why: str) -> None:
        self._change("failed", why)
        if self.unit.essential:
            self._terms.hopeless.set()

    def _spawn(self) -> tuple[Child, int]:
        """The process and, for a task, the end of a pipe its lines come from."""
        probe = self.unit.probe
        if probe is not None:
            probe.socket.unlink(missing_ok=True)
        unit = self.unit
        with ExitStack() as ours:
            log = self._terms.logs.open(unit.label)
            ours.callback(os.close, log)
            reading, writing = os.pipe() if unit.is_task else (-1, os.dup(log))
            ours.callback(os.close, writing)
            try:
                child = spawn(
                    unit.argv, unit.environment, stdout=writing, stderr=log, death_signal=unit.stop_signal, identity=unit.identity
                )
            except BaseException:
                if reading >= 0:
                    os.close(reading)
                raise
            return child, reading

    async def _listen(self, descriptor: int) -> None:
        """Hand on what a task prints, line by line."""
        reader = asyncio.StreamReader()
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
            while line := await reader.readline():
                self._terms.on_output(self.unit, line.rstrip())

    async def _attend(self, child: Child) -> None:
        """Ask how it is until cancelled; kill it when it has been silent for too long."""
        probe = self.unit.probe
        heard_at, silent_s_max = self._terms.clock.monotonic(), max(SILENT_STARTING_S_MAX, self._terms.silent_s_max)
        while probe is not None:
            health = await check(probe)
            now = self._terms.clock.monotonic()
            if health.answered:
                heard_at, silent_s_max = now, self._terms.silent_s_max
            if health.ready != (self.state == "ready"):
                self._note(ready=health.ready, detail=health.detail)
            if now - heard_at > silent_s_max:
                child.signal(signal.SIGKILL)
                return
            await asyncio.sleep(PROBE_INTERVAL_S if self.settled.is_set() and health.ready else PROBE_INTERVAL_STARTING_S)

    def _note(self, *, ready: bool, detail: str) -> None:
        if self._stopping.is_set():
            return
        if ready:
            self._worked = True
            self._change("ready")
            self.settled.set()
        elif self.state == "ready":
            self._change("unready", detail)

    def _change(self, state: State, detail: str = "") -> None:
        self.state = state
        child = self.child
        after_s = self._terms.clock.monotonic() - self._terms.began
        pid, ticks = (child.pid, child.started_ticks) if child else (0, 0)
        self._terms.observe(Change(self.unit, state, detail, pid, ticks, self._restarts, after_s))


async def first_of(*wanted: Coroutine[None, None, object]) -> None:
    """Wait until one of them is done; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in wanted]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_settled(keepers: Iterable[Keeper]) -> None:
    """Wait until each has been ready once, is done, or has been given up."""
    await asyncio.gather(*(keeper.settled.wait() for keeper in keepers))
