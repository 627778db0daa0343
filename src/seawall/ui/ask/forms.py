"""What forms below `/{app}/ask` and `/{app}/mine` change: a verdict is noted, an answer is kept, renamed, moved, taken off.

The write lane's. Each checks where it comes from, changes one thing and leads back to the page it came from, which says what happened.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from starlette.requests import Request

from seawall.core.errors import InvalidInput, NotFound, SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.telemetry.events import event
from seawall.trust.csrf import check_same_origin
from seawall.ui.ask.asked import last, query_of, question_of
from seawall.ui.ask.stores import TEXT_MAX, TITLE_MAX, Verdict
from seawall.ui.banner import kept_cookie
from seawall.ui.params import Values, read
from seawall.ui.problems import TooLarge
from seawall.ui.recent import Recent
from seawall.ui.reception import Reception
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices

BODY_BYTES_MAX = 65_536
FIELDS_MAX = 24
WORD_MAX = 40
PER_MINUTE_MAX = 20
"""Forms of one person; more are told to come back."""
SENDERS_MAX = 4_096
COOKIE_SECONDS = 180 * 86_400
VERDICTS = ("up", "down")


class OverPace(SeawallError):
    """Too much is sent at once. Come back in a minute."""

    slug = "over-pace"
    status = 429
    title = "Too many requests"


class AskForms:
    """The handlers."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._sent: Recent[tuple[str, str], tuple[int, int]] = Recent(SENDERS_MAX)

    async def verdict(self, request: Request) -> Reply:
        """A thumb up or down, with a comment."""
        site, rights, form = await self._form(request)
        verdicts = self._services.verdicts
        thumb = last(form, "verdict")
        if thumb not in VERDICTS:
            raise InvalidInput("There is no such verdict", expected="up or down", got=thumb[:20])
        if verdicts is None:
            raise NotFound("No verdicts are kept here")
        made = Verdict(
            app=site.app.name,
            bundle=site.bundle.digest,
            question=last(form, "q").strip()[:TEXT_MAX],
            locale=last(form, "locale")[:WORD_MAX],
            before=_params(site, rights, last(form, "before")),
            understood=_params(site, rights, last(form, "params")),
            refusal=last(form, "refusal")[:WORD_MAX],
            tier=last(form, "tier")[:WORD_MAX],
            verdict=thumb,
            comment=last(form, "comment").strip()[:TEXT_MAX],
        )
        try:
            await verdicts.record(made)
        except Unavailable:
            event("verdict.lost", app=site.app.name)
            return self._back(site, form, "lost")
        return self._back(site, form, thumb)

    async def mine(self, request: Request) -> Reply:
        """A change of somebody's own page."""
        site, rights, form = await self._form(request)
        kept, who, app = self._services.kept, self._reception.principal(request), site.app.name
        if kept is None:
            raise NotFound("No answers are kept here")
        do, title = last(form, "do"), " ".join(last(form, "title").split())[:TITLE_MAX]
        try:
            if do == "keep":
                params = _params(site, rights, last(form, "params"))
                if not params or not title:
                    raise InvalidInput("Nothing is kept", expected="a question and a title")
                return self._back(site, form, "kept" if await kept.keep(app, who, title, params) else "full", kept=True)
            if do == "rename" and title:
                await kept.rename(app, who, _id(form), title)
            elif do in ("up", "down"):
                await kept.move(app, who, _id(form), up=do == "up")
            elif do == "remove":
                await kept.drop(app, who, _id(form))
            elif do != "rename":
                raise InvalidInput("There is no such change", expected="keep, rename, up, down or remove", got=do[:20])
        except Unavailable:
            event("answer.not_kept", app=app)
            return self._back(site, form, "lost") if do == "keep" else self._to(site, f"/{app}/mine?said=lost")
        lang = last(form, "lang")[:WORD_MAX]
        return self._to(site, f"/{app}/mine{'?' + urlencode({'lang': lang}) if lang else ''}")

    async def _form(self, request: Request) -> tuple[Site, Rights, Values]:
        check_same_origin(request.method, request.headers, self._services.public_url)
        site, rights = self._reception.site(request)
        self._pace(self._reception.principal(request))
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES_MAX:
                raise TooLarge(expected=f"at most {BODY_BYTES_MAX} bytes")
        try:
            return site, rights, parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
        except (ValueError, UnicodeDecodeError) as error:
            raise InvalidInput("The form cannot be read", expected="a form as our pages send it") from error

    def _pace(self, who: Principal) -> None:
        minute = int(self._services.clock.monotonic() // 60)
        counted = self._sent.get((who.tenant, who.user))
        count = counted[1] + 1 if counted and counted[0] == minute else 1
        self._sent.put((who.tenant, who.user), (minute, count))
        if count > PER_MINUTE_MAX:
            raise OverPace(expected=f"at most {PER_MINUTE_MAX} a minute")

    def _back(self, site: Site, form: Values, said: str, *, kept: bool = False) -> Reply:
        """To the page the form stood on, with what happened."""
        here = {name: given for name, given in read(last(form, "here").encode("ascii", "ignore")).items() if name != "said"}
        query = urlencode([*((name, value) for name, given in here.items() for value in given), ("said", said)])
        return self._to(site, f"/{site.app.name}/ask?{query}", kept=kept)

    def _to(self, site: Site, target: str, *, kept: bool = False) -> Reply:
        headers = self._services.headers.of("never", "text/plain", (b"location", target.encode("latin-1")))
        if kept:
            headers.append((b"set-cookie", cookie_of(site.app.name, secure=self._services.secure)))
        return Reply(303, headers)


def cookie_of(app: str, *, secure: bool, gone: bool = False) -> bytes:
    """What makes the browser remember that somebody has a page of their own, or forget it."""
    age = 0 if gone else COOKIE_SECONDS
    return f"{kept_cookie(app)}=1; Path=/{app}; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}".encode()


def _params(site: Site, rights: Rights, query: str) -> str:
    """A question in parameters, in its canonical order; InvalidInput or NotFound for what the sender may not name."""
    if not query:
        return ""
    return query_of(question_of(site.app, rights.policy, read(query.encode("ascii", "ignore"))))


def _id(form: Values) -> int:
    text = last(form, "id")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidInput("There is no such answer on your page", got=text[:20])
    return int(text)
