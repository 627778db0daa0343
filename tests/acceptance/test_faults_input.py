"""What must not break anything: addresses and headers of ten megabytes, languages nobody speaks, markup and formulas inside data."""

from __future__ import annotations

import contextlib
import csv
import io
import socket
from collections.abc import Callable
from html.parser import HTMLParser

import httpx
import pytest
from playwright.sync_api import Browser
from tests.acceptance.conftest import Bazaar, Seawall
from tests.acceptance.data_api import PROBLEM, DataApi, rows_of
from tests.acceptance.visitors import PLAIN, failed_panels, served
from tests.waiting import until

TEN_MB = 10 << 20
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1", "＝1+1")
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</template></main><script>alert(2)</script>",
    '<?end><?start name="items"><!--state-->',
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "&lt;b&gt; &amp; &#60;",
    "مرحبا \u202eevil\u202c שלום",
    "🥕👩\u200d🌾🏴\u200d☠️",
    "O'Brien; DROP TABLE sales; --",
    'a,b\nc"d"',
    "x" * 5_000,
    *FORMULAS,
)


class Markup(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def market(bazaar: Bazaar) -> Bazaar:
    """A bazaar whose wares have terrible names."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["sold_on", "sale", "item", "amount", "customer", "stall"])
    writer.writerows(["2026-01-05", number, item, 100 - number, 990000 + number, 1] for number, item in enumerate(NASTY, 1))
    tables = {"sales": text.getvalue(), "stalls": "stall,region,lot\n1,<i>East</i>,71\n", "wages": "person,paid\n1,5\n"}
    served(bazaar, "bazaar", bazaar.publish(**tables))
    return bazaar


@pytest.fixture
def api(market: Bazaar):
    """Somebody who may see everything."""
    with DataApi(market, "bazaar") as made:
        yield made


def answer_to(seawall: Seawall, request: bytes) -> bytes:
    """Send a request as far as it is taken; what came back."""
    with socket.create_connection(("127.0.0.1", seawall.port), timeout=60) as connection:
        heard = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            while b"\r\n\r\n" not in heard and (piece := connection.recv(65_536)):
                heard += piece
        return heard


@pytest.mark.parametrize("where", ["path", "query", "header", "cookie", "many"])
def test_ten_megabytes_are_refused_at_the_door(seawall: Seawall, where: str) -> None:
    """414, 431 or a closed connection, never a 5xx; and the next one is served."""
    start = {"path": b"/" + b"a" * TEN_MB, "query": b"/merchandising/demand?department=" + b"a" * TEN_MB}.get(
        where, b"/merchandising/demand"
    )
    lines = {
        "header": b"x-large: " + b"a" * TEN_MB + b"\r\n",
        "cookie": b"cookie: seawall_token=" + b"a" * TEN_MB + b"\r\n",
        "many": b"".join(b"x-%d: a\r\n" % number for number in range(500_000)),
    }.get(where, b"")
    heard = answer_to(seawall, b"GET " + start + b" HTTP/1.1\r\nhost: localhost\r\n" + lines + b"\r\n")
    assert heard == b"" or heard.split()[1] in (b"400", b"414", b"431"), heard[:200]
    assert httpx.get(f"{seawall.url}/merchandising/demand", headers=seawall.headers() | PLAIN, timeout=60).status_code == 200


@pytest.mark.parametrize("size", [5_000, 20_000, 50_000])
def test_long_addresses_within_the_limit_are_refused_in_words(seawall: Seawall, size: int) -> None:
    """A page forgives what it cannot use or says what is too long; the data API names it. Neither is our fault."""
    with DataApi(seawall, "merchandising") as api:
        assert api.get("/merchandising/demand", params={"department": "a" * size}).status_code in (200, 400)
        told = api.panel("sales", department="a" * size)
        assert (told.status_code, told.headers["content-type"]) == (400, PROBLEM)


@pytest.mark.parametrize("lang", ["xx-XX", "tlh", "*", "../../etc/passwd", "<script>", "a" * 1_000, "de_DE\x00", "en;q=0"])
def test_an_unknown_language_is_english(seawall: Seawall, lang: str) -> None:
    """In the address and in Accept-Language, whatever it says."""
    with DataApi(seawall, "merchandising") as api:
        assert '<html lang="en"' in api.page("transactions", lang=lang)
        header = {"Accept-Language": lang} if "\x00" not in lang else {}
        assert '<html lang="en"' in api.get("/merchandising/transactions", headers=header).text
        assert '<html lang="de"' in api.page("transactions", lang="de-AT")


@pytest.mark.parametrize(
    "page", ["overview", "sales", "overview?inorder=1", "sales?inorder=1", "overview?lang=de", "overview?item==cmd%7C"]
)
def test_markup_in_data_stays_text(api: DataApi, page: str) -> None:
    """No element and no attribute on the page comes from the data; every value is there to read."""
    shown: list[str] = []

    def whole() -> bool:
        shown[:] = [api.get(f"/bazaar/{page}").text]
        return not failed_panels(shown[0])

    until(whole)
    found = Markup(shown[0])
    assert [
        attributes for tag, attributes in found.elements if tag == "script" and not (attributes.get("src") or "").startswith("/static/")
    ] == []
    assert not {"img", "i", "b", "iframe", "object", "embed"} & {tag for tag, _ in found.elements}
    assert [name for _, attributes in found.elements for name in attributes if name.startswith("on") or name == "style"] == []
    if page.startswith("sales"):
        assert {item for item in NASTY if "\r" not in item and "\n" not in item} <= set(found.texts)
        assert "49" not in found.texts


def test_markup_in_data_does_nothing_in_a_browser(market: Bazaar, launch: Callable[..., Browser]) -> None:
    """No dialog, no request elsewhere, nothing for the content security policy to stop."""
    context = launch().new_context()
    context.add_cookies([{"name": "seawall_token", "value": market.token(), "url": market.url}])
    page, said, asked = context.new_page(), [], []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda response: asked.append((response.url, response.status)))
    for path in ("/bazaar/overview", "/bazaar/sales", "/bazaar/overview?item=%3Cscript%3Ealert(1)%3C/script%3E"):
        page.goto(market.url + path)
        page.wait_for_function("() => !document.querySelector('section.panel .skeleton')")
        foreign = "main img, main i, main script:not([src^='/static/'])"
        assert page.locator(foreign).count() == 0
    context.close()
    assert [(url, status) for url, status in asked if not url.startswith(market.url) or status != 200] == []
    assert said == []


@pytest.mark.parametrize("format", ["json", "arrow"])
def test_programs_get_values_exactly(api: DataApi, format: str) -> None:
    """Every character, all five thousand of them."""
    rows = rows_of(format, api.panel("sold", format=format).content)
    assert [row["item"] for row in rows] == list(NASTY)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_people_open_in_a_spreadsheet_is_defused(api: DataApi, format: str) -> None:
    """What would run as a formula begins with an apostrophe; everything else is exact."""
    rows = rows_of(format, api.panel("sold", format=format).content)
    assert [row["item"] for row in rows] == [f"'{item}" if item in FORMULAS else item for item in NASTY]
    assert {str(row["amount"])[0] for row in rows} <= set("0123456789")


@pytest.mark.parametrize("item", [item for item in NASTY if len(item) < 200 and item == item.strip()])
def test_a_filter_takes_any_value(api: DataApi, item: str) -> None:
    """The value is a value: exactly its row is found, and the page names it."""
    assert [row["item"] for row in api.rows("items", item=item)] == [item]
    assert "49" not in Markup(api.page("overview", item=item)).texts
