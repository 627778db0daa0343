"""Pages as a client sees them, over a fake engine."""

import asyncio
import re

import msgspec
import pytest
from tests.unit.ui_server.sample import House, sample_app
from tests.waiting import eventually

from seawall.core.errors import Unavailable
from seawall.query.errors import EngineUnavailable, QueryFailed
from seawall.ui.cut import cut_at_panels
from seawall.ui.drawing import FILTERS_MARK
from seawall.ui.frames import frame, join
from seawall.ui.messages import messages
from seawall.ui.render.page import FIRST_ROW_MARK, rows

PLAIN = {"accept-encoding": "gzip", "user-agent": "Chrome/156.0"}


def templates(html: str) -> list[str]:
    return re.findall(r'<template for="([\w-]+)">', html)


async def test_every_visible_panel_lands(house: House) -> None:
    """A cold page holds each panel exactly once, in a template or in place, and nothing of what may not be seen."""
    async with house.client() as client:
        html = (await client.get("/shop/demand")).text
    assert {"sales", "units"} == set(templates(html)) - {"filter-bar"}
    assert "secret" not in html
    assert html.endswith("</main></body></html>")


async def test_templates_are_direct_children_of_main(house: House) -> None:
    """A template elsewhere would find no marker; every element of the layout is closed before the first one."""
    house.engine.delay_seconds = {"sales": 0.2, "units": 0.2}
    async with house.client() as client:
        html = (await client.get("/shop/demand")).text
    inside = html.partition("<main")[2].partition("<template")[0]
    assert sorted(templates(html)) == ["filter-bar", "sales", "units"]
    for tag in ("div", "section", "form", "fieldset"):
        assert inside.count(f"<{tag}") == inside.count(f"</{tag}>")


async def test_panels_land_in_the_order_they_are_done(house: House) -> None:
    """A slow panel does not hold back a fast one."""
    house.engine.delay_seconds = {"sales": 0.1, "units": 0.05}
    async with house.client() as client:
        assert templates((await client.get("/shop/demand")).text) == ["filter-bar", "units", "sales"]


async def test_the_filter_bar_waits_for_nobody(house: House) -> None:
    """Without its choices it shows what the URL says, and comes again with them; a page of panels at hand needs them too."""
    house.engine.delay_seconds = {"value": 0.1}
    async with house.client() as client:
        cold = (await client.get("/shop/demand?department=GROCERY")).text
        warm = (await client.get("/shop/demand?department=GROCERY")).text
    assert "DRUG GM" not in cold.partition("<template")[0]
    assert "DRUG GM" in cold.partition('<template for="filter-bar">')[2]
    assert warm.count("DRUG GM") == cold.count("DRUG GM")
    assert not templates(warm)


async def test_without_choices_the_bar_stands_as_it_is(house: House) -> None:
    """A failed look-up of choices costs neither the page nor the bar."""
    house.engine.faults = {"value": Unavailable()}
    async with house.client() as client:
        html = (await client.get("/shop/demand?department=GROCERY")).text
    assert "filter-bar" not in templates(html)
    assert 'value="GROCERY" checked' in html


@pytest.mark.parametrize("coding", ["identity", "zstd"])
async def test_in_order_there_are_no_templates(house: House, coding: str) -> None:
    """Browsers with neither templates nor script read the page from top to bottom, in whatever coding they take."""
    house.engine.delay_seconds = {"sales": 0.1}
    async with house.client() as client:
        html = (await client.get("/shop/demand?inorder=1", headers={"accept-encoding": coding})).text
    assert not templates(html)
    assert "<?start" not in html
    assert html.index('id="h-sales"') < html.index('id="h-units"') < html.index("</main>")


async def test_browsers_without_templates_are_offered_the_page_in_order(house: House) -> None:
    """Only without script, and never to a browser that fills templates itself."""
    async with house.client() as client:
        old = await client.get("/shop/demand", headers={"user-agent": "Firefox/153.0"})
        house.cache.memory.clear()
        new = await client.get("/shop/demand", headers={"user-agent": "Chrome/156.0.0.0"})
        ready = await client.get("/shop/demand", headers={"user-agent": "Firefox/153.0"})
    assert '<noscript><meta http-equiv="refresh" content="0;url=/shop/demand?inorder=1">' in old.text
    assert "noscript" not in new.text + ready.text


