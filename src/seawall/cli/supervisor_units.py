"""The supervisor's nouns: what to run, what became of it, and how long to wait before trying again. All values."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Literal

import msgspec

from seawall.cli.supervisor_health import Probe
from seawall.store.embedded_postgres import Identity

State = Literal["waiting", "starting", "ready", "unready", "backing-off", "held", "failed", "done", "stopping", "stopped"]
"""`unready`: was ready, runs, and says it is not now. `held`: has ended and lies until it is let go. `done`: a task that ended well.
`failed`: given up."""


class Unit(msgspec.Struct, frozen=True):
    """One process to keep running, or, without a probe, one task to run to its end."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str] = {}
    replica: int = 0
    needs: tuple[str, ...] = ()
    """Names of units that must be ready (a task: done) before this starts. When one fails, so does this."""
    uses: tuple[str, ...] = ()
    """Names of units that are stopped only after this; it need not wait for them to start."""
    after: tuple[str, ...] = ()
    """Names of units that must have been ready once, or given up, before this starts; they need not outlive it."""
    essential: bool = True
    """Whether the start has failed when this is given up."""
    awaited: bool = True
    """Whether the instance is ready only when this is."""
    again_s: float = 0.0
    """A task that failed is tried again after so long; 0: it is given up."""
    probe: Probe | None = None
    identity: Identity = "self"
    stop_signal: int = signal.SIGTERM
    stop_grace_s: float = 6.0
    """How long it may take to stop before it is killed."""
    drain_s: float = 0.0
    """How long it lets what is in flight end before it is asked to stop; 0: it is asked at once."""

    @property
    def label(self) -> str:
        """Its name in logs and on sockets: `ui-read-1`."""
        return f"{self.name}-{self.replica}"

    @property
    def is_task(self) -> bool:
        """Whether it ends by itself."""
        return self.probe is None


class Change(msgspec.Struct, frozen=True):
    """A unit's state now."""

    unit: Unit
    state: State
    detail: str = ""
    pid: int = 0
    started_ticks: int = 0
    restarts: int = 0
    after_s: float = 0.0
    """Seconds since the supervisor started."""


class RestartPolicy(msgspec.Struct, frozen=True):
    """Wait twice as long after each failure within the window. During the start, give up after `failures_max`."""

    delay_s: float = 0.1
    delay_s_max: float = 5.0
    failures_max: int = 6
    window_s: float = 60.0

    def delay(self, failures: Sequence[float], now: float, *, worked: bool = False) -> float | None:
        """Seconds to wait after the failures at these times, the last one included; None: give up.

        What `worked` in an instance that was ready is tried for ever: what stands in its way, a full disk, may go.
        """
        recent = sum(1 for at in failures if now - at < self.window_s)
        if recent > self.failures_max and not worked:
            return None
        return min(self.delay_s * 2.0 ** max(0, min(recent, 64) - 1), self.delay_s_max)
