"""What `seawall up` tells people (a calm list of services turning ready) or programs (one JSON line).

`preparation` lines come from `seawall prepare` on a pipe, one JSON object each: `{"progress": …}`, `{"sign_in": code}`, `{"note":
sentence}` or `{"error": sentence}`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol, TextIO

import msgspec

from seawall.cli.supervisor_units import Change

BAR_CHARACTERS = 28


class Progress(msgspec.Struct, frozen=True):
    """How far the preparation of an app's data is."""

    label: str
    done: float
    """From 0 to 1."""


class PreparationLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `seawall prepare --instance`."""

    progress: Progress | None = None
    sign_in: str = ""
    note: str = ""
    error: str = ""


class Ready(msgspec.Struct, frozen=True):
    """What `seawall up --json` prints once, when the instance is ready."""

    url: str
    sign_in_url: str
    data: str
    port: int
    pid: int


class Reporter(Protocol):
    """Told of everything that happens until the instance is ready, and of what goes wrong later. Never raises."""

    def changed(self, change: Change) -> None:
        """A unit's state changed."""

    def progressed(self, progress: Progress) -> None:
        """Data preparation went on."""

    def ready(self, ready: Ready, given_up: list[str], took_s: float) -> None:
        """The instance can be used."""

    def note(self, sentence: str) -> None:
        """Something people should know."""


class JsonReporter:
    """One line, when ready; everything else is in the logs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def changed(self, change: Change) -> None:
        """Nothing."""

    def progressed(self, progress: Progress) -> None:
        """Nothing."""

    def ready(self, ready: Ready, given_up: list[str], took_s: float) -> None:
        """The line."""
        _write(self._out, msgspec.json.encode(ready).decode() + "\n")

    def note(self, sentence: str) -> None:
        """Nothing."""


class HumanReporter:
    """A line a service, a bar for data, then where to go."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._bar = ""
        self._tenth = -1
        self._told: set[str] = set()

    def changed(self, change: Change) -> None:
        """A line when a unit is ready, ends or fails."""
        label, detail = change.unit.label.removesuffix("-0"), f"  {change.detail}" if change.detail else ""
        if change.state == "done" or (change.state == "ready" and not change.restarts):
            if label not in self._told:  # one that was unready for a moment is no news
                self._line(self._mark("✓", 32), label, f"{change.after_s:5.1f} s")
            self._told.add(label)
        elif change.state == "ready":
            self._line(self._mark("✓", 32), label, "ready again")
        elif change.state in ("failed", "backing-off"):
            self._line(self._mark("✗" if change.state == "failed" else "!", 31), label, change.state + detail)

    def progressed(self, progress: Progress) -> None:
        """A bar that moves on a terminal; elsewhere a line every tenth. Nothing when there was nothing to do."""
        if not progress.label and self._tenth < 0:
            return
        done = min(1.0, max(0.0, progress.done))
        filled = int(done * BAR_CHARACTERS)
        self._bar = f"  {'━' * filled}{'╌' * (BAR_CHARACTERS - filled)} {done:4.0%}  {progress.label}"
        if self._terminal:
            _write(self._out, "\r\x1b[K" + self._bar)
        elif int(done * 10) != self._tenth:
            _write(self._out, self._bar + "\n")
        self._tenth = int(done * 10)

    def ready(self, ready: Ready, given_up: list[str], took_s: float) -> None:
        """Where to go."""
        without = f", without {', '.join(given_up)} (see {ready.data}/logs)" if given_up else ""
        self._clear()
        _write(self._out, f"\n  Ready in {took_s:.1f} s{without}\n\n  {ready.url}\n")
        if ready.sign_in_url:
            _write(self._out, f"  {ready.sign_in_url}   signs you in, once\n")
        _write(self._out, "\n")

    def note(self, sentence: str) -> None:
        """A line of its own."""
        self._clear()
        _write(self._out, f"  {sentence}\n")

    def _line(self, mark: str, label: str, rest: str) -> None:
        self._clear()
        _write(self._out, f"  {mark} {label:<16}{rest}\n")

    def _mark(self, character: str, colour: int) -> str:
        return f"\x1b[{colour}m{character}\x1b[0m" if self._terminal else character

    def _clear(self) -> None:
        if self._terminal and self._bar:
            _write(self._out, "\r\x1b[K")
        self._bar = ""


def _write(out: TextIO, text: str) -> None:
    with suppress(OSError):  # the reader or the terminal is gone, or the disk is full: the instance goes on
        out.write(text)
        out.flush()