async def test_a_cached_page_is_whole_and_tagged(house: House) -> None:
    """Everything in place, one body, an ETag that spares the next transfer."""
    async with house.client() as client:
        await client.get("/shop/demand")
        calls = len(house.engine.calls)
        page = await client.get("/shop/demand")
        again = await client.get("/shop/demand", headers={"if-none-match": page.headers["etag"]})
        weak = await client.get("/shop/demand", headers={"if-none-match": "W/" + page.headers["etag"]})
    assert len(house.engine.calls) == calls
    assert int(page.headers["content-length"]) < len(page.text)
    assert not templates(page.text)
    assert (again.status_code, weak.status_code, again.content) == (304, 304, b"")


async def test_plain_and_zstd_say_the_same(house: House) -> None:
    """Who does not accept zstd gets the same document, under a tag of its own."""
    async with house.client() as client:
        await client.get("/shop/demand")
        zstd = await client.get("/shop/demand", headers={"accept-encoding": "zstd"})
        plain = await client.get("/shop/demand", headers=PLAIN)
    assert (zstd.headers["content-encoding"], plain.headers.get("content-encoding")) == ("zstd", None)
    assert zstd.text == plain.text
    assert zstd.headers["etag"] != plain.headers["etag"]


async def test_a_slow_panel_takes_the_next_rung_while_others_stream(house: House) -> None:
    """The deadline passes for one panel; the page is whole, and the answer is there for the next visitor."""
    house.engine.gates = {"sales": asyncio.Event()}
    async with house.client(headers={"seawall-timeout-ms": "150"}) as client:
        first = (await client.get("/shop/demand")).text
        house.engine.gates["sales"].set()
        await eventually(lambda: not len(house.ladder._flights))
        second = await client.get("/shop/demand")
    assert "This took longer than the page waits" in first
    assert "S1" in first
    assert "This took longer" not in second.text
    assert "etag" in second.headers


@pytest.mark.parametrize("fault", [QueryFailed("no"), EngineUnavailable(), RuntimeError("bug")])
async def test_a_failing_panel_is_explained(house: House, fault: Exception) -> None:
    """One sentence in its place and a way to try again; the status is 200 and the other panels are there."""
    house.engine.faults = {"sales": fault}
    async with house.client() as client:
        page = await client.get("/shop/demand")
    assert page.status_code == 200
    assert 'data-retry="sales"' in page.text
    assert "S1" in page.text


async def test_without_data_every_panel_explains(house: House) -> None:
    """Nothing is prepared yet: the page says so and is no error."""
    house.generations.generation = None
    async with house.client() as client:
        page = await client.get("/shop/demand")
    assert page.status_code == 200
    assert page.text.count("data-retry") == 2


async def test_after_a_new_generation_an_outage_shows_the_old_answer(house: House) -> None:
    """Stale is allowed, so the last answer is shown with its age, never as fresh."""
    async with house.client() as client:
        await client.get("/shop/demand")
        assert house.generations.generation
        house.generations.generation = msgspec.structs.replace(house.generations.generation, id="g2")
        house.engine.faults = {"sales": Unavailable()}
        page = await client.get("/shop/demand")
    assert 'class="age stale"' in page.text
    assert "GROCERY" in page.text


async def test_data_is_text_never_markup(house: House) -> None:
    """HTML inside data is shown as it is spelled."""
    async with house.client() as client:
        await client.get("/shop/demand")
        html = (await client.get("/shop/demand")).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


async def test_an_unknown_locale_is_no_error(house: House) -> None:
    """It gives the default; a known one gives its words and a cache entry of its own."""
    async with house.client() as client:
        unknown = await client.get("/shop/demand?lang=tlh")
        german = await client.get("/shop/demand?lang=de")
    assert '<html lang="en"' in unknown.text
    assert '<html lang="de"' in german.text
    assert "Nachfrage" in german.text


