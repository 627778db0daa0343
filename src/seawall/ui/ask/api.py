"""`/{app}/api/ask`: POST asks a text and tells what it was understood as, with its rows; GET answers a question in parameters.

Both only read. The format is chosen by `Accept` (JSON, CSV, Arrow, Parquet), of a GET also by `format`. What cannot be answered is no
error where JSON is told: `refusal` says why. A file cannot say that, so then it is a 422.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pyarrow as pa
import xxhash
from starlette.requests import Request

from seawall.app.model import Text
from seawall.ask.answer import Answered, answered, in_words
from seawall.ask.cascade import Asking, Outcome
from seawall.ask.params import NAMES, to_params
from seawall.ask.question import Question
from seawall.ask.told import encoded, told
from seawall.core.deadline import Deadline
from seawall.core.errors import InvalidInput, NotFound, SeawallError
from seawall.trust.csrf import check_same_origin
from seawall.ui.api_answers import answer_of, encode, file_format
from seawall.ui.ask.answers import AnswerContext, title_of
from seawall.ui.ask.asked import question_of
from seawall.ui.auth import token_of
from seawall.ui.carriers import raw_headers
from seawall.ui.charts.data import PanelData
from seawall.ui.export import ENCODERS
from seawall.ui.export import encoded as exported
from seawall.ui.headers import etag_matches
from seawall.ui.negotiate import FORMATS, locale_of, speaks
from seawall.ui.params import Values, read
from seawall.ui.problems import HTML, TooLarge
from seawall.ui.reception import Reception
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices

BODY_BYTES_MAX = 64 << 10
KNOWN = frozenset({*NAMES, "lang", "format"})
CSV_SAID = "; charset=utf-8; header=present"


class NotUnderstood(SeawallError):
    """The question could not be answered from this data, or not with enough confidence."""

    slug = "not-understood"
    status = 422
    title = "Not understood"


class AskIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST."""

    question: str
    before: Question | None = None
    """What the answer before was understood as; the text may refine it."""
    locale: str = ""


