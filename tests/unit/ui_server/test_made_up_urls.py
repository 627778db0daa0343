"""URLs that somebody made up cost no more than the plain one, and answers stay with whom they were made for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.unit.ui_server.sample import House, sample_app, text

from seawall.app.model import Bundle, PageFilter
from seawall.core.principal import Principal
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import Entry
from seawall.query.ladder import Ladder, Served
from seawall.ui.page import cursor_subject
from seawall.ui.params import CURSOR_LENGTH_MAX, page_choice
from seawall.ui.planner import REMEMBERED_QUERY_BYTES_MAX, Planner
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site, UiServices

VIEWER = Principal("ann", roles=("viewer",), attributes={"stores": ("S1",)})
OTHER = Principal("bob", roles=("viewer",), attributes={"stores": ("S2",)})
BOSS = Principal("eve", roles=("boss",))


class Noted:
    """Remembers which last-good answers would be kept, and which are looked for."""

    def __init__(self) -> None:
        self.keys: list[CacheKey] = []
        self.sought = 0

    def note(self, key: CacheKey, entry: Entry) -> None:
        if key.subject.startswith("fragment:"):
            self.keys.append(key)

    async def find(self, key: CacheKey) -> Entry | None:
        self.sought += 1
        return None


@pytest.fixture
async def noted() -> AsyncIterator[tuple[House, Noted]]:
    kept = Noted()
    cache = Cache()
    made = House(ladder=(ladder := Ladder(cache, kept, limit_seconds=20.0)))
    made.cache = cache
    yield made, kept
    await ladder.close()


def services(house: House) -> UiServices:
    return house.app._reception._services  # type: ignore[attr-defined,no-any-return]


def site_of(house: House) -> Site:
    return services(house).sites["shop"]


@pytest.mark.parametrize(
    "query", ["rows.after=garbage{}", "lang=zz{}", "rows.after=x{}&lang=q{}", "sales.after={}", "unknown={}", "lang=de&rows.after={}"]
)
async def test_what_is_made_up_is_one_question(noted: tuple[House, Noted], query: str) -> None:
    """One query, one entry, one answer kept: for twenty URLs as for one."""
    house, kept = noted
    async with house.client() as client:
        for path in ("/shop/listing", "/shop/demand"):
            for number in range(20):
                assert (await client.get(f"{path}?{query.replace('{}', str(number))}")).status_code == 200
    assert [house.engine.calls.count(name) for name in ("id", "sales", "units")] == [1, 1, 1]
    assert len({key.lasting for key in kept.keys}) == len(kept.keys) == 3


async def test_the_locale_kept_in_links_is_one_we_have(house: House) -> None:
    """`lang=de-AT` is German, and links say so; what we do not speak is not carried on."""
    async with house.client() as client:
        german = (await client.get("/shop/listing?lang=de-AT")).text
        assert ("lang=de" in german, "lang=de-AT" in german) == (True, False)
        assert "lang=zz" not in (await client.get("/shop/listing?lang=zz")).text


async def test_only_first_pages_under_few_filters_are_kept(noted: tuple[House, Noted]) -> None:
    """Second pages and long choices could be any number; they are not looked for in an outage either."""
    house, kept = noted
    plan = Planner(services(house)).plan(site_of(house), site_of(house).app.pages["listing"], site_of(house).rights(VIEWER), b"", "en")
    subject = cursor_subject(plan.site.app, plan.page.panels["rows"], plan.choice, plan.rights)
    cursor = services(house).cursors.encode((3,), subject=subject)
    many = "&".join(f"department=D{n}" for n in range(4))
    async with house.client() as client:
        for query in (f"rows.after={cursor}", many, "department=D1&department=D2&department=D3", ""):
            await client.get(f"/shop/listing?{query}")
    assert [key.parameters for key in kept.keys] == [(("department", ("D1", "D2", "D3")),), ()]
    assert house.engine.calls.count("id") == 4


def test_long_query_strings_are_not_remembered(house: House) -> None:
    """Memories bounded in number are bounded in bytes."""
    planner = Planner(services(house))
    site = site_of(house)
    for number in range(50):
        long = b"department=D&x=%d" % number + b"x" * REMEMBERED_QUERY_BYTES_MAX
        planner.plan(site, site.rights(VIEWER).pages["demand"], site.rights(VIEWER), long, "en")
    assert (len(planner._choices), len(planner._plans)) == (0, 1)


def test_a_cursor_is_good_for_the_rights_it_was_given_under(house: House) -> None:
    """Two principals with the same question: the position of one says nothing to the other."""
    site, cursors = site_of(house), services(house).cursors
    page = site.app.pages["listing"]
    plain = page_choice(site.app, page, {})
    given = cursors.encode((3,), subject=cursor_subject(site.app, page.panels["rows"], plain, site.rights(VIEWER)))
    positions = [
        Planner(services(house)).plan(site, page, site.rights(who), f"rows.after={given}".encode(), "en").slots[0].after
        for who in (VIEWER, OTHER)
    ]
    assert positions == [(3,), None]


async def test_the_api_refuses_a_cursor_of_other_rights(house: House) -> None:
    """In so many words."""
    async with house.client(stores=("S1",)) as one, house.client(stores=("S2",)) as other:
        cursor = (await one.get("/shop/api/panels/rows?format=json")).json()["next"]
        path = f"/shop/api/panels/rows?format=json&after={cursor}"
        assert [(await client.get(path)).status_code for client in (one, other)] == [200, 400]


async def test_a_choice_made_under_some_rights_is_not_anothers(house: House) -> None:
    """The same URL: for whom a filter does not exist, it filters nothing and is in no link."""
    app = sample_app()
    vault = PageFilter("vault", "secrets.id", text("Vault"), "text")
    demand = app.pages["demand"]
    demand = msgspec.structs.replace(demand, filters=demand.filters | {"vault": vault})
    app = msgspec.structs.replace(app, pages=app.pages | {"demand": demand})
    bundle = Bundle(app, "cd" * 32)
    site = Site(bundle, site_of(house).questions, lambda: house.generations.current("shop"), RightsOf(app))
    planner = Planner(House(sites={"shop": site}).app._reception._services)  # type: ignore[attr-defined]
    both = (site.rights(BOSS), site.rights(VIEWER))
    seen = [planner.plan(site, rights.pages["demand"], rights, b"vault=1", "en").choice.parameters for rights in both]
    assert seen == [{"vault": ["1"]}, {}]


async def test_one_url_in_two_languages_is_two_pages(house: House) -> None:
    """The header alone decides, and what was made for one reader is not shown to the other."""
    async with house.client() as client:
        for _ in range(2):
            english, german = [(await client.get("/shop/demand", headers={"accept-language": tag})).text for tag in ("en", "de")]
    assert ("<h1>Demand" in english, "<h1>Nachfrage" in german) == (True, True)
    assert ("Panel sales" in english, "Tafel sales" in german, "Panel sales" in german) == (True, True, False)


def test_a_whole_page_is_remembered_for_its_own_fragments_only(house: House) -> None:
    """Within the same minute: one fragment made again, and the page is joined again."""
    site = site_of(house)
    plan = Planner(services(house)).plan(site, site.rights(VIEWER).pages["demand"], site.rights(VIEWER), b"", "en")
    old = [Served("cached", payload, 1.0) for payload in (b"one", b"two")]
    bar, again = b"bar", [old[0], Served("cached", b"three", 1.0)]
    whole = plan.remember(bar, old, 7, False, b"body")
    assert plan.remembered(bar, old, 7, False) is whole
    assert plan.remembered(bar, again, 7, False) is None
    assert plan.remembered(b"another", old, 7, False) is None
    assert (plan.remembered(bar, old, 8, False), plan.remembered(bar, old, 7, True)) == (None, None)


def test_the_longest_cursor_we_give_out_is_taken(house: House) -> None:
    """One length holds for pages, the API and whoever checks the seal."""
    site = site_of(house)
    page = site.app.pages["listing"]
    subject = cursor_subject(site.app, page.panels["rows"], page_choice(site.app, page, {}), site.rights(VIEWER))
    cursor = services(house).cursors.encode(("x" * 1_500, 1), subject=subject)
    assert 2_000 < len(cursor) <= CURSOR_LENGTH_MAX
    plan = Planner(services(house)).plan(site, page, site.rights(VIEWER), f"rows.after={cursor}".encode(), "en")
    assert plan.slots[0].after == ("x" * 1_500, 1)
