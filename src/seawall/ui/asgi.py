"""The ui server as an ASGI application, one lane at a time.

The read lane answers pages (through `pages.Front`, before any routing), fragments, the data API and static files; the write lane
signs people in and out and takes what browsers measured. Both say how they are.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Scope

from seawall.app.names import RESERVED_PATHS
from seawall.core.errors import NotFound
from seawall.trust.csrf import check_same_origin
from seawall.ui.api import DataApi
from seawall.ui.ask.api import AskApi
from seawall.ui.ask.forms import AskForms
from seawall.ui.ask.mine import MinePage
from seawall.ui.ask.page import AskPage
from seawall.ui.carriers import raw_headers
from seawall.ui.headers import etag_matches
from seawall.ui.negotiate import weighted
from seawall.ui.pages import Front, Pages
from seawall.ui.problems import TooLarge
from seawall.ui.reception import Reception
from seawall.ui.replies import Reply
from seawall.ui.vitals import BODY_BYTES_MAX, beacon_of
from seawall.ui.wiring import UiServices

Lane = Literal["read", "write"]
JSON = "application/json"
READS = ("GET", "HEAD")
READ_PATHS = (
    "/",
    "/static/{path:path}",
    "/{app}",
    "/{app}/ask",
    "/{app}/{page}",
    "/{app}/api/panels/{panel}",
    "/{app}/api/panels/{panel}/rows/{key}",
    "/{app}/api/pages/{page}/fragments",
)
"""What the read lane answers, as the write lane knows it."""
RESERVED = frozenset(RESERVED_PATHS)
OWN_PAGES = ("ask", "mine")
"""Pages that every app has."""


def build(services: UiServices, lane: Lane) -> ASGIApp:
    """The application of one lane."""
    reception = Reception(services)
    open_routes: list[BaseRoute] = [Route("/healthz", _Status(services).alive), Route("/readyz", _Status(services).ready)]
    if lane == "write":
        vitals = Route("/{app}/api/vitals", reception.guarded("ui.vitals", _Beacons(services, reception).take), methods=["POST"])
        forms = AskForms(services, reception)
        asked_for: list[BaseRoute] = [
            Route("/{app}/ask/verdict", reception.guarded("ui.verdict", forms.verdict), methods=["POST"]),
            Route("/{app}/mine", reception.guarded("ui.keep", forms.mine), methods=["POST"]),
        ]
        elsewhere = [Elsewhere(path, READS) for path in READ_PATHS]
        return _application([*open_routes, *services.auth_routes, vitals, *asked_for, *elsewhere], reception)
    pages, data, static = Pages(services, reception), DataApi(services, reception), _Static(services)
    start, asks, asked = _Start(services, reception), AskPage(services, reception), AskApi(services, reception)
    mine = MinePage(services, reception)
    routes: list[BaseRoute] = [
        *open_routes,
        Route("/static/{path:path}", reception.guarded("ui.static", static.file)),
        Route("/", reception.guarded("ui.start", start.first_app)),
        Route("/{app}", reception.guarded("ui.start", start.first_page)),
        Route("/{app}/openapi.json", reception.guarded("ui.openapi", data.describe)),
        Route("/{app}/api/panels/{panel}/rows/{key}", reception.guarded("ui.row", data.row)),
        Route("/{app}/api/panels/{panel}", reception.guarded("ui.data", data.panel)),
        Route("/{app}/ask", reception.guarded("ui.ask", asks.page)),
        Route("/{app}/mine", reception.guarded("ui.mine", mine.page)),
        Route("/{app}/api/ask", reception.guarded("ui.asked", asked.ask), methods=["POST"]),
        Route("/{app}/api/ask", reception.guarded("ui.answer", asked.answer)),
        Route("/{app}/api/pages/ask/fragments", reception.guarded("ui.fragments", asks.fragments)),
        Route("/{app}/api/pages/mine/fragments", reception.guarded("ui.fragments", mine.fragments)),
        Route("/{app}/api/pages/{page}/fragments", reception.guarded("ui.fragments", pages.fragments)),
        Elsewhere("/{app}/{page}", READS),
        Elsewhere("/{app}/ask/verdict", ("POST",)),
        Elsewhere("/{app}/api/vitals", ("POST",)),
    ]
    return Front(services, reception, pages, _application(routes, reception))


def _application(routes: list[BaseRoute], reception: Reception) -> ASGIApp:
    async def tell(request: Request, error: Exception) -> Reply:
        reply = reception.told(request.scope, error)
        if reply.status == 405:
            allowed = {method for route in routes if isinstance(route, Route) for method in _taken(route, request.scope)}
            reply.headers.append((b"allow", ", ".join(sorted(allowed)).encode()))
        return reply

    return Starlette(routes=routes, exception_handlers={404: tell, 405: tell})  # type: ignore[dict-item]


class Elsewhere(Route):
    """An address whose requests another door or the other lane answers: here it only says which methods it takes.

    The gateway chooses a lane by method, so that a POST to what can only be read arrives where nothing is read.
    """

    def __init__(self, path: str, methods: Sequence[str]) -> None:
        super().__init__(path, _nothing, methods=list(methods))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """In part, or not at all."""
        found, child = super().matches(scope)
        names = child.get("path_params", {}).values()
        return (Match.NONE, {}) if found is Match.FULL or not RESERVED.isdisjoint(names) else (found, child)


def _taken(route: Route, scope: Scope) -> Set[str]:
    return route.methods or set() if route.matches(scope)[0] is Match.PARTIAL else set()


async def _nothing(request: Request) -> Reply:
    raise NotFound


class _Status:
    """How this process is."""

    def __init__(self, services: UiServices) -> None:
        self._headers = services.headers
        self._health = services.health

    async def alive(self, request: Request) -> Reply:
        return Reply(200, self._headers.of("never", JSON), b'{"ok":true}')

    async def ready(self, request: Request) -> Reply:
        readiness = await self._health.readiness()
        return Reply(200 if readiness.ready else 503, self._headers.of("never", JSON), msgspec.json.encode(readiness))


class _Start:
    """From the bare address to the first page somebody may see."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception

    async def first_app(self, request: Request) -> Reply:
        headers = raw_headers(request.scope)
        for site in self._services.sites.values():
            if self._reception.rights(headers, site).pages:
                return self._reception.redirect(f"/{site.app.name}")
        raise NotFound("There is no app here that you may see", fix="Ask whoever runs this instance for a role")

    async def first_page(self, request: Request) -> Reply:
        site, rights = self._reception.site(request)
        return self._reception.redirect(f"/{site.app.name}/{next(iter(rights.pages))}")