async def test_a_filter_of_the_wrong_type_is_named_and_set_aside(house: House) -> None:
    """The page stands, the other filter holds, and what was typed is not lost."""
    async with house.client() as client:
        page = await client.get("/shop/demand?period=never&department=GROCERY")
    assert page.status_code == 200
    assert 'class="error-summary"' in page.text
    assert "never" in page.text
    assert any("GROCERY" in parameters for parameters in house.engine.parameters)


async def test_two_principals_never_share_what_their_rights_keep_apart(house: House) -> None:
    """Each set of rights has its own entries; equal rights share them."""
    async with house.client(stores=("S1",)) as ann, house.client(stores=("S2",)) as bob, house.client(stores=("S1",)) as eve:
        await ann.get("/shop/demand")
        first = len(house.engine.calls)
        await bob.get("/shop/demand")
        second = len(house.engine.calls)
        await eve.get("/shop/demand")
    assert second == 2 * first
    assert len(house.engine.calls) == second
    assert {("S1",), ("S2",)} <= {values[:1] for values in house.engine.parameters}


async def test_who_may_see_more_sees_more(house: House) -> None:
    """The same address shows a panel to one role that does not exist for another."""
    async with house.client("boss") as boss:
        await boss.get("/shop/demand")
        assert 'id="panel-secret"' in (await boss.get("/shop/demand")).text


async def test_a_visitor_without_a_role_finds_nothing(house: House) -> None:
    """No page, and no hint that there is one."""
    async with house.client("stranger") as client:
        page = await client.get("/shop/demand")
        data = await client.get("/shop/api/panels/sales")
    assert (page.status_code, data.status_code) == (404, 404)


async def test_who_is_not_signed_in_is_sent_on(house: House) -> None:
    """A person goes to refresh the session and comes back; a program is told."""
    async with house.client(headers={"authorization": ""}) as client:
        page = await client.get("/shop/demand?department=A%20B")
        data = await client.get("/shop/api/panels/sales")
    assert page.headers["location"] == "/auth/refresh?to=/shop/demand?department=A%20B"
    assert (data.status_code, data.headers["content-type"]) == (401, "application/problem+json")


async def test_an_expired_or_foreign_token_is_refused(house: House) -> None:
    """Knowing the headers again is not knowing the token: it is verified each time."""
    async with house.client(headers={"authorization": f"Bearer {House().token()}"}) as client:
        assert (await client.get("/shop/demand")).status_code == 302


@pytest.mark.parametrize(
    "path", ["/nowhere", "/shop/nowhere", "/shop/demand/x", "/shop/api/panels/nowhere", "/static/../x", "/shop/api/nowhere"]
)
async def test_what_is_not_there_is_404(house: House, path: str) -> None:
    """As a page for people, as problem details for programs."""
    async with house.client() as client:
        found = await client.get(path)
    assert found.status_code == 404
    assert found.headers["content-type"].startswith("application/problem+json" if "/api/" in path else "text/html")
    assert found.headers["cache-control"] == "no-store"


async def test_a_long_query_string_is_refused(house: House) -> None:
    """Bounded before it is parsed."""
    async with house.client() as client:
        assert (await client.get("/shop/demand?x=" + "y" * 20_000)).status_code == 400


async def test_the_start_leads_to_the_first_page(house: House) -> None:
    """From the bare address over the app to its first visible page."""
    async with house.client() as client:
        first = await client.get("/")
        second = await client.get(first.headers["location"])
    assert (first.headers["location"], second.headers["location"]) == ("/shop", "/shop/demand")


async def test_head_gives_the_headers_alone(house: House) -> None:
    """For a page at hand, with the ETag."""
    async with house.client() as client:
        await client.get("/shop/demand")
        head = await client.head("/shop/demand")
    assert (head.status_code, head.content) == (200, b"")
    assert "etag" in head.headers


