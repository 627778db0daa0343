"""What every route does first and last: find out who asks for which app, and tell errors in the words that fit who asked.

Nothing answers with a 500: what was not foreseen is a 503 with the same words for people and programs, and an event that names
it. What a database said is for whoever runs it, so it is in an event, too, and not in the answer. A person who is not signed in is
sent to refresh the session, as the gateway does; a program is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from seawall.app.model import Page, Panel
from seawall.core.deadline import HEADER, Deadline
from seawall.core.errors import NotFound, SeawallError
from seawall.core.principal import Principal
from seawall.query.errors import QueryFailed
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.trust.errors import NotSignedIn
from seawall.ui.carriers import RawHeaders, raw_headers
from seawall.ui.identity import Identity
from seawall.ui.problems import MethodNotAllowed, Unforeseen, as_json, as_page
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices

DEADLINE = HEADER.encode()
_ALSO = {401: ((b"www-authenticate", b"Bearer"),), 429: ((b"retry-after", b"10"),)}
"""Headers that go with a status."""
Handler = Callable[[Request], Awaitable[Reply]]
Endpoint = Callable[[Request], Awaitable[ASGIApp]]
"""What a route takes: its answer sends itself, so that a body made over time is made within the request's span."""


class Reception:
    """Shared by all routes of a process."""

    def __init__(self, services: UiServices) -> None:
        self._services = services
        self._identity = Identity(services.tokens, secure=services.secure)

    def rights(self, headers: RawHeaders, site: Site) -> Rights:
        """What whoever asks may see of `site`. NotSignedIn when nobody can be told."""
        return site.rights(self._identity.principal(headers))

    def principal(self, request: Request) -> Principal:
        """Who asks. NotSignedIn when nobody can be told."""
        return self._identity.principal(raw_headers(request.scope))

    def site(self, request: Request) -> tuple[Site, Rights]:
        """The app in the path and the rights to it. An app of which nothing may be seen does not exist."""
        site = self._services.sites.get(request.path_params["app"])
        if site is None:
            self._identity.principal(raw_headers(request.scope))
            raise NotFound("There is no such app here")
        rights = self.rights(raw_headers(request.scope), site)
        if not rights.pages:
            raise NotFound("There is no such app here")
        return site, rights

    def deadline(self, headers: RawHeaders) -> Deadline:
        """How long this request may take."""
        return Deadline.from_header(headers.get(DEADLINE, b"").decode("latin-1"), clock=self._services.clock)

    def guarded(self, name: str, handler: Handler) -> Endpoint:
        """`handler` and the sending of its reply within a server span, its errors told as replies."""

        async def handle(request: Request) -> ASGIApp:
            async def answer(scope: Scope, receive: Receive, send: Send) -> None:
                with span(name, "ui", traceparent=request.headers.get("traceparent"), kind="server") as made:
                    try:
                        reply = await handler(request)
                    except Exception as error:  # noqa: BLE001 -- the process edge: every error becomes an answer
                        reply = self.told(scope, error)
                    made.set("http.response.status_code", reply.status)
                    await reply(scope, receive, send)

            return answer

        return handle

    def told(self, scope: Scope, error: Exception) -> Reply:
        """The answer that tells of `error`."""
        known = _known(error, scope["path"])
        if is_for_programs(scope) or (isinstance(known, MethodNotAllowed) and scope["method"] not in ("GET", "HEAD")):
            status, media_type, body = as_json(known, scope["path"])
        elif isinstance(known, NotSignedIn) and scope["method"] in ("GET", "HEAD"):
            return self.redirect(f"/auth/refresh?to={_raw_target(scope)}")
        else:
            language = raw_headers(scope).get(b"accept-language", b"").decode("latin-1")
            css, icon = (self._services.assets.url(name) for name in ("seawall.css", "icon.svg"))
            status, media_type, body = as_page(known, scope["path"], css=css, icon=icon, accept_language=language)
        more = _ALSO.get(status, ())
        return Reply(status, self._services.headers.of("never", media_type, *more), body)

    def redirect(self, target: str) -> Reply:
        """Go elsewhere; nothing of it is kept."""
        return Reply(302, self._services.headers.of("never", "text/plain", (b"location", target.encode("latin-1"))))


def page_of(rights: Rights, name: str) -> Page:
    """A page by name. NotFound, worded alike, when there is none and when it may not be seen."""
    if name not in rights.pages:
        raise NotFound(f"There is no page named {name[:80]!r}")
    return rights.pages[name]


def panel_of(rights: Rights, name: str) -> tuple[Page, Panel]:
    """A panel by name, which is unique in the app, and its page. NotFound, worded alike, when there is none and when it may not be seen."""
    for page in rights.pages.values():
        if name in page.panels:
            return page, page.panels[name]
    raise NotFound(f"There is no panel named {name[:80]!r}")


def is_for_programs(scope: Scope) -> bool:
    """Whether an error is told as problem details."""
    path = scope["path"]
    return "/api/" in path or path.endswith(".json") or b"text/html" not in raw_headers(scope).get(b"accept", b"text/html")


def _known(error: Exception, path: str) -> SeawallError:
    if isinstance(error, QueryFailed):
        event("query.refused", path=path, error=error.sentence()[:500])
        return QueryFailed()
    if isinstance(error, SeawallError):
        return error
    if isinstance(error, HTTPException):
        return MethodNotAllowed() if error.status_code == 405 else NotFound()
    event("request.failed", path=path, error=repr(error)[:500])
    return Unforeseen()


def _raw_target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1") + (f"?{query}" if query else "")
