"""Verdicts on answers, and answers that people keep."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.unit.ui_server.asking import AskingHouse

from seawall.core.errors import Unavailable
from seawall.ui.ask.stores import KEPT_MAX, redacted

OURS = {"origin": "http://localhost:8420", "sec-fetch-site": "same-origin", "authorization": ""}
PARAMS = "metric=sales&by=transactions.department"


class Both:
    """The lanes over one database, as a browser sees them."""

    def __init__(self) -> None:
        self.read, self.write = AskingHouse(), AskingHouse("write")
        self.read.database.tables = self.write.database.tables
        self.cookies = {"seawall_token": self.read.token()}
        self.write_cookies = {"seawall_token": self.write.token()}

    async def post(self, path: str, **form: str) -> httpx.Response:
        async with self.write.client(headers=OURS | {"cookie": "; ".join(f"{k}={v}" for k, v in self.write_cookies.items())}) as client:
            return await client.post(path, data=form)

    async def get(self, path: str, *more: str) -> httpx.Response:
        cookie = "; ".join([*(f"{name}={value}" for name, value in self.cookies.items()), *more])
        async with self.read.client(headers={"authorization": "", "cookie": cookie, "user-agent": "Chrome/156.0"}) as client:
            return await client.get(path)


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    made = Both()
    yield made
    for house in (made.read, made.write):
        await house.ladder.close()


async def test_a_verdict_is_kept_without_a_name(both: Both) -> None:
    """What was asked and understood, the comment, the day; personal data and secrets taken out, and no word of who it was."""
    answer = await both.post(
        "/shop/ask/verdict",
        verdict="down",
        q="sales of ann@example.org",
        params=PARAMS,
        comment="call +1 212 555 0187",
        locale="en",
        here="q=x",
    )
    (row,) = both.write.database.tables["asked"].values()
    assert (answer.status_code, answer.headers["location"]) == (303, "/shop/ask?q=x&said=down")
    assert (row["question"], row["understood"], row["verdict"]) == ("sales of [email]", PARAMS, "down")
    assert "555" not in row["comment"]
    assert not {"user", "owner", "tenant"} & row.keys()


async def test_a_verdict_names_only_what_its_sender_may_see(both: Both) -> None:
    """A form that was altered is refused."""
    answer = await both.post("/shop/ask/verdict", verdict="up", q="x", params="metric=hidden")
    assert (answer.status_code, both.write.database.tables.get("asked")) == (404, None)


@pytest.mark.parametrize("path", ["/shop/ask/verdict", "/shop/mine"])
async def test_another_site_changes_nothing(both: Both, path: str) -> None:
    """The browser must say that the form is ours."""
    async with both.write.client(headers={"authorization": "", "cookie": f"seawall_token={both.write.token()}"}) as client:
        assert (await client.post(path, data={"verdict": "up", "do": "keep"})).status_code == 403


async def test_only_so_many_forms_a_minute(both: Both) -> None:
    """More are told to come back."""
    told = [(await both.post("/shop/ask/verdict", verdict="up", q="x")).status_code for _ in range(21)]
    assert told == [303] * 20 + [429]


async def test_postgres_away_is_told_and_nothing_breaks(both: Both) -> None:
    """The page it came from says so."""
    both.write.database.away = True
    assert (await both.post("/shop/ask/verdict", verdict="up", q="x", here="q=x")).headers["location"].endswith("said=lost")
    assert (await both.post("/shop/mine", do="keep", params=PARAMS, title="T", here=PARAMS)).headers["location"].endswith("said=lost")


async def test_an_answer_is_kept_and_shown_on_a_page_of_ones_own(both: Both) -> None:
    """Made anew from its parameters; the browser remembers that there is a page, and the banner then names it."""
    kept = await both.post("/shop/mine", do="keep", params=PARAMS, title="My  sales", here=PARAMS)
    page = await both.get("/shop/mine")
    assert kept.headers["location"].endswith("said=kept")
    assert "seawall_mine_shop=1; Path=/shop" in kept.headers["set-cookie"]
    assert "My sales" in page.text
    assert "GROCERY" in page.text
    assert 'href="/shop/mine"' in (await both.get("/shop/demand", "seawall_mine_shop=1")).text
    assert 'href="/shop/mine"' not in (await both.get("/shop/demand")).text


async def test_answers_are_renamed_moved_and_taken_off(both: Both) -> None:
    """One form each; the page shows them in the new order."""
    for metric in ("sales", "units"):
        await both.post("/shop/mine", do="keep", params=f"metric={metric}&by=transactions.store", title=f"The {metric}", here="")
    await both.post("/shop/mine", do="up", id="2")
    await both.post("/shop/mine", do="rename", id="1", title="Other")
    html = (await both.get("/shop/mine")).text
    assert html.index("The units") < html.index("Other")
    await both.post("/shop/mine", do="remove", id="2")
    assert "The units" not in (await both.get("/shop/mine")).text


async def test_nobody_touches_what_another_keeps(both: Both) -> None:
    """Another person's form with the same number changes nothing."""
    await both.post("/shop/mine", do="keep", params=PARAMS, title="Mine", here="")
    for row in both.write.database.tables["kept_answers"].values():
        row["owner"] = "bob"
    await both.post("/shop/mine", do="remove", id="1")
    assert len(both.write.database.tables["kept_answers"]) == 1
    assert "Mine" not in (await both.get("/shop/mine")).text


