"""A unit that is held lies for a while, never for good."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from seawall.cli.instance import Instance
from seawall.cli.supervisor_hold import HOLD_S_MAX, Hold, held, let_go, take
from seawall.cli.supervisor_process import start_ticks
from seawall.core.errors import InvalidInput


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path, tmp_path / "run")


def test_what_is_held_lies_until_it_is_let_go(instance: Instance) -> None:
    """And nothing else does."""
    take(instance, "vectors-0", "a drill", 60.0)
    assert held(instance, "vectors-0") == "a drill"
    assert held(instance, "postgres-0") == ""
    let_go(instance, "vectors-0")
    let_go(instance, "vectors-0")
    assert held(instance, "vectors-0") == ""


def test_a_hold_has_an_end(instance: Instance) -> None:
    """Its time, and never more than a quarter of an hour."""
    take(instance, "vectors-0", "a drill", 60.0)
    assert held(instance, "vectors-0", now=lambda: time.time() + 61.0) == ""
    with pytest.raises(InvalidInput):
        take(instance, "vectors-0", "a drill", HOLD_S_MAX + 1)


def test_a_holder_that_is_gone_holds_nothing(instance: Instance) -> None:
    """Neither does a file that cannot be read."""
    ticks = start_ticks(os.getpid()) or 0
    instance.holds.mkdir()
    gone = Hold(os.getpid(), ticks + 1, time.time() + 60.0, "a drill")
    (instance.holds / "vectors-0.json").write_bytes(msgspec.json.encode(gone))
    assert held(instance, "vectors-0") == ""
    (instance.holds / "vectors-0.json").write_bytes(b"{")
    assert held(instance, "vectors-0") == ""
