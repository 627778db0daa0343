"""Read an app's golden questions as `seawall check` does: every broken line by its file and number, in one run.

A line is broken when it is no golden question, when its id is taken or the question it follows is not before it, and when
what it expects (or would accept) cannot be asked of this app in its role. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.app.faults import Fault, Report, TooManyFaults
from seawall.app.model import App, Bundle
from seawall.app.yaml_tree import Mark
from seawall.core.errors import SeawallError

if TYPE_CHECKING:
    from seawall.ask.golden import Golden

ANY_DAY = date(2000, 1, 1)
"""Relative periods need a date to count from; which one makes no difference here."""


def golden_faults(folder: Path, bundle: Bundle) -> tuple[Fault, ...]:
    """The broken lines of `golden/*.jsonl`. Half a second for 500 questions, nothing when there are none."""
    files = sorted(path for path in bundle.files if path.startswith("golden/") and path.endswith(".jsonl"))
    report = Report()
    try:
        known: dict[str, Golden] = {}
        for path in files:
            for mark, line in _lines(folder, path, report):
                _check(bundle.app, mark, line, known, report)
    except TooManyFaults:
        pass
    return report.faults()


def _lines(folder: Path, path: str, report: Report) -> Iterator[tuple[Mark, str]]:
    from seawall.ask.golden import lines

    try:
        text = (folder / path).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        report.add(Mark(path), "bad_golden", "The file cannot be read as UTF-8", got=str(error))
        return
    for number, line in lines(text):
        yield Mark(path, number), line


def _check(app: App, mark: Mark, line: str, known: dict[str, Golden], report: Report) -> None:
    from seawall.ask.golden import decoded, joined

    try:
        one = decoded(line, f"{mark.file}:{mark.line}")
        joined(one, known)
        _check_answers(app, one)
    except SeawallError as error:
        report.add(mark, "bad_golden", error.detail, expected=error.expected, got=error.got, fix=error.fix)


def _check_answers(app: App, one: Golden) -> None:
    """What it expects keeps the contract that every question keeps, as its role may ask it."""
    from seawall.ask.contract import check
    from seawall.ask.golden import asker_of
    from seawall.query.policy import resolve

    policy = resolve(app, asker_of(one, app))
    for question in (one.expect, *one.also):
        if question is not None:
            check(app, policy, question, ANY_DAY)
