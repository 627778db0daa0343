"""Signing in, staying signed in and signing out, over cookies that scripts cannot read.

- A one-time link signs in at once when a person opens it; followed from another site or fetched ahead of time it asks first,
  so that nobody is signed in to somebody else's account behind their back, and no prefetch uses it up.
- Refreshing sends the browser back only to a path of this site.
- Every change checks where it comes from (`trust.csrf`). No answer is kept by any cache.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seawall.core.errors import SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.core.problem import MEDIA_TYPE, problem_of
from seawall.core.settings import Settings
from seawall.trust.csrf import check_same_origin
from seawall.trust.errors import CrossSite, InvalidLink, InvalidToken, NotSignedIn
from seawall.trust.sessions import SESSION_SECONDS, TOKEN_SECONDS, Sessions, SignedIn
from seawall.trust.tokens import Tokens
from seawall.ui.auth_pages import page
from seawall.ui.carriers import cookie_in, raw_headers, token_in
from seawall.ui.headers import HeaderSet

REFRESH_COOKIE, REFRESH_PATH, SIGN_IN_PATH = "seawall_refresh", "/auth/refresh", "/auth/sign-in"
TARGET_LENGTH_MAX = 8_000
_TARGET = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A slash, not followed by another or a backslash, then printable ASCII without spaces and backslashes."""
_HTML = "text/html; charset=utf-8"
_OF_OURS = frozenset({"same-origin", "none"})
Handler = Callable[[Request], Awaitable[Response]]


def token_cookie(*, secure: bool) -> str:
    """The name of the token's cookie. Under TLS the browser itself keeps others from setting it (`__Host-`)."""
    return "__Host-seawall_token" if secure else "seawall_token"


def principal_of(request: Request, tokens: Tokens, *, secure: bool = False) -> Principal:
    """Who asks, by `Authorization: Bearer …`, else by cookie. NotSignedIn when neither holds."""
    return tokens.verify(token_of(request, secure=secure))


def token_of(request: Request, *, secure: bool = False) -> str:
    """The token a request carries, not verified yet. NotSignedIn when it carries none."""
    headers = raw_headers(request.scope)
    return token_in(headers.get(b"authorization", b""), headers.get(b"cookie", b""), token_cookie(secure=secure))


def local_target(query: str) -> str:
    """Where to go after a refresh: what stands behind `to=`, to the end of the query, when it is a path of this site; else `/`."""
    _, found, target = query.partition("to=")
    plain = found and len(target) <= TARGET_LENGTH_MAX and _TARGET.fullmatch(target)
    return target if plain and not target.startswith("/auth/") else "/"


def routes(sessions: Sessions, settings: Settings) -> list[Route]:
    """Everything under `/auth/`."""
    desk = _Desk(sessions, settings)
    return [
        Route("/auth/link/{code}", desk.open_link, methods=["GET", "HEAD"]),
        Route("/auth/link/{code}", desk.confirm_link, methods=["POST"]),
        Route(REFRESH_PATH, desk.refresh_and_return, methods=["GET"]),
        Route(REFRESH_PATH, desk.refresh, methods=["POST"]),
        Route("/auth/sign-out", desk.sign_out, methods=["POST"]),
        Route(f"{REFRESH_PATH}/sign-out", desk.sign_out_by_cookie, methods=["POST"]),
        Route(SIGN_IN_PATH, desk.sign_in, methods=["GET"]),
    ]