async def test_a_bug_in_planning_is_no_500(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not foreseen is a 503 in plain words."""
    monkeypatch.setattr("seawall.ui.planner.page_choice", lambda *_: 1 / 0)
    async with house.client() as client:
        page = await client.get("/shop/demand")
    assert page.status_code == 503
    assert "Not available now" in page.text


async def test_a_panel_that_broke_is_told_in_the_language_of_the_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks costs this panel alone, which keeps its title."""
    monkeypatch.setattr("seawall.ui.panels.Panels.pieces", lambda *_, **__: 1 / 0)
    async with house.client() as client:
        german = (await client.get("/shop/demand", headers={"accept-language": "de"})).text
    assert '<template for="sales"><h2 id="h-sales">' in german
    assert messages("de")["failed.other"] in german
    assert german.endswith("</main></body></html>")


async def test_use_is_counted_by_what_was_asked(house: House) -> None:
    """Workers learn which panel under which filters and rights to prepare; once a second a plan is enough."""
    async with house.client() as client:
        await client.get("/shop/demand?department=GROCERY")
        await client.get("/shop/demand?department=GROCERY")
    assert [(use[2], use[3]) for use in house.usage.recorded] == [("sales", (("department", ("GROCERY",)),)), ("units", ())]


async def test_every_answer_carries_the_policy(house: House) -> None:
    """Pages, data, errors, redirects and health alike."""
    async with house.client() as client:
        for path in ("/shop/demand", "/shop/api/panels/sales?format=csv", "/nowhere", "/", "/healthz", "/readyz", "/shop/openapi.json"):
            assert (await client.get(path)).headers["content-security-policy"].startswith("default-src 'none'"), path


async def test_why_there_is_nothing_is_told_as_far_as_rights_know(house: House) -> None:
    """Without any right to rows, that; with a right to some, no promise of data to come; with all, that it is still to come."""
    house.engine.batches = 0
    said = []
    for roles, attributes in (
        (("viewer",), {"stores": ()}),
        (("viewer",), {"city": "X"}),
        (("viewer",), {"stores": ("S9",)}),
        (("boss",), {}),
    ):
        async with house.client(*roles, **attributes) as client:
            html = (await client.get("/shop/listing", headers=PLAIN)).text
        said.append([words for words in ("nothing here that you may see", "No rows", "No data yet") if words in html])
    assert said == [["nothing here that you may see"]] * 2 + [["No rows"], ["No data yet"]]


def test_a_page_pauses_after_its_first_row() -> None:
    """Browsers paint the first row while they wait for a script, or what is above it while it is not there; one row needs none."""
    demand = sample_app().pages["demand"]
    two = msgspec.structs.replace(demand, layout=(("sales",), ("units",)))
    opened = FILTERS_MARK + rows(two, lambda panel: f'<?start name="{panel.name}">…<?end>')
    cut = cut_at_panels(opened, (opened, opened), "", frame("<style>"), "<script>")
    follows = join(cut.follows, zstd=False).decode()
    assert follows.startswith('</section></div><script><div class="row')
    assert follows.count("<script>") == 1
    assert join([cut.pause, *cut.follows_early], zstd=False).decode() == "<script>" + follows.replace("<script>", "")
    one = FILTERS_MARK + rows(msgspec.structs.replace(demand, layout=(("sales", "units"),)), lambda _: "")
    assert FIRST_ROW_MARK not in one
    assert join([cut_at_panels(one, (one, one), "", frame(""), "<script>").pause], zstd=False) == b""


@pytest.mark.parametrize("warm", [True, False])
async def test_scripts_come_after_the_first_paint(house: House, warm: bool) -> None:
    """The head only names them; the one that loads them stands after the first row, or before a row that is not there yet."""
    async with house.client("boss") as client:
        if warm:
            await client.get("/shop/demand", headers=PLAIN)
        html = (await client.get("/shop/demand", headers=PLAIN)).text
    assert html.count("<script") == 1
    assert 'name="scripts"' in html.partition("</head>")[0]
    row, script = html.index('<div class="row'), html.index("<script")
    assert (row < script) is warm
