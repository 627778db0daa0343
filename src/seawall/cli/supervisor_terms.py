"""What all keepers of one supervisor go by: whom they tell, how patient they are, and whether anybody still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from seawall.cli.supervisor_logs import Logs
from seawall.cli.supervisor_units import Change, RestartPolicy, Unit
from seawall.core.clock import SYSTEM_CLOCK, Clock

SILENT_S_MAX = 30.0
"""A process that has stopped answering probes for this long is killed."""

Observer = Callable[[Change], None]
OutputHandler = Callable[[Unit, bytes], None]
Drain = Callable[[Unit], Coroutine[None, None, None]]
"""Lets what is in flight at a unit end; returns when nothing is, or its `drain_s` is over."""


class Terms:
    """Shared by all of them; `hopeless` and `hurried` are set once and stay so."""

    def __init__(
        self,
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
        self.began = clock.monotonic()
        self.hopeless = asyncio.Event()
        """Set when an essential unit has been given up."""
        self.serving = False
        """Set when everything that is awaited was ready."""
        self.hurried = asyncio.Event()
        """Set when nobody waits for what is in flight any more."""