class _Static:
    """Script and style, from memory."""

    def __init__(self, services: UiServices) -> None:
        self._services = services

    async def file(self, request: Request) -> Reply:
        found = self._services.assets.get(request.scope["path"])
        if found is None:
            raise NotFound("There is no such file")
        brotli = found.brotli and any(name == "br" and quality for name, quality in weighted(request.headers.get("accept-encoding", "")))
        more = [(b"etag", found.etag.encode())] + ([(b"content-encoding", b"br")] if brotli else [])
        headers = self._services.headers.of("immutable" if found.immutable else "static", found.media_type, *more)
        if etag_matches(request.headers.get("if-none-match", ""), found.etag):
            return Reply(304, headers)
        return Reply(200, headers, found.brotli if brotli else found.body)


class _Beacons:
    """What browsers measured."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception

    async def take(self, request: Request) -> Reply:
        check_same_origin(request.method, request.headers, self._services.public_url)
        site, rights = self._reception.site(request)
        beacon = beacon_of({*rights.pages, *OWN_PAGES}, site.bundle.digest[:12], await _bounded_body(request, BODY_BYTES_MAX))
        if self._services.vitals is not None:
            self._services.vitals.record(site.app.name, beacon, self._reception.principal(request))
        return Reply(204, self._services.headers.of("never", JSON))


async def _bounded_body(request: Request, bytes_max: int) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > bytes_max:
            raise TooLarge(expected=f"at most {bytes_max} bytes")
    return body