class _Desk:
    """The handlers, and how they answer."""

    def __init__(self, sessions: Sessions, settings: Settings) -> None:
        self._sessions = sessions
        self._secure = settings.secure
        self._origin = settings.public_url
        self._headers = HeaderSet(secure=settings.secure)

    async def open_link(self, request: Request) -> Response:
        ours = request.headers.get("sec-fetch-site", "none") in _OF_OURS
        ahead = "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", ""))
        if not ours or ahead or request.method == "HEAD":
            return self._page(request, 200, "confirm", button=True)
        return await self._redeem(request)

    async def confirm_link(self, request: Request) -> Response:
        try:
            self._check_origin(request)
        except CrossSite as error:
            return self._page(request, error.status, error.slug)
        return await self._redeem(request)

    async def refresh_and_return(self, request: Request) -> Response:
        target = local_target(request.scope["query_string"].decode("latin-1"))
        try:
            signed_in = await self._sessions.refresh(request.cookies.get(REFRESH_COOKIE, ""))
        except NotSignedIn:
            return self._redirect(SIGN_IN_PATH, *self._forget())
        except Unavailable:
            return self._page(request, 503, "unavailable")
        return self._redirect(target, *self._remember(signed_in))

    async def refresh(self, request: Request) -> Response:
        try:
            self._check_origin(request)
            signed_in = await self._sessions.refresh(request.cookies.get(REFRESH_COOKIE, ""))
        except NotSignedIn as error:
            return self._problem(error, *self._forget())
        except (CrossSite, Unavailable) as error:
            return self._problem(error)
        return self._answer(204, b"", "", *self._remember(signed_in))

    async def sign_out(self, request: Request) -> Response:
        """Without a current token the request goes on to where the refresh cookie is sent, which tells the session too."""
        try:
            self._check_origin(request)
            principal = principal_of(request, self._sessions.tokens, secure=self._secure)
            await self._sessions.revoke(principal.session)
        except (CrossSite, Unavailable) as error:
            return self._page(request, error.status, error.slug)
        except NotSignedIn:
            return self._answer(307, b"", "", ("location", f"{REFRESH_PATH}/sign-out"))
        return self._redirect(f"{SIGN_IN_PATH}?out", *self._forget())

    async def sign_out_by_cookie(self, request: Request) -> Response:
        try:
            self._check_origin(request)
            await self._sessions.revoke_cookie(request.cookies.get(REFRESH_COOKIE, ""))
        except (CrossSite, Unavailable) as error:
            return self._page(request, error.status, error.slug)
        except NotSignedIn:
            pass  # There was no session left to end.
        return self._redirect(f"{SIGN_IN_PATH}?out", *self._forget())

    async def sign_in(self, request: Request) -> Response:
        return self._page(request, 200, "signed_out" if request.scope["query_string"] == b"out" else "sign_in")

    async def _redeem(self, request: Request) -> Response:
        """Start a new session, whatever the browser brought along; the session it had ends."""
        try:
            signed_in = await self._sessions.redeem(request.path_params["code"])
            await self._end_former(request)
        except (InvalidLink, Unavailable) as error:
            return self._page(request, error.status, error.slug)
        return self._redirect("/", *self._remember(signed_in))

    async def _end_former(self, request: Request) -> None:
        try:
            sent = cookie_in(raw_headers(request.scope).get(b"cookie", b""), token_cookie(secure=self._secure))
            former = self._sessions.tokens.verify(sent)
            await self._sessions.revoke(former.session)
        except (InvalidToken, Unavailable):
            return  # There was none, or it runs out by itself: no reason to refuse the new one.

    def _check_origin(self, request: Request) -> None:
        check_same_origin(request.method, request.headers, self._origin)

    def _remember(self, signed_in: SignedIn) -> list[tuple[str, str]]:
        cookies = [self._cookie(token_cookie(secure=self._secure), signed_in.token, "/", TOKEN_SECONDS)]
        if signed_in.refresh:
            cookies.append(self._cookie(REFRESH_COOKIE, signed_in.refresh, REFRESH_PATH, SESSION_SECONDS))
        return cookies

    def _forget(self) -> list[tuple[str, str]]:
        return [self._cookie(token_cookie(secure=self._secure), "", "/", 0), self._cookie(REFRESH_COOKIE, "", REFRESH_PATH, 0)]

    def _cookie(self, name: str, value: str, path: str, age_seconds: float) -> tuple[str, str]:
        flags = "; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")
        return "set-cookie", f"{name}={value}; Path={path}; Max-Age={int(age_seconds)}{flags}"

    def _page(self, request: Request, status: int, key: str, *, button: bool = False) -> Response:
        return self._answer(
            status, page(key, request.headers.get("accept-language", ""), button=button), _HTML, ("vary", "Accept-Language")
        )

    def _problem(self, error: SeawallError, *headers: tuple[str, str]) -> Response:
        return self._answer(error.status, problem_of(error).encode(), MEDIA_TYPE, *headers)

    def _redirect(self, target: str, *headers: tuple[str, str]) -> Response:
        return self._answer(303, b"", "", ("location", target), *headers)

    def _answer(self, status: int, body: bytes, media_type: str, *headers: tuple[str, str]) -> Response:
        response = Response(body, status)
        more = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        made = [pair for pair in self._headers.of("never", media_type, *more) if pair[1]]
        response.raw_headers = made if status == 204 else [*made, (b"content-length", str(len(body)).encode())]
        return response
