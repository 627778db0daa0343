"""Keeps a set of processes running, in dependency order.

Guarantees: a unit starts once what it needs is ready; independent units start together. A process that ends is started again
after a back-off, until the policy gives up; the others go on. A process that has stopped answering is killed and started again.
`stop` ends dependents before what they depend on, lets what is in flight end first (`hurry` cuts that short), asks politely, and
returns with nothing left running. What a unit is and
why it exists is the plan's business (`supervisor_plan.py`); what to tell people is the observer's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress

from seawall.cli.supervisor_health import HttpProbe, check
from seawall.cli.supervisor_logs import Logs
from seawall.cli.supervisor_process import Child, spawn
from seawall.cli.supervisor_units import Change, RestartPolicy, State, Unit
from seawall.core.clock import SYSTEM_CLOCK, Clock

PROBE_INTERVAL_S = 1.0
PROBE_INTERVAL_STARTING_S = 0.03
SILENT_S_MAX = 30.0
"""A process that has stopped answering probes for this long is killed."""
SILENT_STARTING_S_MAX = 600.0
"""So is one that never began to; services wait for the preparation of data, which takes its time on a first start."""
ROTATE_INTERVAL_S = 10.0
HELD_POLL_S = 0.05
CONFIGURATION_STATUS = 2
"""A service that ends with this says that it was set up wrongly (`cli/main.py`): starting it again would not mend that."""

Observer = Callable[[Change], None]
OutputHandler = Callable[[Unit, bytes], None]
Drain = Callable[[Unit], Coroutine[None, None, None]]
"""Lets what is in flight at a unit end; returns when nothing is, or its `drain_s` is over."""
HURRIED_GRACE_S = 10.0
"""What a unit with a longer grace still gets once `hurry` was called."""


class Supervisor:
    """Runs units. Use from one event loop: `await start()`, then `await stop()`."""

    def __init__(
        self,
        units: Iterable[Unit],
        logs: Logs,
        observe: Observer,
        *,
        on_output: OutputHandler = lambda unit, line: None,
        on_done: Callable[[Unit], None] = lambda unit: None,
        drain: Drain | None = None,
        held: Callable[[Unit], str] = lambda unit: "",
        policy: RestartPolicy | None = None,
        silent_s_max: float = SILENT_S_MAX,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.logs = logs
        self.observe = observe
        self.on_output = on_output
        self.on_done = on_done
        self.drain = drain
        self.held = held
        """Why a unit that has ended is to lie for now; empty: it is not."""
        self.policy = policy or RestartPolicy()
        self.silent_s_max = silent_s_max
        self.clock = clock
        self.keepers = [Keeper(unit, self) for unit in units]
        self.began = clock.monotonic()
        self.hopeless = asyncio.Event()
        """Set when an essential unit has been given up."""
        self.hurried = asyncio.Event()
        """Set when nobody waits for what is in flight any more."""
        self._tasks: list[asyncio.Task[None]] = []

    def named(self, names: Iterable[str]) -> list[Keeper]:
        """The keepers of all replicas of these units."""
        wanted = set(names)
        return [keeper for keeper in self.keepers if keeper.unit.name in wanted]

    async def start(self) -> list[Unit]:
        """Start everything; returns those given up once all that is awaited is ready, done or given up, or an essential one is."""
        self._tasks = [asyncio.create_task(keeper.keep(), name=keeper.unit.label) for keeper in self.keepers]
        self._tasks.append(asyncio.create_task(self._rotate(), name="rotate logs"))
        await first_of(_all_settled([keeper for keeper in self.keepers if keeper.unit.awaited]), self.hopeless.wait())
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()  # a fault of ours ends the start; it is not kept until the stop
        return [keeper.unit for keeper in self.keepers if keeper.state == "failed"]

    async def stop(self) -> None:
        """Stop everything, dependents first. Returns when nothing runs."""
        await asyncio.gather(*(keeper.stop() for keeper in self.keepers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hurry(self) -> bool:
        """Cut what is in flight; everything is still stopped in order. False: that was asked for before."""
        before = self.hurried.is_set()
        self.hurried.set()
        return not before

    def kill(self) -> None:
        """Stop waiting for anybody: kill what still runs."""
        for keeper in self.keepers:
            if keeper.child:
                keeper.child.kill_group()

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_INTERVAL_S)
            with suppress(OSError):  # a full disk must not end supervision
                self.logs.rotate()


class Keeper:
    """Keeps one unit running."""

    def __init__(self, unit: Unit, supervisor: Supervisor) -> None:
        self.unit = unit
        self.state: State = "waiting"
        self.child: Child | None = None
        self.settled = asyncio.Event()
        """Set when it has been ready once, is done, or has been given up."""
        self.released = asyncio.Event()
        """Set when it and all that depends on it have been stopped; a task that is done stands between others, too."""
        self._supervisor = supervisor
        self._failures: list[float] = []
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
        dependents = [k for k in self._supervisor.keepers if self.unit.name in (*k.unit.needs, *k.unit.uses)]
        await asyncio.gather(*(dependent.released.wait() for dependent in dependents))
        self._stopping.set()
        if child := self.child:
            self._change("stopping")
            await self._end(child)
        await self._stopped.wait()
        self.released.set()

    async def _end(self, child: Child) -> None:
        """Let it end what it is doing, ask it to stop, and kill it when it does not."""
        supervisor, unit = self._supervisor, self.unit
        if unit.drain_s and supervisor.drain:
            await first_of(supervisor.drain(unit), supervisor.hurried.wait(), child.wait())
        child.signal(unit.stop_signal)
        if (more_s := unit.stop_grace_s - HURRIED_GRACE_S) > 0.0:
            await first_of(child.wait(), asyncio.sleep(more_s), supervisor.hurried.wait())
        try:
            await asyncio.wait_for(child.wait(), min(unit.stop_grace_s, HURRIED_GRACE_S))
        except TimeoutError:
            child.kill_group()

    async def _may_start(self) -> bool:
        needed = self._supervisor.named(self.unit.needs)
        if not await self._unless_stopping(_all_settled([*needed, *self._supervisor.named(self.unit.after)])):
            return False
        missing = [keeper.unit.label for keeper in needed if keeper.state == "failed"]
        if missing:
            self._give_up(f"needs {', '.join(missing)}")
        return not missing

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
            self._supervisor.on_done(self.unit)
            self._change("done")
            return False
        if not self.unit.is_task and (why := self._supervisor.held(self.unit)):
            self._change("held", why)
            return await self._unless_stopping(self._let_go())
        now = self._supervisor.clock.monotonic()
        self._failures.append(now)
        hopeless = self.unit.is_task or (status == CONFIGURATION_STATUS and isinstance(self.unit.probe, HttpProbe))
        delay = None if hopeless else self._supervisor.policy.delay(self._failures, now)
        if delay is None:
            self._give_up(describe_end(status))
            return False
        self._change("backing-off", f"{describe_end(status)}; starting again in {delay:.1f} s")
        return await self._unless_stopping(asyncio.sleep(delay))

    async def _unless_stopping(self, wanted: Coroutine[None, None, object]) -> bool:
        """Wait for `wanted`; False when asked to stop meanwhile."""
        await first_of(wanted, self._stopping.wait())
        return not self._stopping.is_set()

    async def _let_go(self) -> None:
        while self._supervisor.held(self.unit):  # noqa: ASYNC110 -- somebody else's file
            await asyncio.sleep(HELD_POLL_S)

    def _give_up(self, why: str) -> None:
        self._change("failed", why)
        if self.unit.essential:
            self._supervisor.hopeless.set()

    def _spawn(self) -> tuple[Child, int]:
        """The process and, for a task, the end of a pipe its lines come from."""
        probe = self.unit.probe
        if probe is not None:
            probe.socket.unlink(missing_ok=True)
        log = self._supervisor.logs.open(self.unit.label)
        reading, writing = os.pipe() if self.unit.is_task else (-1, os.dup(log))
        try:
            unit = self.unit
            return spawn(
                unit.argv, unit.environment, stdout=writing, stderr=log, death_signal=unit.stop_signal, identity=unit.identity
            ), reading
        finally:
            os.close(writing)
            os.close(log)

    async def _listen(self, descriptor: int) -> None:
        """Hand on what a task prints, line by line."""
        reader = asyncio.StreamReader()
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
            while line := await reader.readline():
                self._supervisor.on_output(self.unit, line.rstrip())

    async def _attend(self, child: Child) -> None:
        """Ask how it is until cancelled; kill it when it has been silent for too long."""
        probe = self.unit.probe
        heard_at, silent_s_max = self._supervisor.clock.monotonic(), max(SILENT_STARTING_S_MAX, self._supervisor.silent_s_max)
        while probe is not None:
            health = await check(probe)
            now = self._supervisor.clock.monotonic()
            if health.answered:
                heard_at, silent_s_max = now, self._supervisor.silent_s_max
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
            self._change("ready")
            self.settled.set()
        elif self.state == "ready":
            self._change("unready", detail)

    def _change(self, state: State, detail: str = "") -> None:
        self.state = state
        child = self.child
        after_s = self._supervisor.clock.monotonic() - self._supervisor.began
        pid, ticks = (child.pid, child.started_ticks) if child else (0, 0)
        self._supervisor.observe(Change(self.unit, state, detail, pid, ticks, len(self._failures), after_s))


async def first_of(*wanted: Coroutine[None, None, object]) -> None:
    """Wait until one of them is done; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in wanted]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_settled(keepers: Iterable[Keeper]) -> None:
    await asyncio.gather(*(keeper.settled.wait() for keeper in keepers))


def describe_end(status: int | str) -> str:
    """An exit status in words."""
    if isinstance(status, str):
        return f"could not start: {status}"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