class AskApi:
    """See the module."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception

    async def ask(self, request: Request) -> Reply:
        """A text, understood and answered."""
        check_same_origin(request.method, request.headers, self._services.public_url)
        site, rights = self._reception.site(request)
        wanted = file_format("", request.headers.get("accept", ""))
        body = _read(await _bounded(request))
        locale = _locale(body.locale, request, site)
        before = question_of(site.app, rights.policy, _values(body.before)) if body.before is not None else None
        deadline = self._reception.deadline(raw_headers(request.scope))
        outcome = await self._understood(request, site, rights, body.question, locale, before, deadline)
        if outcome.question is None:
            if wanted != "json":
                raise NotUnderstood(outcome.reading.why, got=outcome.refusal)
            return self._sent(request, FORMATS["json"], encoded(told(outcome, body.question, site.app, locale)))
        made = await _answered(site, rights, outcome.question, locale, deadline)
        if wanted != "json":
            return await self._file(request, site, made, wanted)
        whole = told(outcome, body.question, site.app, locale, made)
        return self._sent(request, FORMATS["json"], await asyncio.to_thread(encoded, whole))

    async def answer(self, request: Request) -> Reply:
        """The rows of a question in parameters; with `format=html` as a page with a table."""
        site, rights = self._reception.site(request)
        if site.ask is None:
            raise NotFound("Nothing can be asked here")
        values = read(request.scope["query_string"])
        if unknown := sorted(set(values) - KNOWN):
            raise InvalidInput(f"The parameter {unknown[0]!r} is not known here", expected=f"one of {', '.join(sorted(KNOWN))}")
        lang, chosen = ((values.get(name) or [""])[-1] for name in ("lang", "format"))
        wanted = "html" if chosen == "html" else file_format(chosen, request.headers.get("accept", ""))
        question = question_of(site.app, rights.policy, values)
        if not question.metrics and not question.by:
            raise InvalidInput("Nothing is asked", expected="a metric, or something to list by")
        locale = locale_of(lang, request.headers.get("accept-language", ""), site.app.locales)
        made = await _answered(site, rights, question, locale, self._reception.deadline(raw_headers(request.scope)))
        if wanted == "html":
            rows = in_words(made.rows, question, locale)
            return self._sent(request, HTML, self._table(site, msgspec.structs.replace(made, rows=rows), values, locale))
        if wanted != "json":
            return await self._file(request, site, made, wanted)
        return self._sent(request, FORMATS["json"], await asyncio.to_thread(_encoded, made, locale))

    async def _understood(
        self, request: Request, site: Site, rights: Rights, text: str, locale: str, before: Question | None, deadline: Deadline
    ) -> Outcome:
        if site.ask is None:
            raise NotFound("Nothing can be asked here")
        token = token_of(request, secure=self._services.secure)
        asking = Asking(text=text, locale=locale, policy=rights.policy, token=token, before=before)
        return await site.ask.understand(asking, deadline=deadline)

    def _table(self, site: Site, made: Answered, values: Values, locale: str) -> bytes:
        """What a chart shows, as a table for people."""
        named = {name: given for name, given in values.items() if name != "format"}
        ctx = AnswerContext(site.app.name, "ask", locale, made.as_of, named, self._services.clock.time())
        data = PanelData(made.rows.columns, made.rows.table)
        return str(self._services.drawing.data_page(made.panel, data, ctx, css=self._services.assets.url("seawall.css"))).encode()

    async def _file(self, request: Request, site: Site, made: Answered, format: str) -> Reply:
        name = f'attachment; filename="{site.app.name}-answer.{format}"'
        media_type = FORMATS[format] + (CSV_SAID if format == "csv" else "")
        body = b"".join([piece async for piece in exported(_batches(made.rows.table), ENCODERS[format]())])
        return self._sent(request, media_type, body, (b"content-disposition", name.encode()))

    def _sent(self, request: Request, media_type: str, body: bytes, *more: tuple[bytes, bytes]) -> Reply:
        etag = f'"{xxhash.xxh3_128_hexdigest(body)}"'
        headers = self._services.headers.of("data", media_type, (b"etag", etag.encode()), *more)
        if request.method != "POST" and etag_matches(request.headers.get("if-none-match", ""), etag):
            return Reply(304, headers)
        return Reply(200, headers, body)


async def _answered(site: Site, rights: Rights, question: Question, locale: str, deadline: Deadline) -> Answered:
    title = Text({locale: title_of(question, site.app, locale)})
    return await answered(site.questions, rights.policy, question, title, deadline=deadline)


async def _batches(table: pa.Table) -> AsyncIterator[pa.RecordBatch]:
    """At least one, so that a file without rows has its columns."""
    for batch in table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]:
        yield batch


async def _bounded(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge(expected=f"at most {BODY_BYTES_MAX} bytes")
    return body


def _read(body: bytes) -> AskIn:
    try:
        return msgspec.json.decode(body, type=AskIn)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("The question is not as described", expected="question, before, locale", got=str(error)[:200]) from error


def _values(question: Question) -> Values:
    """A question as parameters, so that names are checked against what the asker may see."""
    values: Values = {}
    for name, value in to_params(question):
        values.setdefault(name, []).append(value)
    return values


def _locale(wanted: str, request: Request, site: Site) -> str:
    if wanted and not speaks(wanted, site.app.locales):
        raise InvalidInput("The app does not speak this language", expected=f"one of {', '.join(site.app.locales)}", got=wanted[:35])
    return locale_of(wanted, request.headers.get("accept-language", ""), site.app.locales)


def _encoded(made: Answered, locale: str) -> bytes:
    return encode(answer_of("ask", locale, made.rows.columns, made.rows.table, made.watermark, made.as_of))
