"""The shell that pages are played in leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import doc_blocks
from tests.doc_blocks import Shell, sections

from seawall.cli.supervisor_process import start_ticks

FAILS = "```console\n$ sleep 300 > /dev/null 2>&1 & echo $! > job\n$ echo one\ntwo\n```\n"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path, {}, {})
    yield made
    made.close()


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while start_ticks(pid) is not None and time.monotonic() < until:
        time.sleep(0.02)
    return start_ticks(pid) is None


def test_a_block_that_fails_leaves_no_job_behind(shell: Shell) -> None:
    """What a page starts and ends itself is ended here, too, when it never comes to that."""
    with pytest.raises(AssertionError, match="but the page shows"):
        shell.play(sections(FAILS)[""])
    job = int((shell.folder / "job").read_text())
    assert start_ticks(job) is not None
    shell.close()
    assert gone(job)


def test_a_job_that_will_not_end_is_killed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that holds the shell's output open does not hold the test."""
    monkeypatch.setattr(doc_blocks, "END_S_MAX", 0.1)
    _, printed = shell.run("(trap '' TERM; touch deaf; while :; do sleep 1; done) & echo $!; until [ -e deaf ]; do sleep 0.01; done")
    shell.close()
    assert gone(int(printed))


def test_what_has_a_session_of_its_own_goes_on(shell: Shell) -> None:
    """As an instance does that was started with `--detach`: a later section stops it."""
    shell.run("setsid sh -c 'echo $$ > job; exec sleep 300' > /dev/null 2>&1 & until [ -s job ]; do sleep 0.01; done")
    job = int((shell.folder / "job").read_text())
    shell.close()
    assert start_ticks(job) is not None
    os.kill(job, signal.SIGKILL)
