"""A request with several tokens, as a bearer and in cookies: Envoy and the services read the same one, and never each its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from tests.integration.gateway_envoy import envoy, port_of, raw
from tests.integration.gateway_stand_ins import Loop, Upstream

from seawall.core.clock import ManualClock
from seawall.core.principal import Principal
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare
from seawall.trust.errors import NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens
from seawall.ui.carriers import raw_headers
from seawall.ui.identity import Identity

KEYS = generate()
TOKENS = Tokens(KEYS)
IDENTITY = Identity(TOKENS, secure=False)
"""One for all requests here, as a process has: what it remembers of one must not count for another."""
MIA, TOM, ANN = (TOKENS.mint(Principal(user=user), 3600) for user in ("mia", "tom", "ann"))
STALE = Tokens(KEYS, ManualClock(time.time() - 400)).mint(Principal(user="eve"), 300)
FOREIGN = Tokens(generate()).mint(Principal(user="eve"), 3600)
BAD = {"stale": STALE, "of another instance": FOREIGN, "garbage": "a.b.c", "no token": "hello", "empty": ""}


class Gate:
    """A gateway and what its services saw."""

    def __init__(self, port: int, upstreams: list[Upstream]) -> None:
        self.port, self.upstreams = port, upstreams

    def ask(self, *lines: str) -> tuple[int, list[str]]:
        """The status of a page asked for with these header lines, and as whom each service that saw it served it."""
        for upstream in self.upstreams:
            upstream.seen.clear()
        head = "\r\n".join(("GET /m/demand HTTP/1.1", "host: x", *lines))
        answer = raw(self.port, f"{head}\r\n\r\n".encode("latin-1"), 30)
        return int(answer.split(b" ")[1]), [served(request.headers) for upstream in self.upstreams for request in upstream.seen]


def served(headers: list[tuple[str, str]]) -> str:
    """Whom a service takes the request for."""
    scope = {"type": "http", "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]}
    try:
        return IDENTITY.principal(raw_headers(scope)).user
    except NotSignedIn:
        return ""


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with tempfile.TemporaryDirectory(prefix="gw") as directory:
        run = Path(directory)
        plan = Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0)
        loop = Loop()
        upstreams = [Upstream(name, run / f"{name}.sock") for name in ("ui-read-0", "ui-read-1", "ui-write-0", "model-proxy-0")]
        for upstream in upstreams:
            loop.serve(upstream.start)
        prepare(plan)
        with envoy(arguments(plan), plan.health_socket, run / "envoy.log"):
            yield Gate(port_of(plan.admin_socket), upstreams)
        loop.close()


@pytest.mark.parametrize("cookie", [*BAD.values(), TOM], ids=[*BAD, "of somebody else"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_good_bearer_goes_before_any_cookie(gate: Gate, scheme: str, cookie: str) -> None:
    """It is let in, and served as whom the bearer token names."""
    assert gate.ask(f"authorization: {scheme} {MIA}", f"cookie: a=b; seawall_token={cookie}") == (200, ["mia"])


@pytest.mark.parametrize("bearer", BAD.values(), ids=BAD)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bad_bearer_is_refused_whatever_the_cookie(gate: Gate, scheme: str, bearer: str) -> None:
    """Whoever names a token is not let in by another one: no service sees it."""
    assert gate.ask(f"authorization: {scheme} {bearer}", f"cookie: seawall_token={TOM}") == (401, [])


@pytest.mark.parametrize("authorization", ["Basic bWlhOg==", "Negotiate abc", f"Basic x, Bearer {MIA}", ""])
def test_without_a_bearer_the_cookie_counts(gate: Gate, authorization: str) -> None:
    """A proxy in front may use another scheme; a bad cookie is refused beside it."""
    assert gate.ask(f"authorization: {authorization}", f"cookie: seawall_token={TOM}") == (200, ["tom"])
    assert gate.ask(f"authorization: {authorization}", f"cookie: seawall_token={STALE}") == (401, [])


@pytest.mark.parametrize("first", [f"Bearer {MIA}", f"Bearer {STALE}", "Basic bWlhOg==", "Bearer", f"Bearer {MIA} Bearer {TOM}"])
@pytest.mark.parametrize("second", [f"Bearer {TOM}", f"bearer {FOREIGN}", "Basic bWlhOg=="])
@pytest.mark.parametrize("cookie", [ANN, FOREIGN], ids=["good", "foreign"])
def test_of_two_authorizations_no_third_is_made(gate: Gate, first: str, second: str, cookie: str) -> None:
    """Whoever is served is whom Envoy checked: the first header's, else the cookie's. Never the second header's."""
    status, as_whom = gate.ask(f"authorization: {first}", f"authorization: {second}", f"cookie: seawall_token={cookie}")
    by_header, by_cookie = first == f"Bearer {MIA}", cookie == ANN and not first.startswith("Bearer ")
    assert set(as_whom) <= {"", *["mia"] * by_header, *["ann"] * by_cookie}
    assert (status, len(as_whom)) in ((200, 1), (401, 0))


