"""Page views by many at once, at a steady rate or without pause, while a test breaks something; and how to break it."""

from __future__ import annotations

import itertools
import os
import re
import select
import signal
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Self

import httpx
from tests.acceptance.conftest import Seawall
from tests.waiting import until

from seawall.cli.instance import locate
from seawall.query.generations import Generation, Generations

VIEWS_MAX = 2_000
FORECAST_S_MAX = 600.0
"""It shares the machine with the start of an instance and the building of its index."""
PLAIN = {"Accept-Encoding": "identity"}
"""httpx cannot read joined zstd frames; browsers can."""


class View(NamedTuple):
    """One request. A status of 0: the connection broke, at the first byte or later."""

    path: str
    began: float
    ended: float
    status: int
    text: str


class Visitors:
    """`with Visitors(seawall, path_of, per_second=20) as them: …`; afterwards `them.views`."""

    def __init__(self, seawall: Seawall, path_of: Callable[[int], str], *, per_second: float | None = None, clients: int = 8) -> None:
        self.views: list[View] = []
        self._path_of = path_of
        self._per_second = per_second
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(seawall.url, seawall.headers())) for _ in range(clients)]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, url: str, headers: dict[str, str]) -> None:
        with httpx.Client(base_url=url, headers=headers | PLAIN, timeout=30) as client:
            while not self._stop.is_set() and (number := next(self._numbers)) < VIEWS_MAX:
                due = self._began + number / self._per_second if self._per_second else 0.0
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                self.views.append(viewed(client, self._path_of(number)))


def viewed(client: httpx.Client, path: str) -> View:
    """Look at a page to its end."""
    began = time.monotonic()
    try:
        answer = client.get(path)
    except httpx.TransportError as error:
        return View(path, began, time.monotonic(), 0, repr(error))
    return View(path, began, time.monotonic(), answer.status_code, answer.text)


def settled(seawall: Seawall) -> Generation:
    """The generation that stays: the forecast job has published its own, and every replica serves it."""

    def current_on_disk() -> Generation:
        return Generations(seawall.data / "warehouse").current("merchandising")

    until(lambda: current_on_disk().tables["forecast"].rows > 0, FORECAST_S_MAX)
    current = current_on_disk()
    served(seawall, "merchandising", current.id)
    return current


def pid_of(seawall: Seawall, label: str) -> int:
    """The process of `valkey-0`, as the supervisor's record names it; 0 when there is none."""
    record = locate(seawall.data, os.environ).read()
    assert record
    return next(one.pid for one in record.services if f"{one.name}-{one.replica}" == label)


def killed(seawall: Seawall, label: str) -> float:
    """kill -9; when it was dead, with its last thread: until then its sockets are open."""
    pid = pid_of(seawall, label)
    assert pid
    process = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        assert select.select([process], [], [], 60)[0]
    finally:
        os.close(process)
    return time.monotonic()


def killed_until(seawall: Seawall, label: str, told: Callable[[], bool]) -> None:
    """kill -9, and again as soon as it is back, until it is `told`: two to five times; the supervisor gives up at seven."""
    pid = 0
    for kills in range(5):
        until(lambda pid=pid: pid_of(seawall, label) not in (0, pid))
        if kills > 1 and told():
            return
        pid = pid_of(seawall, label)
        killed(seawall, label)


def failed_panels(html: str) -> list[str]:
    """The panels of which a page says what is wrong instead of showing them."""
    sections = re.split(r'<section class="panel[^"]*" id="panel-|<template for="', html)[1:]
    return [section.partition('"')[0] for section in sections if 'class="failed' in section]


def watermark_of(html: str) -> str:
    """The generation a page was made from."""
    found = re.search(r'data-watermark="([^"]*)"', html)
    assert found
    return found[1]


def fragment_of(html: str, name: str) -> str:
    """What a page shows in a panel: what came for it later, else what is in its place."""
    found = re.search(rf'<template for="{name}">(.*?)</template>', html, re.DOTALL)
    found = found or re.search(rf'<section class="panel[^"]*" id="panel-{name}".*?</section>', html, re.DOTALL)
    assert found, name
    return found[0]


def served(seawall: Seawall, app: str, generation: str) -> None:
    """Wait until every replica serves a generation."""
    with httpx.Client(base_url=seawall.url, headers=seawall.headers() | PLAIN, timeout=30, follow_redirects=True) as client:
        until(lambda: {watermark_of(client.get(f"/{app}").text) for _ in range(6)} == {generation})
