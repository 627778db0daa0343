"""The sign-in routes as a browser uses them, and as an attacker would."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request

from seawall.core.clock import ManualClock
from seawall.core.principal import Principal
from seawall.core.settings import Settings
from seawall.trust.errors import NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.sessions import Sessions
from seawall.trust.sessions_memory import MemorySessions
from seawall.trust.tokens import Tokens
from seawall.ui.auth import local_target, principal_of, routes

MIA = Principal(user="mia", roles=("buyer",))
KEYS = generate()


class Browser:
    """A client of the routes; `origin` is where their pages live."""

    def __init__(self, origin: str = "http://localhost:8420") -> None:
        self.clock = ManualClock()
        self.database = MemorySessions(self.clock)
        self.tokens = Tokens(KEYS, self.clock)
        self.sessions = Sessions(self.database, self.tokens, self.clock)
        settings = Settings(Path("/x"), Path("/x"), (), "", "", public_url=origin)
        app = Starlette(routes=list(routes(self.sessions, settings)))
        self.here = {"sec-fetch-site": "same-origin", "origin": origin}
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=origin)

    async def sign_in(self) -> httpx.Response:
        return await self.client.get(f"/auth/link/{await self.sessions.create_link(MIA)}")

    def cookie(self, name: str) -> str | None:
        return next((cookie.value for cookie in self.client.cookies.jar if cookie.name == name), None)


@pytest.fixture
def browser() -> Browser:
    return Browser()


async def test_link(browser: Browser) -> None:
    """A link gives both cookies, hidden from scripts, each where it belongs."""
    answer = await browser.sign_in()
    token, refresh = answer.headers.get_list("set-cookie")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert token.startswith("seawall_token=")
    assert token.endswith("; Path=/; Max-Age=300; HttpOnly; SameSite=Lax")
    assert refresh.startswith("seawall_refresh=")
    assert "; Path=/auth/refresh; " in refresh
    assert answer.headers["cache-control"] == "no-store"
    assert browser.tokens.verify(browser.cookie("seawall_token") or "").user == "mia"


async def test_cookies_under_tls() -> None:
    """Under TLS cookies are Secure, the token's name is one no other site can set, and HSTS is said."""
    browser = Browser("https://seawall.example")
    answer = await browser.sign_in()
    token, refresh = answer.headers.get_list("set-cookie")
    assert token.startswith("__Host-seawall_token=")
    assert token.endswith("; Secure")
    assert refresh.endswith("; Secure")
    assert "Domain" not in token + refresh