VALUES = {"mia": MIA, "tom": TOM, "stale": STALE, "empty": "", "empty quotes": '""'}
LINE = "\r\ncookie: "
ODD = {
    "quoted": f'seawall_token="{MIA}"',
    "after spaces": f"  ;;  seawall_token={MIA}",
    "after a tab": f"a=b;\tseawall_token={MIA}",
    "space before =": f"seawall_token ={MIA}",
    "space after =": f"seawall_token= {MIA}",
    "space behind": f"seawall_token={MIA} ",
    "tab behind": f"seawall_token={MIA}\t",
    "quoted, space behind": f'seawall_token="{MIA}" ',
    "space within quotes": f'seawall_token="{MIA} "',
    "space before quotes": f'seawall_token= "{MIA}"',
    "no-break space behind": f"seawall_token={MIA}\xa0",
    "upper case": f"SEAWALL_TOKEN={MIA}",
    "half a quote": f'seawall_token="{MIA}',
    "two =": f"seawall_token=={MIA}",
    "padded": f"seawall_token={MIA}=",
    "escaped": f'seawall_token="{MIA[:9]}\\{MIA[9:]}"',
    "comma": f"seawall_token={MIA},seawall_token={ANN}",
    "of another name": f"old_seawall_token={MIA}; seawall_token_={MIA}; x=seawall_token={MIA}; seawall_token",
}


@pytest.mark.parametrize("between", ["; ", ";", "; theme=dark; ", LINE, f"{LINE}theme=dark{LINE}a; "], ids=repr)
@pytest.mark.parametrize(("first", "second"), list(permutations(VALUES, 2)))
def test_of_two_cookies_the_first_counts(gate: Gate, first: str, second: str, between: str) -> None:
    """In one line or over several: a bad one is refused whatever comes after it, a good one is served whatever comes after it."""
    asked = gate.ask(f"cookie: theme=dark; seawall_token={VALUES[first]}{between}seawall_token={VALUES[second]}")
    assert asked == ((200, [first]) if first in ("mia", "tom") else (401, []))


@pytest.mark.parametrize("other", ["theme=dark", "a"])
def test_a_line_that_everybody_has_makes_nobody_somebody_else(gate: Gate, other: str) -> None:
    """Whether it comes before the token's or after it, and whoever asked before."""
    for user, token in (("mia", MIA), ("tom", TOM), ("ann", ANN), ("mia", MIA)):
        assert gate.ask(f"cookie: seawall_token={token}", f"cookie: {other}") == (200, [user])
        assert gate.ask(f"cookie: {other}", f"cookie: seawall_token={token}") == (200, [user])


@pytest.mark.parametrize("between", ["; ", LINE], ids=repr)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_cookie_is_read_alike(gate: Gate, odd: str, between: str) -> None:
    """Before another one, too: it is the one that counts, or none at all, for Envoy and for Identity."""
    alone, before = gate.ask(f"cookie: {odd}{between}a=b"), gate.ask(f"cookie: {odd}{between}seawall_token={TOM}")
    assert (alone, before) in (((200, ["mia"]), (200, ["mia"])), ((401, []), (401, [])), ((401, []), (200, ["tom"])))


def test_two_bearers_leave_nothing_behind_for_the_next(gate: Gate) -> None:
    """Whoever sends the second of them alone is served as themselves."""
    gate.ask(f"authorization: Bearer {MIA}", f"authorization: Bearer {TOM}")
    assert gate.ask(f"authorization: Bearer {TOM}") == (200, ["tom"])
