"""Who one is, through the whole house: the link, the cookies, coming back after a pause, signing out, tokens for programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from tests.acceptance.conftest import Seawall
from tests.waiting import until

PAGE = "/merchandising/demand"


@pytest.fixture(scope="module")
def context(seawall: Seawall, browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which somebody opened the link that `seawall up` printed."""
    made = browser.new_context()
    page = made.new_page()
    answer = page.goto(seawall.sign_in_url)
    assert answer
    assert answer.ok
    page.close()
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    made = context.new_page()
    yield made
    made.close()


def cookies(context: BrowserContext) -> dict[str, dict]:
    return {cookie["name"]: cookie for cookie in context.cookies()}


def test_the_link_leads_to_the_console(seawall: Seawall, context: BrowserContext, page: Page) -> None:
    """After the link every page is open, and no script can read what opened it."""
    page.goto(seawall.url)
    assert page.url.startswith(seawall.url + PAGE)
    assert page.evaluate("document.cookie") == ""
    found = {name: (one["path"], one["httpOnly"], one["sameSite"]) for name, one in cookies(context).items()}
    assert found == {"seawall_token": ("/", True, "Lax"), "seawall_refresh": ("/auth/refresh", True, "Lax")}


def test_the_link_works_once(seawall: Seawall, browser: Browser, context: BrowserContext) -> None:
    """Whoever finds the link later reads why it does nothing."""
    other = browser.new_context(locale="de-DE")
    page = other.new_page()
    page.goto(seawall.sign_in_url)
    assert page.get_by_role("heading").inner_text() == "Dieser Link gilt nicht mehr"
    assert cookies(other) == {}
    other.close()


def test_coming_back_after_a_pause(seawall: Seawall, context: BrowserContext, page: Page) -> None:
    """When the token has run out, a page still opens where it was asked for, with a new token and a new refresh cookie."""
    before = cookies(context)["seawall_refresh"]["value"]
    context.clear_cookies(name="seawall_token")
    answer = page.goto(f"{seawall.url}{PAGE}?period=last_4_weeks&department=GROCERY")
    assert answer
    assert answer.status == 200
    assert page.url == f"{seawall.url}{PAGE}?period=last_4_weeks&department=GROCERY"
    assert cookies(context)["seawall_refresh"]["value"] != before


def test_strangers_are_led_to_sign_in(seawall: Seawall, browser: Browser) -> None:
    """Somebody without a session reads how to get one."""
    other = browser.new_context()
    page = other.new_page()
    page.goto(seawall.url + PAGE)
    assert page.url == f"{seawall.url}/auth/sign-in"
    assert page.get_by_role("heading").inner_text() == "Sign in"
    other.close()


def test_programs(seawall: Seawall) -> None:
    """`seawall token` opens pages and the models; without it a program gets problem details."""
    command = (sys.executable, "-m", "seawall.cli.main", "token", "--role", "approver", "--data", str(seawall.data))
    token = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    plain = {"accept-encoding": "identity"}  # httpx decodes one zstd frame; a page is a join of them
    with httpx.Client(base_url=seawall.url, headers=plain, timeout=30) as client:
        refused = client.get("/merchandising/openapi.json")
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
        bearer = {"authorization": f"Bearer {token}"}
        assert client.get(PAGE, headers=bearer).status_code == 200
        assert client.get("/v1/models", headers=bearer).json()["object"] == "list"
        assert client.get("/v1/models").json()["error"]["code"] == "invalid_api_key"


def test_readiness_is_told(seawall: Seawall) -> None:
    """Anybody may ask whether the house is ready; the supervisor says the same of each service."""
    until(lambda: httpx.get(f"{seawall.url}/readyz", timeout=30).json()["ready"])
    until(lambda: seawall.status()["ready"])
    services = {service["name"]: service["ready"] for service in seawall.status()["services"]}
    assert services["gateway"]
    assert services["model-proxy"]


def test_other_sites_change_nothing(seawall: Seawall, context: BrowserContext, page: Page) -> None:
    """A form on another site can neither sign the browser out nor refresh its session."""
    page.goto(seawall.url)
    for path in ("/auth/sign-out", "/auth/refresh"):
        page.goto("about:blank")
        page.set_content(f'<form method="post" action="{seawall.url}{path}"><button>x</button></form>')
        with page.expect_navigation():
            page.get_by_role("button").click()
    page.goto(seawall.url)
    assert page.url.startswith(seawall.url + PAGE)


def test_zz_signing_out(seawall: Seawall, context: BrowserContext, page: Page) -> None:
    """Signing out ends the session everywhere: cookies that were copied before do not bring it back."""
    page.goto(seawall.url)
    kept = cookies(context)["seawall_refresh"]["value"]
    page.evaluate("fetch('/auth/sign-out', {method: 'POST'})")
    until(lambda: cookies(context) == {})
    page.goto(seawall.url + PAGE)
    assert page.url == f"{seawall.url}/auth/sign-in"
    answer = httpx.post(f"{seawall.url}/auth/refresh", cookies={"seawall_refresh": kept}, headers={"origin": seawall.url}, timeout=30)
    assert answer.status_code == 401
