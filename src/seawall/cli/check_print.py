"""Faults for people: the place, the line with a caret, what was expected, what came, how to mend it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.text import Text

from seawall.app.faults import Fault
from seawall.app.model import Bundle
from seawall.cli.check_dry_run import DryRun

WIDTH = 120
"""Longer source lines are cut around the caret."""
_WORD = re.compile(r"\A[\w.-]*")


def print_faults(folder: Path, faults: tuple[Fault, ...]) -> None:
    """All of them, then how many there are in which file."""
    console = _console()
    sources: dict[str, list[str]] = {}
    for fault in faults:
        if fault.file not in sources:
            sources[fault.file] = _lines(folder / fault.file)
        console.print(_told(fault, folder, sources[fault.file]))
    counts = Counter(fault.file for fault in faults)
    listed = ", ".join(f"{count} in {file}" for file, count in counts.items())
    console.print(Text(f"{_counted(len(faults), 'fault')}: {listed}", style="bold red"))


def print_sound(folder: Path, bundle: Bundle, tried: DryRun) -> None:
    """One line that says what was found sound, one that says what was tried on data."""
    app = bundle.app
    panels = sum(len(page.panels) for page in app.pages.values())
    console = _console()
    console.print(
        Text.assemble(
            (f"{folder} is sound", "bold green"),
            f": {_counted(len(app.pages), 'page')}, {_counted(panels, 'panel')}, ",
            f"{_counted(len(app.semantics.datasets), 'dataset')}, {_counted(len(app.semantics.metrics), 'metric')}",
        )
    )
    console.print(Text(f"digest {bundle.digest}"))
    told = f"{tried.queries} queries tried" if tried.queries else f"no query tried: {tried.skipped}"
    told += f" on generation {tried.generation}" if tried.queries and tried.generation else ""
    told += f"; not tried: {tried.skipped}" if tried.queries and tried.skipped else ""
    console.print(Text(told, style="dim"))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _console() -> Console:
    """Standard output; colours only on a terminal that wants them."""
    return Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=True)


def _told(fault: Fault, folder: Path, lines: list[str]) -> Text:
    text = Text.assemble(
        (f"{folder / fault.file}:{fault.line}:{fault.column}", "bold"), ": ", (fault.code, "bold red"), f": {fault.detail}\n"
    )
    if fault.line <= len(lines):
        source, caret = excerpt(lines[fault.line - 1], fault.column, fault.got)
        text.append(f"{fault.line:>6} | {source}\n", "dim")
        text.append(f"       | {caret}\n", "red")
    for word, value, style in (("expected", fault.expected, ""), ("got", fault.got, ""), ("fix", fault.fix, "green")):
        if value:
            text.append(f"       {word:<9}", "dim")
            text.append(f"{value}\n", style)
    return text


def excerpt(line: str, column: int, word: str) -> tuple[str, str]:
    """The line, cut around `column` (from 1), and a caret under what is wrong there."""
    shown = "".join(c if c.isprintable() else "·" for c in line.replace("\t", " "))
    start = max(0, column - 1 - WIDTH // 2) if len(shown) > WIDTH else 0
    window = shown[start : start + WIDTH]
    at = column - 1 - start
    plain = word.strip("'\"")
    quoted = shown[column - 1 : column] in ("'", '"')
    if plain and shown.startswith(plain, column - 1 + quoted):
        length = len(plain) + 2 * quoted
    else:
        length = len((_WORD.findall(shown[column - 1 :]) or [""])[0])
    caret = " " * at + "^" * max(1, min(length, len(window) - at))
    return ("…" + window[1:] if start else window), caret


def _lines(path: Path) -> list[str]:
    """The file's lines; none when it is not a plain file (a link is not followed)."""
    if path.is_symlink() or not path.is_file():
        return []
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
