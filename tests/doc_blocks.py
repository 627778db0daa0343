"""Code in pages of docs/, taken out and run: files are written, commands are typed into one shell, what they print is compared.

A block with a title (```` ```yaml title=app.yaml ````) is a file. A `console` block holds commands after `$ ` and below each
what it prints, standard output and error together; `…` stands for anything, over several lines when it stands alone.
A command must end with 0, unless `$ echo $?` follows it.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

COMMAND_S_MAX = 300
END_S_MAX = 5.0
"""What is still there so long after it was asked to end is killed."""
_FENCE = re.compile(r"^```(\S+)?(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_END = re.compile(rb"\x1e(\d+)\x1e\n")


class Command(msgspec.Struct, frozen=True):
    """What a reader types, and what the page says it prints."""

    text: str
    shown: str


class Block(msgspec.Struct, frozen=True):
    """A fenced block: a file when it has a title."""

    language: str
    title: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether a test can do something with it."""
        return bool(self.title) or self.language == "console"

    def commands(self) -> Iterator[Command]:
        """The commands of a console block."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            text, _, shown = part.partition("\n")
            yield Command(text, shown.strip("\n"))


def sections(page: str) -> dict[str, tuple[Block, ...]]:
    """Heading → its blocks, in order; sections without a block are left out."""
    parts = _HEADING.split(page)
    named = {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))
    found = {name: tuple(Block(*(part or "" for part in match)) for match in _FENCE.findall(text)) for name, text in named.items()}
    return {name: blocks for name, blocks in found.items() if blocks}


def matches(printed: str, shown: str) -> bool:
    """Whether what was printed is what the page shows."""
    wanted = "\n".join(r"(?s:.*)" if line == "…" else re.escape(line).replace("…", ".*") for line in shown.splitlines())
    lines = "\n".join(line.rstrip() for line in printed.splitlines())
    return re.fullmatch(wanted, lines.strip("\n")) is not None


class Shell:
    """A bash in a folder; variables and the working directory last from command to command."""

    def __init__(self, folder: Path, environment: Mapping[str, str], replaced: Mapping[str, str]) -> None:
        self.folder = folder
        self.printed = ""
        """By all commands so far."""
        self.broken = False
        """Whether something differed from a page: what comes after it cannot be right."""
        self._replaced = replaced
        self._process = subprocess.Popen(
            ("bash", "--norc", "--noprofile"),
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def play(self, blocks: tuple[Block, ...]) -> None:
        """Write the files and run the commands. AssertionError shows what differs from the page."""
        self.broken = True
        for block in blocks:
            assert block.runs, f"A block that no test runs:\n{block.text}"
            if block.title:
                path = self.folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._here(block.text))
            elif block.language == "console":
                self._play_commands(list(block.commands()))
        self.broken = False

    def _play_commands(self, commands: list[Command]) -> None:
        for command, following in zip(commands, [*commands[1:], Command("", "")], strict=True):
            status, printed = self.run(self._here(command.text))
            shown = self._here(command.shown)
            assert matches(printed, shown), f"$ {command.text}\nprinted\n{printed}\nbut the page shows\n{shown}"
            assert status == 0 or following.text == "echo $?", f"$ {command.text}\nended with {status}"

    def run(self, command: str) -> tuple[int, str]:
        """The exit status and what was printed."""
        assert self._process.stdin is not None
        line = f"{{ {command}\n}} </dev/null; s=$?; printf '\\036%d\\036\\n' $s; (exit $s)\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        body, status = self._read(command)
        printed = body.decode()
        self.printed += printed
        return status, printed

    def _read(self, command: str) -> tuple[bytes, int]:
        assert self._process.stdout is not None
        got, until = b"", time.monotonic() + COMMAND_S_MAX
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not (end := _END.search(got)):
                assert selector.select(max(0.0, until - time.monotonic())), f"$ {command}\ndid not end within {COMMAND_S_MAX} s"
                more = os.read(self._process.stdout.fileno(), 65536)
                assert more, f"$ {command}\nended the shell"
                got += more
        return got[: end.start()], int(end[1])

    def _here(self, text: str) -> str:
        for before, after in self._replaced.items():
            text = text.replace(before, after)
        return text

    def close(self) -> None:
        """End the shell and what it left in the background, also where a block failed; what has a session of its own goes on."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
            until = time.monotonic() + END_S_MAX
            while time.monotonic() < until and _runs(self._process.pid):
                time.sleep(0.01)
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _runs(group: int) -> bool:
    """Whether a process of the group has not ended; that nobody has asked for its status yet says nothing."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] not in ("Z", "X"):
                return True
    return False
