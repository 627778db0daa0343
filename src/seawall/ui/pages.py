"""`GET /{app}/{page}` below Starlette: a known page whose panels are at hand costs a few look-ups and two messages.

Also the fragments of a page, for filter changes, in the same forms.
"""

from __future__ import annotations

import xxhash
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.ui.banner import kept_cookie
from seawall.ui.carriers import RawHeaders, raw_headers
from seawall.ui.headers import Headers, etag_matches
from seawall.ui.negotiate import accepts_zstd, fills_templates
from seawall.ui.page import PagePlan
from seawall.ui.planner import Planner
from seawall.ui.problems import HTML
from seawall.ui.reception import Reception, page_of
from seawall.ui.replies import Reply
from seawall.ui.stream import Streams
from seawall.ui.wiring import Site, UiServices

COUNT_EVERY_SECONDS = 1.0
"""A plan's panels are counted as used at most this often: what is asked for all the time is surely among the most used."""
ZSTD = (b"content-encoding", b"zstd")


class Pages:
    """Makes the answers."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._planner = Planner(services)
        self._streams = Streams(services)
        self._plain = services.headers.of("page", HTML)
        self._zstd = services.headers.of("page", HTML, ZSTD)

    def page(self, scope: Scope, site: Site, name: str, headers: RawHeaders) -> Reply:
        """A whole page: at once when everything is at hand, else as a body that arrives over time."""
        rights = self._reception.rights(headers, site)
        language = headers.get(b"accept-language", b"").decode("latin-1")
        mine = kept_cookie(site.app.name).encode() in headers.get(b"cookie", b"")
        plan = self._planner.plan(site, page_of(rights, name), rights, scope["query_string"], language, mine=mine)
        self._count(plan)
        zstd = accepts_zstd(headers.get(b"accept-encoding", b"").decode("latin-1"))
        whole = self._streams.whole_page(plan, zstd=zstd)
        made = list(self._zstd if zstd else self._plain)
        if whole is not None:
            return _tagged(headers, made, whole.body, whole.etag)
        native = fills_templates(headers.get(b"user-agent", b"").decode("latin-1"))
        deadline = self._reception.deadline(headers)
        return Reply(200, made, self._streams.page(plan, deadline, zstd=zstd, fills_templates=native))

    async def fragments(self, request: Request) -> Reply:
        """`GET /{app}/api/pages/{page}/fragments?panels=a,b`: templates in the order panels are done."""
        site, rights = self._reception.site(request)
        page = page_of(rights, request.path_params["page"])
        headers = raw_headers(request.scope)
        plan = self._planner.plan(site, page, rights, request.scope["query_string"], request.headers.get("accept-language", ""))
        self._count(plan)
        wanted = plan.choice.panels
        slots = [slot for slot in plan.slots if not wanted or slot.panel.name in wanted]
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        made = list(self._zstd if zstd else self._plain)
        body = self._streams.whole_fragments(plan, slots, zstd=zstd)
        if body is not None:
            return _tagged(headers, made, body, f'"{xxhash.xxh3_128_hexdigest(body)}"'.encode())
        return Reply(200, made, self._streams.fragments(plan, slots, self._reception.deadline(headers), zstd=zstd))

    def _count(self, plan: PagePlan) -> None:
        now = self._services.clock.monotonic()
        if self._services.usage is None or now - plan.counted_at < COUNT_EVERY_SECONDS:
            return
        plan.counted_at = now
        record, app = self._services.usage.record, plan.site.app.name
        for slot in plan.slots:
            if slot.after is None:
                record(app, plan.page.name, slot.panel.name, slot.parameters, plan.ctx.locale, slot.key.fingerprint, plan.rights.encoded)


def _tagged(headers: RawHeaders, made: Headers, body: bytes, etag: bytes) -> Reply:
    """A whole body, or the word that the client has it."""
    made.append((b"etag", etag))
    if b"if-none-match" in headers and etag_matches(headers[b"if-none-match"].decode("latin-1"), etag.decode()):
        return Reply(304, made)
    return Reply(200, made, body)


class Front:
    """The pages' own door; whatever is not a page goes on to `rest`.

    A page tells its trace in `Server-Timing`, outside the body that is kept, so that what a browser measures can be read beside it.
    """

    def __init__(self, services: UiServices, reception: Reception, pages: Pages, rest: ASGIApp) -> None:
        self._reception = reception
        self._pages = pages
        self._rest = rest
        self._known = {f"/{site.app.name}/{page}": (site, page) for site in services.sites.values() for page in site.app.pages}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page, or pass the request on."""
        target = self._known.get(scope["path"]) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        if target is None:
            await self._rest(scope, receive, send)
            return
        site, name = target
        headers = raw_headers(scope)
        with span("ui.page", "ui", traceparent=headers.get(b"traceparent", b"").decode("latin-1"), kind="server", page=name) as made:
            try:
                reply = self._pages.page(scope, site, name, headers)
            except Exception as error:  # noqa: BLE001 -- the process edge: every error becomes an answer
                reply = self._reception.told(scope, error)
            made.attributes["http.response.status_code"] = reply.status
            reply.headers.append((b"server-timing", f'traceparent;desc="{made.traceparent()}"'.encode()))
            try:
                await reply(scope, receive, send)
            except Exception as error:
                event("page.broke_off", app=site.app.name, page=name, error=repr(error)[:500])
                raise
