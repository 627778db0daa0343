"""The ladder under any sequence of faults: a state machine over two processes that share Valkey and Postgres.

Whatever fails and in whatever order: `serve` never raises, never gives one reader what was made for another, never calls
an old watermark fresh or cached, never serves stale beyond its age, gives a summary only where that is allowed, and
answers soon after the deadline. Time is virtual.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.virtual_time import VirtualLoop

from seawall.app.model import Outage
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import NotPermitted, Unavailable
from seawall.query.cache import Cache, CacheKey, MemoryCache, parameters_of
from seawall.query.cache_shared import SharedCache
from seawall.query.ladder import Ladder, Served
from seawall.query.summaries import Summaries
from seawall.store.memory_database import MemoryDatabase
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer

FRESH_SECONDS = {"sales": 3600.0, "stock": 5.0, "now": 0.0}
"""By subject, as an app declares it."""
VISITS = [(subject, "x", right, "en") for subject in FRESH_SECONDS for right in (0, 1)] + [("sales", "y", 0, "en"), ("sales", "x", 0, "de")]
"""Subject, parameter, which of the two rights, locale."""
DEADLINE_SECONDS = 0.9
LIMIT_SECONDS = 10.0
GRACE_SECONDS = 0.3
"""What looking for a lower rung may take beyond the deadline."""
SEALER = Sealer(bytes(32))


class Made(msgspec.Struct, frozen=True):
    """What a producer puts into a payload: everything it was made for."""

    subject: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    fingerprint: str
    locale: str
    watermark: str
    at: float


def outages() -> st.SearchStrategy[Outage]:
    return st.builds(Outage, stale_max_age_seconds=st.sampled_from([None, 0.0, 30.0, 86_400.0]), summary=st.booleans())


class LadderMachine(RuleBasedStateMachine):
    """Two ui processes, what they share, and everything that can go wrong with it."""

    @initialize()
    def build(self) -> None:
        self.clock = ManualClock()
        self.loop = VirtualLoop(self.clock)
        asyncio.set_event_loop(self.loop)
        self.folder = tempfile.TemporaryDirectory()
        self.valkey = MemoryValkey(self.clock)
        self.database = MemoryDatabase(self.clock)
        self.disk_full = False
        self.mode = "ok"
        self.watermark = 1
        self.rights = ["f1", "f2"]
        self.making: set[tuple[int, str]] = set()
        self.processes = [self.process(number) for number in range(2)]

    def process(self, number: int) -> tuple[Ladder, Summaries]:
        summaries = Summaries(self.database, Path(self.folder.name) / str(number), SEALER, self.clock, every_seconds=10.0)
        machine, disk = self, summaries._disk
        write = disk.write

        def failing_write(name: str, sealed: bytes) -> None:
            if machine.disk_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(name, sealed)

        disk.write = failing_write
        cache = Cache(MemoryCache(bytes_max=40_000), SharedCache(self.valkey, SEALER, self.clock), self.clock)
        return Ladder(cache, summaries, self.clock, limit_seconds=LIMIT_SECONDS, flights_max=4), summaries

    # ── what users do ──

    @rule(
        number=st.integers(0, 1),
        visit=st.sampled_from(VISITS),
        behind=st.sampled_from([0, 0, 0, 1]),
        outage=outages(),
        people=st.integers(1, 3),
    )
    def ask(self, number: int, visit: tuple[str, str, int, str], behind: int, outage: Outage, people: int) -> None:
        subject, department, right, locale = visit
        key = CacheKey(subject, parameters_of({"d": [department]}), self.rights[right], locale, f"w{self.watermark - behind:06d}")
        ladder = self.processes[number][0]
        if peeked := ladder.peek(key):
            self.check(peeked, key, outage, self.clock.time())
            assert peeked.rung == "cached"
        began = self.clock.time()
        asked = [self.serve(number, key, outage) for _ in range(people)]
        for served, ended in self.loop.run_until_complete(asyncio.wait_for(asyncio.gather(*asked), 3600)):
            self.check(served, key, outage, began)
            assert ended - began <= DEADLINE_SECONDS + GRACE_SECONDS

    async def serve(self, number: int, key: CacheKey, outage: Outage) -> tuple[Served, float]:
        async def produce(_: Deadline) -> bytes:
            return await self.produce(number, key)

        served = await self.processes[number][0].serve(
            key,
            produce,
            outage=outage,
            fresh_for=FRESH_SECONDS[key.subject],
            deadline=Deadline.after(DEADLINE_SECONDS, self.clock),
        )
        return served, self.clock.time()

    async def produce(self, number: int, key: CacheKey) -> bytes:
        making = (number, key.exact)
        assert making not in self.making, "one process makes one answer twice at a time"
        self.making.add(making)
        try:
            at = self.clock.time()
            await asyncio.sleep({"ok": 0.05, "slow": 3.0, "stuck": 100.0}.get(self.mode, 0.01))
            if self.mode == "refused":
                raise NotPermitted
            if self.mode == "fails":
                raise Unavailable
            if self.mode == "bug":
                raise KeyError("what nobody foresaw")
            return msgspec.json.encode(Made(key.subject, key.parameters, key.fingerprint, key.locale, key.watermark, at))
        finally:
            self.making.remove(making)

    def check(self, served: Served, key: CacheKey, outage: Outage, began: float) -> None:
        if served.payload is None:
            assert served.rung == "explanation"
            assert served.reason
            return
        made = msgspec.json.decode(served.payload, type=Made)
        assert (made.subject, made.parameters, made.fingerprint, made.locale) == (
            key.subject,
            key.parameters,
            key.fingerprint,
            key.locale,
        )
        assert served.made_at == made.at
        if served.rung in {"fresh", "cached"}:
            assert made.watermark == key.watermark
        if served.rung == "fresh":
            assert made.at >= began - LIMIT_SECONDS
        elif served.rung == "cached":
            assert began - made.at < FRESH_SECONDS[key.subject]
        elif served.rung == "stale":
            assert outage.stale_max_age_seconds is not None
            assert self.clock.time() - made.at <= outage.stale_max_age_seconds + GRACE_SECONDS
        else:
            assert served.rung == "summary"
            assert outage.summary

    # ── what happens to them ──

    @rule(seconds=st.sampled_from([0.1, 0.6, 3.0, 12.0, 40.0, 4000.0, 100_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    @rule(
        number=st.integers(0, 1),
        mode=st.sampled_from(["fails", "slow", "bug"]),
        seconds=st.sampled_from([0.0, 40.0, 90_000.0]),
        outage=outages(),
    )
    def a_good_day_ends_badly(self, number: int, mode: str, seconds: float, outage: Outage) -> None:
        """A walk that chance takes seldom: all is well and written down, then making fails, later, for a new generation."""
        self.mode, self.valkey.away, self.database.away, self.disk_full = "ok", False, False, False
        self.time_passes(0.6)
        for visit in VISITS[:2]:
            self.ask(number, visit, 0, outage, 1)
        self.summaries_are_written(number)
        self.a_generation_is_published()
        self.mode = mode
        self.time_passes(seconds)
        for visit in VISITS[:2]:
            self.ask(number, visit, 0, outage, 2)

    @rule(mode=st.sampled_from(["ok", "ok", "fails", "slow", "stuck", "bug", "refused"]))
    def making_changes(self, mode: str) -> None:
        self.mode = mode

    @rule(away=st.booleans())
    def valkey_goes_or_comes(self, away: bool) -> None:
        self.valkey.away = away

    @rule()
    def valkey_restarts(self) -> None:
        self.valkey.clear()

    @rule(kind=st.sampled_from([":entry", "seawall:latest:"]), number=st.integers(0, 1))
    def someone_moves_values_in_valkey(self, kind: str, number: int) -> None:
        """Every entry, or every pointer, gets its neighbour's value; then a process with an empty memory looks."""
        names = sorted(name for name in self.valkey._values if kind in name)
        moved = [self.valkey._values[name] for name in names[1:] + names[:1]]
        self.valkey._values.update(zip(names, moved, strict=True))
        self.a_process_restarts(number)
        for visit in VISITS:
            self.ask(number, visit, 0, Outage(), 1)

    @rule(away=st.booleans())
    def postgres_goes_or_comes(self, away: bool) -> None:
        self.database.away = away

    @rule(full=st.booleans())
    def disk_fills_or_empties(self, full: bool) -> None:
        self.disk_full = full

    @rule(number=st.integers(0, 1))
    def summaries_are_written(self, number: int) -> None:
        self.loop.run_until_complete(self.processes[number][1].flush())

    @precondition(lambda self: self.watermark < 50)
    @rule()
    def a_generation_is_published(self) -> None:
        self.watermark += 1

    @rule(right=st.integers(0, 1))
    def a_policy_changes(self, right: int) -> None:
        self.rights[right] += "'"

    @rule(number=st.integers(0, 1))
    def a_process_restarts(self, number: int) -> None:
        self.end(number)
        self.processes[number] = self.process(number)

    @invariant()
    def flights_are_bounded(self) -> None:
        for ladder, _ in getattr(self, "processes", ()):
            assert len(ladder._flights) <= 4

    def end(self, number: int) -> None:
        ladder, summaries = self.processes[number]
        self.loop.run_until_complete(ladder.close())
        self.loop.run_until_complete(summaries.close())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        for number in range(2):
            self.end(number)
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()
        asyncio.set_event_loop(None)
        self.folder.cleanup()


TestLadder = LadderMachine.TestCase
TestLadder.settings = settings(max_examples=40, stateful_step_count=30)
