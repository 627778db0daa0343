"""What several lines of one header mean, and that no request is taken for another."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import House

from seawall.ui.carriers import cookie_in, raw_headers


async def asked(house: House, path: str, *lines: tuple[str, str]) -> str:
    """The answer's text."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://localhost:8420") as client:
        return (await client.get(path, headers=[("accept", "text/html"), *lines])).text


@pytest.mark.parametrize("path", ["/shop/demand", "/shop/api/pages/demand/fragments"])
@pytest.mark.parametrize("name", ["cookie", "authorization"])
async def test_a_second_line_alike_makes_nobody_somebody_else(house: House, name: str, path: str) -> None:
    """What was remembered of the one who came first is not for who comes next, though their last lines are the same."""
    boss, viewer = house.token("boss"), house.token("viewer")
    for token, sees in ((boss, True), (viewer, False), (boss, True)):
        carried = f"seawall_token={token}" if name == "cookie" else f"Bearer {token}"
        last = "theme=dark" if name == "cookie" else f"Bearer {viewer}"
        assert ("Secret" in await asked(house, path, (name, carried), (name, last))) is sees


@pytest.mark.parametrize("between", ["; ", "\n"], ids=repr)
async def test_of_two_tokens_the_first_counts(house: House, between: str) -> None:
    """As the gateway checks it, in one line or two."""
    boss, viewer = (f"seawall_token={house.token(role)}" for role in ("boss", "viewer"))
    for cookies, sees in (([boss, viewer], True), ([viewer, boss], False)):
        lines = [("cookie", line) for line in between.join(cookies).split("\n")]
        assert ("Secret" in await asked(house, "/shop/demand", *lines)) is sees


async def test_a_page_and_its_fragments_speak_one_language(house: House) -> None:
    """When the browser's languages come in two lines."""
    lines = [("authorization", f"Bearer {house.token()}"), ("accept-language", "de"), ("accept-language", "en")]
    assert "Tafel sales" in await asked(house, "/shop/demand", *lines)
    assert "Tafel sales" in await asked(house, "/shop/api/pages/demand/fragments", *lines)


async def test_the_asker_s_own_page_is_offered_whichever_line_remembers_it(house: House) -> None:
    """It is in the banner as long as the browser says so."""
    lines = [("authorization", f"Bearer {house.token()}"), ("cookie", "seawall_mine_shop=1"), ("cookie", "theme=dark")]
    assert 'href="/shop/mine"' in await asked(house, "/shop/demand", *lines)


@given(st.lists(st.sampled_from(["a=1", "t=2", " t=3", "t=", 't="4"', "t =5", "xt=6", "t", ""]), min_size=1, max_size=5), st.data())
def test_lines_of_cookies_are_one_header(parts: list[str], data: st.DataObject) -> None:
    """However they are spread over lines."""
    lines = [parts[0].encode()]
    for part in parts[1:]:
        if data.draw(st.booleans()):
            lines.append(part.encode())
        else:
            lines[-1] += b"; " + part.encode()
    merged = raw_headers({"headers": [(b"host", b"x"), *((b"cookie", line) for line in lines)]})
    assert cookie_in(merged[b"cookie"], "t") == cookie_in("; ".join(parts).encode(), "t")