async def test_a_full_page_says_so(both: Both) -> None:
    """The number is bounded; keeping again what is there renames it."""
    for number in range(KEPT_MAX):
        await both.write.database.execute(
            "keep_answer",
            app="shop",
            tenant="default",
            owner="ann",
            title="T",
            params=f"metric=sales&limit={number + 1}",
            count_max=KEPT_MAX,
        )
    assert (await both.post("/shop/mine", do="keep", params=PARAMS, title="T", here="")).headers["location"].endswith("said=full")
    assert (
        (await both.post("/shop/mine", do="keep", params="metric=sales&limit=1", title="New", here="")).headers["location"].endswith("kept")
    )


async def test_what_can_no_longer_be_asked_says_so(both: Both) -> None:
    """Rights changed, or the app did: the panel explains, the rest of the page stands."""
    await both.post("/shop/mine", do="keep", params=PARAMS, title="Good", here="")
    both.write.database.tables["kept_answers"][9] = both.write.database.tables["kept_answers"][1] | {
        "id": 9,
        "params": "metric=hidden",
        "title": "Bad",
    }
    html = (await both.get("/shop/mine")).text
    assert "GROCERY" in html
    assert "cannot be asked any more" in html


async def test_an_empty_page_shows_the_way(both: Both) -> None:
    """And lets the browser forget that there was one."""
    page = await both.get("/shop/mine", "seawall_mine_shop=1")
    assert "You keep no answers yet" in page.text
    assert "Max-Age=0" in page.headers["set-cookie"]


async def test_the_page_needs_postgres(both: Both) -> None:
    """Which is told, not a broken page."""
    both.read.database.away = True
    assert (await both.get("/shop/mine")).status_code == Unavailable.status


async def test_mended_parts_keep_the_text(both: Both) -> None:
    """Who mends a chip and says that it is right now has shown what the text means."""
    html = (await both.get("/shop/ask?q=sales by department")).text
    cross = re.search(r'class="x" href="([^"]+)"', html)
    assert cross is not None
    mended = (await both.get(cross[1].replace("&amp;", "&"))).text
    assert 'name="q" value="sales by department"' in mended


@pytest.mark.parametrize(
    ("text", "kept"), [("sales in Q2", "sales in Q2"), ("mail bob@x.org", "mail [email]"), ("key AKIAIOSFODNN7EXAMPLE", "key [aws-key]")]
)
def test_what_is_personal_or_secret_is_not_kept(text: str, kept: str) -> None:
    """The same finders as for prompts."""
    assert redacted(text) == kept
