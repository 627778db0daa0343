"""Readiness derived from what is wired."""

import asyncio

import pytest

from seawall.ui import health
from seawall.ui.health import Health, Ping


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def broken() -> bool:
    raise OSError("away")


async def slow() -> bool:
    await asyncio.sleep(60)
    return True


async def test_a_soft_dependency_may_be_away() -> None:
    """Valkey or Postgres gone is told, and pages still serve."""
    found = await Health((Ping("bundle", yes), Ping("valkey", no, hard=False), Ping("postgres", broken, hard=False))).readiness()
    assert found.ready
    assert {name: check.ok for name, check in found.checks.items()} == {"bundle": True, "valkey": False, "postgres": False}


async def test_a_hard_dependency_takes_us_out_of_rotation() -> None:
    """Without the warehouse no panel is made."""
    assert not (await Health((Ping("warehouse", no),)).readiness()).ready


async def test_a_check_that_hangs_counts_as_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness itself answers in bounded time."""
    monkeypatch.setattr(health, "PING_SECONDS_MAX", 0.01)
    assert not (await Health((Ping("warehouse", slow),)).readiness()).ready


async def test_a_draining_process_is_not_ready() -> None:
    """The gateway stops choosing us before we go."""
    made = Health((Ping("bundle", yes),))
    made.draining = True
    assert not (await made.readiness()).ready
