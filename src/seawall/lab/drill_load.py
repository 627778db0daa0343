"""A steady load of page views on an instance of this machine: each begins at its own time, however long earlier ones take."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from seawall.app.model import App
from seawall.core.errors import InvalidInput, Unavailable
from seawall.lab.drills import Seen, state_of

CONNECTIONS_MAX = 200
ANSWER_SECONDS_MAX = 30.0
KEYS_MAX = 10_000
RATE_MAX = 500.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class View(msgspec.Struct, frozen=True):
    """A page to look at."""

    path: str
    needs_vectors: bool


class Views(msgspec.Struct, frozen=True):
    """What there is to look at."""

    similar: tuple[View, ...]
    others: tuple[View, ...]

    def choose(self, source: random.Random) -> View:
        """Two views of three need vectors."""
        return source.choice(self.similar if source.random() < 2 / 3 or not self.others else self.others)


def check_loopback(url: str) -> str:
    """The URL. InvalidInput when it is not one of this machine: nobody drills what others depend on."""
    if urlsplit(url).hostname not in LOOPBACK:
        raise InvalidInput("A drill is for an instance on this machine", expected=f"a host of {', '.join(LOOPBACK)}", got=url)
    return url


def client_of(url: str, token: str) -> httpx.AsyncClient:
    """A client that neither asks for compression nor follows anybody elsewhere."""
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
    headers = {"authorization": f"Bearer {token}", "accept": "text/html", "accept-encoding": "identity"}
    return httpx.AsyncClient(base_url=check_loopback(url), headers=headers, limits=limits, timeout=ANSWER_SECONDS_MAX, trust_env=False)


async def views_of(client: httpx.AsyncClient, app: App) -> Views:
    """Pages of similar rows, each with a row chosen, and all other pages. InvalidInput when the app has none of the former."""
    similar: list[View] = []
    others: list[View] = []
    for page in app.pages.values():
        chosen = [(panel, panel.similar) for panel in page.panels.values() if panel.similar is not None]
        if not chosen:
            others.append(View(f"/{app.name}/{page.name}", needs_vectors=False))
        for panel, alike in chosen:
            key = page.filters[alike.row].field.partition(".")[2]
            rows = await _rows(client, f"/{app.name}/api/panels/{panel.name}?limit={KEYS_MAX}")
            similar += [View(f"/{app.name}/{page.name}?{alike.row}={quote(str(row[key]))}", needs_vectors=True) for row in rows]
    if not similar:
        raise InvalidInput(f"{app.name} has no panel of similar rows", fix="Give a row panel a `similar`")
    return Views(tuple(similar), tuple(others))


async def run(
    client: httpx.AsyncClient, choose: Callable[[], View], *, rate: float, seconds: float, told: Callable[[float, int], None]
) -> list[Seen]:
    """Look at what `choose` gives for so many seconds; what was seen. `told` hears of (seconds, views begun) as they go by."""
    if not 0 < rate <= RATE_MAX:
        raise InvalidInput("The rate is out of bounds", expected=f"more than 0 and at most {RATE_MAX:g} a second", got=f"{rate:g}")
    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks: list[asyncio.Task[Seen]] = []
    while (now := loop.time() - began) < seconds:
        due = int(now * rate) + 1
        while len(tasks) < due:
            tasks.append(asyncio.create_task(_look(client, choose(), began)))
        told(now, len(tasks))
        await asyncio.sleep(max(0.0, len(tasks) / rate - (loop.time() - began)))
    return list(await asyncio.gather(*tasks))


async def _look(client: httpx.AsyncClient, view: View, zero: float) -> Seen:
    loop = asyncio.get_running_loop()
    began = loop.time() - zero
    try:
        answer = await client.get(view.path)
        status, state = answer.status_code, state_of(answer.content)
    except httpx.HTTPError:
        status, state = 0, "none"
    return Seen(began, loop.time() - zero, status, view.needs_vectors, state)


async def _rows(client: httpx.AsyncClient, path: str) -> Sequence[dict[str, object]]:
    answer = await client.get(path, headers={"accept": "application/json"})
    if answer.status_code != 200:
        raise Unavailable("The instance does not tell its rows", got=f"HTTP {answer.status_code}")
    return msgspec.json.decode(answer.content, type=_Answer).rows


class _Answer(msgspec.Struct, frozen=True):
    rows: list[dict[str, object]]
