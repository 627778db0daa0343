"""The data behind every panel, for programs: JSON, CSV, Arrow or Parquet, by `format=` or `Accept`.

The same question as the panel's, under the same policy. JSON is one page of rows with a cursor to the next; the files hold all rows
and are streamed. Errors before the first byte are problem details; a file that breaks off later ends without its last chunk, so that
nobody takes it for whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack

import msgspec
import pyarrow as pa
import xxhash
from starlette.requests import Request

from seawall.app.model import MetricQuery, Page, Panel, Query, RowsQuery, Scalar
from seawall.ask.vectors.similar import Alike, alike_of
from seawall.core.deadline import Deadline
from seawall.core.errors import InvalidInput, SeawallError
from seawall.query.filters import apply
from seawall.query.open_query import OpenQuery
from seawall.telemetry.events import event
from seawall.ui.api_answers import AnswerOut, ColumnOut, answer_of, encode, file_format, row_of
from seawall.ui.carriers import raw_headers
from seawall.ui.charts.data import PanelData
from seawall.ui.export import ENCODERS, encoded
from seawall.ui.exports import HELD_BYTES_MAX, ExportSeats, FileBody, small
from seawall.ui.headers import etag_matches
from seawall.ui.negotiate import FORMATS, locale_of
from seawall.ui.openapi import openapi
from seawall.ui.page import cursor_subject
from seawall.ui.params import Choice, api_choice, read, row_choice
from seawall.ui.problems import HTML, status_of
from seawall.ui.recent import Recent
from seawall.ui.reception import Reception, panel_of
from seawall.ui.render.context import RenderContext
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.row_details import RowDetails, RowFound
from seawall.ui.row_keys import RowKeys
from seawall.ui.rows import total_of
from seawall.ui.similar import WORDS, RowsAsked, open_whatever
from seawall.ui.wiring import Site, UiServices

__all__ = ["AnswerOut", "ColumnOut", "DataApi"]

EXPORT_SECONDS_MAX = 240.0
EXPORT_ROWS_MAX = 5_000_000
SIMILAR_ROWS_MAX = 1_000
"""In a file, when nobody asks for so many."""
DESCRIPTIONS_MAX = 64
THREAD_ROWS = 1_000
"""Answers with more rows are encoded off the event loop."""


class Asked(msgspec.Struct, frozen=True):
    """A parsed request."""

    site: Site
    rights: Rights
    page: Page
    panel: Panel
    choice: Choice
    query: Query
    locale: str
    deadline: Deadline
    alike: Alike | None = None


class DataApi:
    """`GET /{app}/api/panels/{panel}`, `…/rows/{key}` below it, and `GET /{app}/openapi.json`."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._keys = RowKeys(services.cursors)
        self._details = RowDetails(services)
        self._described: Recent[tuple[object, ...], bytes] = Recent(DESCRIPTIONS_MAX)
        self._seats = ExportSeats()

    async def panel(self, request: Request) -> Reply:
        """The rows of a panel in the format asked for; with `format=html` what a chart shows, as a page with a table."""
        asked = self._asked(request)
        if asked.choice.format == "html" and isinstance(asked.query, MetricQuery):
            return self._tagged(request, HTML, await self._table(asked, asked.query))
        wanted = file_format(asked.choice.format, request.headers.get("accept", ""))
        if wanted == "json":
            body = await self._json(asked)
            return self._tagged(request, FORMATS["json"], body)
        return await self._file(request, asked, wanted)

    async def row(self, request: Request) -> Reply:
        """One row of a row panel in full, as JSON, or with `format=html` as the page shows it in a dialog."""
        site, rights = self._reception.site(request)
        page, panel = panel_of(rights, request.path_params["panel"])
        choice = row_choice(read(request.scope["query_string"]))
        locale = locale_of(choice.lang, request.headers.get("accept-language", ""), site.app.locales)
        deadline = self._reception.deadline(raw_headers(request.scope))
        finding = self._details.find(site, rights, panel, request.path_params["key"], deadline)
        if choice.format == "html":
            ctx = RenderContext(site.app.name, page.name, locale, None, {}, self._services.clock.time())
            return await self._row_html(request, panel, finding, ctx)
        if choice.format not in ("", "json"):
            raise InvalidInput("The parameter 'format' has the wrong value", expected="json or html", got=choice.format[:40])
        found = await finding
        return self._tagged(request, FORMATS["json"], encode(row_of(panel.name, locale, found)))

    async def _row_html(self, request: Request, panel: Panel, finding: Awaitable[RowFound], ctx: RenderContext) -> Reply:
        draw = self._services.drawing
        try:
            found = await finding
        except SeawallError as error:
            body = str(draw.row_missing(panel, error.slug, ctx)).encode()
            return Reply(status_of(error), self._services.headers.of("never", HTML), body)
        return self._tagged(request, HTML, str(draw.row_detail(panel, found.facts, ctx)).encode())

    async def describe(self, request: Request) -> Reply:
        """The OpenAPI document of what the principal may see."""
        site, rights = self._reception.site(request)
        seen = (site.app.name, *((page.name, *page.panels, "", *page.filters) for page in rights.pages.values()))
        body = self._described.get(seen) or self._described.put(
            seen, msgspec.json.encode(openapi(site.bundle, rights.pages, server_url=self._services.public_url, asks=site.ask is not None))
        )
        return self._tagged(request, FORMATS["json"], body)

    def _asked(self, request: Request) -> Asked:
        site, rights = self._reception.site(request)
        page, panel = panel_of(rights, request.path_params["panel"])
        choice = api_choice(site.app, page, panel, read(request.scope["query_string"]))
        if not isinstance(panel.query, RowsQuery) and (choice.after or choice.limit is not None):
            raise InvalidInput("This panel has no pages", expected="neither 'after' nor 'limit'")
        return Asked(
            site=site,
            rights=rights,
            page=page,
            panel=panel,
            choice=choice,
            query=apply(panel, choice.filters, site.app),
            locale=locale_of(choice.lang, request.headers.get("accept-language", ""), site.app.locales),
            deadline=self._reception.deadline(raw_headers(request.scope)),
            alike=alike_of(panel, choice.filters),
        )

    # ── JSON ──

    async def _json(self, asked: Asked) -> bytes:
        if isinstance(asked.query, RowsQuery):
            answer = await self._rows_answer(asked, asked.query)
        else:
            whole = await asked.site.questions.table(asked.query, asked.rights.policy, deadline=asked.deadline)
            answer = answer_of(asked.panel.name, asked.locale, whole.columns, whole.table, whole.watermark, whole.as_of)
        if len(answer.rows) <= THREAD_ROWS:
            return encode(answer)
        return await asyncio.to_thread(encode, answer)

    async def _rows_answer(self, asked: Asked, query: RowsQuery) -> AnswerOut:
        limited = msgspec.structs.replace(query, limit=asked.choice.limit or query.limit)
        after = self._position(asked)
        keyed = self._keys.keyed(asked.site.app, asked.panel, limited, asked.rights.policy)
        counting = asyncio.create_task(total_of(asked.site, limited, asked.rights.policy, asked.deadline, asked.alike))
        try:
            rows = RowsAsked(asked.panel, keyed.query, asked.rights.policy, asked.alike, after)
            opened, by_words = await open_whatever(asked.site, rows, asked.deadline)
            batches = await _collected(opened)
            total, exact = await counting
        finally:
            counting.cancel()
        columns = opened.columns[: keyed.shown + (asked.alike is not None)]
        table = pa.Table.from_batches(batches).select([column.name for column in columns])
        answer = answer_of(asked.panel.name, asked.locale, columns, table, opened.watermark, opened.as_of)
        keys = await asyncio.to_thread(lambda: [key for batch in batches for key in self._keys.of_batch(keyed, batch)])
        subject = cursor_subject(asked.site.app, asked.panel, asked.choice, asked.rights)
        following = self._services.cursors.encode(opened.next_after, subject=subject) if opened.next_after else None
        told = exact if total is not None else None
        degraded = msgspec.UNSET if asked.panel.similar is None else WORDS if by_words else None
        return msgspec.structs.replace(answer, next=following, total=total, total_exact=told, keys=keys, degraded=degraded)

    def _position(self, asked: Asked) -> tuple[Scalar, ...] | None:
        cursor = asked.choice.after.get("")
        subject = cursor_subject(asked.site.app, asked.panel, asked.choice, asked.rights)
        return self._services.cursors.decode(cursor, subject=subject) if cursor else None

    async def _table(self, asked: Asked, query: MetricQuery) -> bytes:
        """What a chart shows, as a table for people."""
        answer = await asked.site.questions.table(query, asked.rights.policy, deadline=asked.deadline)
        ctx = RenderContext(
            app=asked.site.app.name,
            page=asked.page.name,
            locale=asked.locale,
            as_of=answer.as_of,
            parameters=asked.choice.parameters,
            now=self._services.clock.time(),
        )
        data, css = PanelData(answer.columns, answer.table), self._services.assets.url("seawall.css")
        return str(self._services.drawing.data_page(asked.panel, data, ctx, css=css)).encode()

    # ── files ──

    async def _file(self, request: Request, asked: Asked, format: str) -> Reply:
        """All rows as a file, streamed. Whatever fails before the first batch is raised, so that it can be told. HEAD asks nothing."""
        name = f'attachment; filename="{asked.site.app.name}-{asked.panel.name}.{format}"'
        media_type = FORMATS[format] + ("; charset=utf-8; header=present" if format == "csv" else "")
        headers = self._services.headers.of("data", media_type, (b"content-disposition", name.encode()))
        after = self._position(asked)
        if request.method == "HEAD":
            return Reply(200, headers, None)
        async with AsyncExitStack() as held:
            held.enter_context(self._seats.seat(self._reception.principal(request)))
            limit = Deadline.after(EXPORT_SECONDS_MAX, self._services.clock)
            opened = await self._opened(asked, limit, after)
            held.push_async_callback(opened.close)
            return Reply(200, headers, FileBody(_pieces(asked, opened, format, limit), held.pop_all()))

    async def _opened(self, asked: Asked, limit: Deadline, after: tuple[Scalar, ...] | None) -> OpenQuery:
        """The query with its first rows read: from now on the engine works only while more are read, not while they are sent."""
        query = asked.query
        if isinstance(query, RowsQuery):
            most = EXPORT_ROWS_MAX if asked.alike is None else SIMILAR_ROWS_MAX
            query = msgspec.structs.replace(query, limit=asked.choice.limit or most)
            opened, _ = await open_whatever(asked.site, RowsAsked(asked.panel, query, asked.rights.policy, asked.alike, after), limit)
        else:
            opened = await asked.site.questions.open(query, asked.rights.policy, deadline=limit, after=after)
        await opened.hold(HELD_BYTES_MAX)
        return opened

    def _tagged(self, request: Request, media_type: str, body: bytes) -> Reply:
        etag = f'"{xxhash.xxh3_128_hexdigest(body)}"'
        headers = self._services.headers.of("data", media_type, (b"etag", etag.encode()))
        if etag_matches(request.headers.get("if-none-match", ""), etag):
            return Reply(304, headers)
        return Reply(200, headers, body)


async def _pieces(asked: Asked, opened: OpenQuery, format: str, limit: Deadline) -> AsyncGenerator[bytes, None]:
    try:
        async for ready in encoded(opened.batches, ENCODERS[format]()):
            for piece in small(ready):
                limit.check()
                yield piece
    except Exception as error:
        event("export.broke_off", app=asked.site.app.name, panel=asked.panel.name, error=type(error).__name__)
        raise


async def _collected(opened: OpenQuery) -> list[pa.RecordBatch]:
    try:
        return [batch async for batch in opened.batches]
    finally:
        await opened.close()
