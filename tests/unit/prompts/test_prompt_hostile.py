"""Prompts and those who should not get at them, or should not be asked together."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from tests.unit.prompts.test_prompt_service import BUNDLE, FINDING, QUESTION, Line, Models, ask, proxy_of

from seawall.core.principal import Principal
from seawall.model_proxy.call import Caller
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts import service
from seawall.model_proxy.prompts.library import Library
from seawall.trust.errors import NotSignedIn

SUMMARISE = "/v1/prompts/merchandising/summarise"


class Stranger(Models):
    """Knows everybody as somebody without a part in the app."""

    def known(self, request: Request) -> Caller:
        return Caller(Principal(user="eve", scopes=("prompts:other/*",)), "f")


async def test_who_may_not_call_a_prompt_is_not_told_its_input() -> None:
    """An input that does not fit is no way to read a schema one may not see."""
    status, body = await ask(proxy_of(Stranger()), SUMMARISE, {"input": {"nonsense": 1}})
    assert status == 403
    assert "schema at" not in body


async def test_an_input_is_held_to_its_schema_only_once_it_is_known_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else anybody could have it done as often as they like."""

    class Nobody(Models):
        def known(self, request: Request) -> Caller:
            raise NotSignedIn

    def never(*given: object) -> None:
        raise AssertionError

    monkeypatch.setattr(service, "read", never)
    assert (await ask(proxy_of(Nobody()), "/v1/prompts/merchandising/classify-question", QUESTION))[0] == 401


@pytest.mark.parametrize("header", ["authorization", "seawall-data-class", "seawall-cache", "seawall-action"])
async def test_calls_that_differ_in_what_they_say_of_themselves_go_apart(header: str) -> None:
    """Restricted data does not travel as its neighbour's public call."""
    models = Models('{"sentence":"One has 48 %."}', '{"sentence":"Two has 48 %."}')
    proxy, lines = proxy_of(models), [Line(), Line()]
    for line, said in zip(lines, ("Bearer internal", "Bearer restricted"), strict=True):
        body = json.dumps({"input": FINDING}).encode()
        headers = {"authorization": "Bearer x", header: said}
        proxy.handle(Request("POST", SUMMARISE, "", headers, body), Out(line, keep_alive=True, head_only=False))
    await asyncio.wait_for(asyncio.gather(*(line.over.wait() for line in lines)), 5)
    assert [call.request.headers[header] for call in models.calls] == ["Bearer internal", "Bearer restricted"]


@pytest.mark.parametrize(("roles", "may"), [((), False), (("viewer",), False), (("buyer",), True)])
def test_a_prompt_is_for_the_roles_it_names(roles: tuple[str, ...], may: bool) -> None:
    """Signed in is not enough."""
    found = Library([BUNDLE], {"numbers-given": lambda value, given: ()}).find("merchandising", "summarise")
    assert found is not None
    assert msgspec.structs.replace(found, allowed=frozenset({"buyer"})).may(Principal("mia", roles=roles)) is may
