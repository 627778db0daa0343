"""What people and programs are told while an instance starts."""

from __future__ import annotations

import errno
import io
import json

import pytest

from seawall.cli.supervisor_report import HumanReporter, JsonReporter, Progress, Ready
from seawall.cli.supervisor_units import Change, Unit

READY = Ready(url="http://localhost:1", sign_in_url="http://localhost:1/auth/link/x", data="/d", port=1, pid=2)


def _terminal() -> io.StringIO:
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    return out


def test_json_prints_one_line_and_nothing_else() -> None:
    """A program reads one line and has everything."""
    out = io.StringIO()
    reporter = JsonReporter(out)
    reporter.changed(Change(Unit("valkey", ("x",)), "failed"))
    reporter.progressed(Progress("products", 0.5))
    reporter.note("Stopping")
    reporter.ready(READY, [], 1.0)
    assert json.loads(out.getvalue()) == {
        "url": "http://localhost:1", "sign_in_url": "http://localhost:1/auth/link/x", "data": "/d", "port": 1, "pid": 2,
    }  # fmt: skip
    assert out.getvalue().count("\n") == 1


def test_people_see_services_turn_ready_then_where_to_go() -> None:
    """Starting is quiet; ready, given up and the link are said."""
    out = io.StringIO()
    reporter = HumanReporter(out)
    unit = Unit("ui-read", ("x",), replica=1)
    reporter.changed(Change(unit, "starting"))
    assert out.getvalue() == ""
    reporter.changed(Change(unit, "ready", after_s=0.25))
    reporter.changed(Change(Unit("workers", ("x",)), "failed", "ended with status 1", restarts=7))
    reporter.ready(READY, ["workers-0"], 3.2)
    text = out.getvalue()
    assert "✓ ui-read-1         0.2 s" in text
    assert "✗ workers         failed  ended with status 1" in text
    assert "Ready in 3.2 s, without workers-0" in text
    assert "http://localhost:1/auth/link/x" in text


def test_a_service_turns_ready_once() -> None:
    """The model engine answers, loads its models and answers again: that is one start."""
    out = io.StringIO()
    reporter, unit = HumanReporter(out), Unit("model-engine", ("x",))
    for state in ("starting", "ready", "unready", "ready"):
        reporter.changed(Change(unit, state, after_s=1.0))
    assert out.getvalue().count("model-engine") == 1
    reporter.changed(Change(unit, "ready", restarts=1))
    assert out.getvalue().count("ready again") == 1


def test_data_that_is_there_already_draws_no_bar() -> None:
    """A second start has nothing to prepare; what was prepared ends with a whole bar."""
    for out in (io.StringIO(), _terminal()):
        reporter = HumanReporter(out)
        reporter.progressed(Progress("", 1.0))
        assert out.getvalue() == ""
        reporter.progressed(Progress("products", 0.5))
        reporter.progressed(Progress("", 1.0))
        assert "100%" in out.getvalue()


def test_a_file_gets_a_line_a_tenth_of_the_bar() -> None:
    """Logs of CI are not flooded by a progress bar."""
    out = io.StringIO()
    reporter = HumanReporter(out)
    for percent in range(101):
        reporter.progressed(Progress("transactions", percent / 100))
    assert out.getvalue().count("\n") == 11


def test_a_terminal_gets_one_line_that_moves_and_goes() -> None:
    """The bar redraws itself and is cleared before the next line."""
    out = _terminal()
    reporter = HumanReporter(out)
    for percent in range(101):
        reporter.progressed(Progress("transactions", percent / 100))
    assert "\n" not in out.getvalue()
    reporter.changed(Change(Unit("prepare", ("x",)), "done"))
    assert out.getvalue().count("\n") == 1


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_output_that_is_not_taken_does_not_end_the_instance(number: int) -> None:
    """`seawall up | head`, a terminal that was closed, a log on a full disk: the services go on."""

    class Refused(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(number, "refused")

    for reporter in (HumanReporter(Refused()), JsonReporter(Refused())):
        reporter.changed(Change(Unit("workers", ("x",)), "backing-off"))
        reporter.note("Stopping")
        reporter.ready(READY, [], 1.0)
