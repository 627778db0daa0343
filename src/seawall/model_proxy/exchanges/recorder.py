"""Records exchanges without ever making a call wait.

`record` puts a call that is over into a bounded queue. Five times a second what waits is made into exchanges, redacted, compressed, sealed
and appended to the tenants' segments; small slices on the event loop, the rest in a thread. When the queue is full the oldest are
dropped, counted and told as an event; so are those a full disk refuses. What a killed process had not written is lost: at most the last
quarter of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import TypeVar

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import SeawallError
from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.config import Recording
from seawall.model_proxy.exchanges.build import Redact, Told, build
from seawall.model_proxy.exchanges.format import encode, join
from seawall.model_proxy.exchanges.keys import FILE, FileKeys, KeySource, Kms, pseudonym, sealer
from seawall.model_proxy.exchanges.redact import redact
from seawall.model_proxy.exchanges.segments import SEGMENT_BYTES_MAX, Segment, folder_of, hour_of, prune
from seawall.model_proxy.forms import whole_bytes
from seawall.telemetry.events import event

FOLDER = "exchanges"
"""In the data directory."""
WAITING_MAX = 8192
WAITING_BYTES_MAX = 64 << 20
OVERHEAD_BYTES = 2048
"""What a waiting call costs beside its texts."""
BYTES_PER_TOKEN = 8
FLUSH_SECONDS = 0.2
SLICE = 4
"""Exchanges made in one go: less than a tenth of a millisecond of the event loop."""
AT_ONCE_BYTES_MAX = 128 << 10
"""A longer one is read through in the thread that writes."""
BATCH_LINES_MAX = 2048
OPEN_MAX = 64
"""Segments open at once; of more tenants, those that were quiet longest are closed."""
PRUNE_SECONDS = 600.0
CLOSE_SECONDS_MAX = 5.0
PSEUDONYMS_MAX = 4096
Value = TypeVar("Value")


class Writer:
    """The segments one process writes, one a tenant at a time. Blocking, and used from one thread."""

    def __init__(
        self, root: Path, keys: KeySource, settings: Recording, clock: Clock = SYSTEM_CLOCK, *, segment_bytes_max: int = SEGMENT_BYTES_MAX
    ) -> None:
        self._root = root
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._segment_bytes_max = segment_bytes_max
        self._open: OrderedDict[str, Segment] = OrderedDict()
        self._prune_at = 0.0

    def append(self, tenant: str, lines: bytes) -> None:
        """Add a batch. OSError or SeawallError when it could not be written; the next one begins another segment."""
        segment = self._segment(tenant)
        try:
            segment.append(lines)
        except OSError:
            self._close(tenant)
            raise

    def tidy(self) -> None:
        """Let go of what is too old or too much, now and then."""
        now = self._clock.time()
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_SECONDS
            prune(self._root, now=now, keep_seconds=self._settings.keep, bytes_max=self._settings.max_gb * 1e9)

    def close(self) -> None:
        """Close every segment."""
        for tenant in tuple(self._open):
            self._close(tenant)

    def _segment(self, tenant: str) -> Segment:
        hour = hour_of(self._clock.time())
        segment = self._open.get(tenant)
        if segment is not None and (segment.hour != hour or segment.bytes >= self._segment_bytes_max):
            self._close(tenant)
            segment = None
        if segment is None:
            self._keys.refresh()
            segment = self._open[tenant] = Segment(folder_of(self._root, tenant), tenant, sealer(self._keys.ring(tenant)), hour)
            if len(self._open) > OPEN_MAX:
                self._close(next(iter(self._open)))
        self._open.move_to_end(tenant)
        return segment

    def _close(self, tenant: str) -> None:
        with contextlib.suppress(OSError):
            self._open.pop(tenant).close()


class Recorder:
    """Keeps the promise of `stages.Record`. `start` it on the event loop; `close` writes what waits."""

    def __init__(self, writer: Writer, keys: KeySource, clock: Clock = SYSTEM_CLOCK, *, clean: Redact = redact) -> None:
        self._writer = writer
        self._keys = keys
        self._time = clock.time
        self._clean = clean
        self._waiting: deque[tuple[Told, int]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="exchanges")
        self._pseudonyms: OrderedDict[tuple[str, str], str] = OrderedDict()
        self.dropped = 0
        """Exchanges that were not written, since the start."""
        self._told_dropped = 0
        self.written = 0

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Queue the exchange of a call that is over. Never waits, never raises."""
        waiting = self._waiting
        size = len(call.request.body) + len(call.sent) + len(text) + BYTES_PER_TOKEN * call.usage.output + OVERHEAD_BYTES
        data = whole_bytes(answer) if answer is not None and call.surface != "embeddings" else b""
        waiting.append((Told(call, answer, text, pieces, self._time(), monotonic_ns() - call.started_ns, data), size))
        self._bytes += size
        while len(waiting) > WAITING_MAX or self._bytes > WAITING_BYTES_MAX:
            self._take()
            self.dropped += 1
        if len(waiting) == 1:
            self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="seawall-exchanges", context=Context())

    async def close(self) -> None:
        """Write what waits, for at most five seconds, and stop."""
        self._stop.set()
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self.flush(), context=Context())
        _, late = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS_MAX)
        for task in late:
            task.cancel()
            self.dropped += len(self._waiting)
        self._tell_dropped()
        await self._in_thread(self._writer.close)
        self._thread.shutdown(wait=False)

    async def flush(self) -> None:
        """Write what waits now."""
        while self._waiting:
            lines: dict[str, list[bytes]] = defaultdict(list)
            for _ in range(min(BATCH_LINES_MAX, len(self._waiting)) // SLICE + 1):
                for _ in range(min(SLICE, len(self._waiting))):
                    if not self._waiting:  # let go of while a long one was read
                        break
                    long = self._waiting[0][1] > AT_ONCE_BYTES_MAX
                    told = self._take()
                    tenant, line = await self._in_thread(partial(self._line, told)) if long else self._line(told)
                    if line:
                        lines[tenant].append(line)
                await asyncio.sleep(0)
            await asyncio.shield(self._in_thread(partial(self._write, lines)))
        self._tell_dropped()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._stop.wait()
            await self.flush()
            if self._stop.is_set():
                return

    def _take(self) -> Told:
        told, size = self._waiting.popleft()
        self._bytes -= size
        return told

    def _line(self, told: Told) -> tuple[str, bytes]:
        try:
            caller = told.call.caller
            tenant = caller.principal.tenant if caller else ""
            name = self._pseudonym(tenant, caller.principal.user) if caller else ""
            return tenant, encode(build(told, name, clean=self._clean))
        except Exception as error:  # noqa: BLE001 -- a process edge: one exchange that cannot be written must not end the record
            event("exchange.not_recorded", error=type(error).__name__)
            self.dropped += 1
            return "", b""

    def _write(self, lines: dict[str, list[bytes]]) -> None:
        for tenant, batch in lines.items():
            try:
                self._writer.append(tenant, join(batch))
                self.written += len(batch)
            except (OSError, SeawallError) as error:
                event("exchanges.not_written", error=type(error).__name__, count=len(batch))
                self.dropped += len(batch)
                self._told_dropped += len(batch)
        try:
            self._writer.tidy()
        except OSError as error:
            event("exchanges.not_written", error=type(error).__name__, count=0)

    def _pseudonym(self, tenant: str, user: str) -> str:
        name = self._pseudonyms.get((tenant, user))
        if name is None:
            name = self._pseudonyms[tenant, user] = pseudonym(self._keys.ring(tenant), user)
            if len(self._pseudonyms) > PSEUDONYMS_MAX:
                self._pseudonyms.popitem(last=False)
        return name

    def _tell_dropped(self) -> None:
        if self.dropped > self._told_dropped:
            event("exchanges.dropped", count=self.dropped - self._told_dropped)
            self._told_dropped = self.dropped

    async def _in_thread(self, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def open_recorder(data: Path, recording: Recording, *, kms: Kms | None = None, clock: Clock = SYSTEM_CLOCK) -> Recorder | None:
    """The recorder of an instance with the data directory `data`; None when nothing is to be kept."""
    if recording.keep <= 0:
        return None
    keys = FileKeys(data / "keys" / FILE, kms)
    return Recorder(Writer(data / FOLDER, keys, recording, clock), keys, clock)