async def test_used_link_says_so(browser: Browser) -> None:
    """The second click reads why, in the reader's language, and how to get another one."""
    code = await browser.sessions.create_link(MIA)
    await browser.client.get(f"/auth/link/{code}")
    answer = await browser.client.get(f"/auth/link/{code}", headers={"accept-language": "de"})
    assert answer.status_code == 401
    assert "Dieser Link gilt nicht mehr" in answer.text
    assert "seawall link" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-purpose": "prefetch;prerender"}]
)
async def test_link_from_elsewhere_asks_first(browser: Browser, headers: dict) -> None:
    """Following a link on another site, or a prefetch, signs nobody in until a person presses the button."""
    code = await browser.sessions.create_link(MIA)
    answer = await browser.client.get(f"/auth/link/{code}", headers=headers)
    assert "<form method=" in answer.text
    assert "set-cookie" not in answer.headers
    refused = await browser.client.post(f"/auth/link/{code}", headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert (await browser.client.post(f"/auth/link/{code}", headers=browser.here)).status_code == 303


async def test_head_uses_no_link_up(browser: Browser) -> None:
    """A mail scanner that only looks does not spoil the link."""
    code = await browser.sessions.create_link(MIA)
    assert (await browser.client.head(f"/auth/link/{code}")).status_code == 200
    assert (await browser.client.get(f"/auth/link/{code}")).status_code == 303


async def test_no_session_fixation(browser: Browser) -> None:
    """Cookies planted before the sign-in are replaced, and the session they belonged to ends."""
    await browser.sign_in()
    planted = (browser.cookie("seawall_token"), browser.cookie("seawall_refresh"))
    await browser.sign_in()
    assert browser.cookie("seawall_token") != planted[0]
    assert browser.cookie("seawall_refresh") != planted[1]
    with pytest.raises(NotSignedIn):
        await browser.sessions.refresh(planted[1] or "")


async def test_refresh_returns(browser: Browser) -> None:
    """A navigation comes back where it wanted to go, with a new token."""
    await browser.sign_in()
    before = browser.cookie("seawall_refresh")
    browser.clock.advance(301)
    answer = await browser.client.get("/auth/refresh?to=/merchandising/demand?department=A&to=//evil")
    assert (answer.status_code, answer.headers["location"]) == (303, "/merchandising/demand?department=A&to=//evil")
    assert browser.cookie("seawall_refresh") != before
    assert browser.tokens.verify(browser.cookie("seawall_token") or "").user == "mia"


async def test_refresh_without_a_session(browser: Browser) -> None:
    """Who has none is led to sign-in, and useless cookies go."""
    answer = await browser.client.get("/auth/refresh?to=/m/demand", headers={"cookie": "seawall_refresh=a.b"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/sign-in")
    assert all("Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert "Sign in" in (await browser.client.get("/auth/sign-in")).text


async def test_refresh_by_script(browser: Browser) -> None:
    """A script refreshes with a POST from our own pages only, and gets problem details when it is over."""
    await browser.sign_in()
    assert (await browser.client.post("/auth/refresh")).status_code == 403
    assert (await browser.client.post("/auth/refresh", headers={"origin": "https://evil.example"})).status_code == 403
    answer = await browser.client.post("/auth/refresh", headers=browser.here)
    assert (answer.status_code, answer.content) == (204, b"")
    await browser.sessions.revoke(browser.tokens.verify(browser.cookie("seawall_token") or "").session)
    over = await browser.client.post("/auth/refresh", headers=browser.here)
    assert (over.status_code, over.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("passed_seconds", [0, 400])
async def test_sign_out(browser: Browser, passed_seconds: float) -> None:
    """Signing out ends the session for good, also when the token has run out meanwhile."""
    await browser.sign_in()
    kept = browser.cookie("seawall_refresh") or ""
    browser.clock.advance(passed_seconds)
    answer = await browser.client.post("/auth/sign-out", headers=browser.here, follow_redirects=True)
    assert "You are signed out" in answer.text
    assert browser.cookie("seawall_token") is browser.cookie("seawall_refresh") is None
    with pytest.raises(NotSignedIn):
        await browser.sessions.refresh(kept)


async def test_nobody_else_signs_me_out(browser: Browser) -> None:
    """Another site cannot end a session."""
    await browser.sign_in()
    for path in ("/auth/sign-out", "/auth/refresh/sign-out"):
        assert (await browser.client.post(path, headers={"origin": "https://evil.example"})).status_code == 403
    assert (await browser.client.get("/auth/refresh?to=/")).headers["location"] == "/"
    assert (await browser.client.get("/auth/sign-out")).status_code == 405


async def test_store_away(browser: Browser) -> None:
    """Without the store the person reads that it is us, and keeps the cookies."""
    await browser.sign_in()
    browser.database.away = True
    answer = await browser.client.get("/auth/refresh?to=/m")
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
    assert (await browser.client.post("/auth/refresh", headers=browser.here)).status_code == 503
    assert (await browser.client.get("/auth/link/abc")).status_code == 503


async def test_pages_allow_no_script(browser: Browser) -> None:
    """Sign-in pages run nothing, are framed by nobody and kept by no cache."""
    answer = await browser.client.get("/auth/sign-in")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


FOREIGN = [
    "", "evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)",
    "/ /evil", "/a\\b", "/a\tb", "/\t/evil.example", "/a\r\nset-cookie: x", "/auth/refresh?to=/auth/refresh", "/auth/link/abc",
    "/é", "%2f%2fevil", "/" + "a" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("target", FOREIGN)
def test_open_redirect(target: str) -> None:
    """No `to` leads off this site, into a header or round in circles."""
    assert local_target(f"to={target}") == "/"


@given(st.text(max_size=30))
def test_targets_stay_here(text: str) -> None:
    """Whatever `to` says, a browser that resolves the answer stays on this origin."""
    origin = httpx.URL("http://localhost:8420/auth/refresh")
    target = local_target(f"to={text}")
    assert origin.join(target).netloc == origin.netloc
    assert target.isascii()
    assert not set(target) & set("\r\n\t \\")


def test_target_as_it_came() -> None:
    """A path with its query comes through letter by letter."""
    assert local_target("to=/m/demand?a=b%20c&d=e#") == "/m/demand?a=b%20c&d=e#"


def request_with(**headers: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [(k.encode(), v.encode()) for k, v in headers.items()]})


def test_principal_of() -> None:
    """A bearer token goes before the cookie, and the cookie's name depends on TLS."""
    tokens = Tokens(KEYS)
    mia, tom = tokens.mint(MIA, 60), tokens.mint(Principal(user="tom"), 60)
    assert principal_of(request_with(authorization=f"Bearer {mia}", cookie=f"seawall_token={tom}"), tokens).user == "mia"
    assert principal_of(request_with(cookie=f"seawall_token={tom}"), tokens).user == "tom"
    assert principal_of(request_with(cookie=f"__Host-seawall_token={tom}"), tokens, secure=True).user == "tom"
    for headers in (
        {},
        {"cookie": "seawall_token="},
        {"authorization": "Bearer "},
        {"authorization": "Basic x"},
        {"authorization": "Bearer x"},
    ):
        with pytest.raises(NotSignedIn):
            principal_of(request_with(**headers), tokens)
    with pytest.raises(NotSignedIn):
        principal_of(request_with(cookie=f"seawall_token={tom}"), tokens, secure=True)
