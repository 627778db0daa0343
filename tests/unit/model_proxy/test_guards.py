"""Guards that nothing else would miss, each tried by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.admission.house import a_call
from tests.unit.admission.test_admission import Desk
from tests.unit.model_proxy.test_identify import Door, asked
from tests.unit.screen.calls import call, content, piece

from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.model_proxy import retry
from seawall.model_proxy.admission.settings import LEASE_SECONDS
from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.call import Call, Limits, Piece, Whole
from seawall.model_proxy.call import Caller as Who
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import ProviderFailed
from seawall.model_proxy.exchanges.build import Told, build
from seawall.model_proxy.exchanges.format import encode
from seawall.model_proxy.exchanges.segments import Segment, read
from seawall.model_proxy.http import Request
from seawall.model_proxy.keys import MachineKey, MachineKeys, NewKey
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.model_proxy.screen.masks import restored
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.settings import Output
from seawall.telemetry import spans
from seawall.trust.encryption import Key, Keyring, Sealer

SECRET = "sk-abcdEFGH1234567890abcd"
TWO = b"""
providers: {p: {kind: openai, url: https://p.example/v1}, q: {kind: openai, url: https://q.example/v1}}
models: {a: {provider: p, model: x}, b: {provider: q, model: y}}
routes: {r: {variants: {a: 100}, fallback: [b]}}
"""


class Keys:
    """Knows one key by its scopes."""

    def __init__(self, *scopes: str) -> None:
        self.who = Who(Principal("key:1", scopes=scopes), "f")

    def known(self, request: Request) -> Who:
        return self.who

    async def find(self, request: Request) -> Who:
        return self.who


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/small"])
async def test_models_are_told_to_keys_with_the_scope(path: str) -> None:
    """A key for chat alone learns nothing of what there is."""
    statuses = [(await ModelProxy(Keys(scope), DEFAULT_MODELS).answer(Request("GET", path, "", {}))).status for scope in ("models", "chat")]
    assert statuses == [200, 403]


async def test_a_lease_that_ran_out_is_not_spent() -> None:
    """What a replica did not renew belongs to the others again."""
    desk = Desk(user=Limits(1000, 0, 0))
    await desk.pass_by()
    assert desk.admission.try_admit(a_call(desk.clock))
    desk.clock.advance(LEASE_SECONDS + 0.1)
    assert not desk.admission.try_admit(a_call(desk.clock))


class Provider:
    """Says a word of a stream, then fails."""

    asked = 0

    async def exchange(self, path: str, body: bytes, receiver: Any, timeouts: Any, seconds: float) -> None:
        self.asked += 1
        receiver.status = 200
        receiver.pieces([piece("Good ")])
        raise ProviderFailed("It broke off")

    def close(self) -> None:
        """Nothing to do."""


class Sink:
    """Releases, or holds back, what it is given."""

    control = None

    def __init__(self, *, released: bool) -> None:
        self._releases, self.released = released, False

    def stream(self, one: Piece) -> None:
        self.released = self._releases

    def whole(self, answer: Whole) -> None:
        """Nothing comes whole here."""


@pytest.mark.parametrize(("released", "times"), [(True, 1), (False, 2)])
async def test_nobody_else_is_asked_once_a_word_is_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: bool, times: int) -> None:
    """A client never hears two beginnings; while filters hold all back there is none yet."""
    monkeypatch.setattr(retry, "LONGEST_WAIT", 0.0)
    config, _ = parse(TWO, "models.yaml")
    assert config is not None
    caller, provider = Caller(config, run=tmp_path, environment={}), Provider()
    for model in ("a", "b"):
        caller.lane(model).way.transport = provider
    made = Call(Request("POST", "/", "", {}), "chat", Deadline.after(5), spans.begin("model.call", "model"))
    made.stream = True
    with pytest.raises(ProviderFailed):
        await caller.call(made, [config.models[model].target for model in ("a", "b")], Sink(released=released))
    assert min(provider.asked, 2) == times
    caller.close()


def test_masked_values_are_put_back_as_json_needs_them() -> None:
    """A private key has line ends; an answer in JSON stays JSON."""
    value = 'line one\nline "two"'
    told = restored('{"key":"[SECRET_ABCDEFGH]"}', {"[SECRET_ABCDEFGH]": value}, in_json=True)
    assert json.loads(told) == {"key": value}


@pytest.mark.parametrize("before", range(100, 132))
def test_a_secret_across_a_forced_cut_does_not_begin_to_go_out(before: int) -> None:
    """Where nothing is calm the window is cut by force, well before what may still become a finding."""
    text = ("1 " * 80)[:before] + " " + SECRET + " 1" * 60
    one = OutputFilter(call(), Output(secrets="mask", pii="mask", prompt="off", window=128))
    sent = [out for character in text for out in one.piece(piece(character))] + list(one.end())
    assert "sk-abc" not in content(sent)


def test_words_inside_a_private_key_do_not_let_its_rest_go() -> None:
    """Its end is waited for, whatever stands in it."""
    text = "-----BEGIN PRIVATE KEY-----\nplain words stand here MIIEow12 and there\n-----END PRIVATE KEY-----\nthat was it "
    one = OutputFilter(call(), Output(secrets="mask", pii="off", prompt="off", window=128))
    sent = [out for character in text for out in one.piece(piece(character))] + list(one.end())
    assert not [word for word in ("plain", "MIIEow12", "there") if word in content(sent)]


async def test_a_key_revoked_while_it_was_looked_up_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row that was read may be older than the word that it is gone: it is believed for a moment, not for five seconds."""
    door = Door()
    _, token = await door.keys.create(NewKey("ci", scopes=("chat",)))
    find = MachineKeys.find

    async def slow(keys: MachineKeys, key_id: str) -> MachineKey | None:
        found = await find(keys, key_id)
        door.identifier._heard += 1  # as the listener does for any word
        return found

    monkeypatch.setattr(MachineKeys, "find", slow)
    assert await door.enter(token)
    door.clock.advance(0.1)
    assert door.identifier.known(asked(token)) is None


def test_a_tenants_exchanges_do_not_open_as_anothers(tmp_path: Path) -> None:
    """Not even with the same key: the tenant's name is sealed in."""
    seals = Sealer(Keyring((Key(1, b"k" * 32),)))
    segment = Segment(tmp_path, "acme", seals, "20260108T12")
    segment.append(b"{}")
    segment.close()
    assert [batch.damaged for tenant in ("acme", "other") for batch in read(segment.path, tenant, seals)] == [False, True]


def test_labels_of_a_call_are_redacted_too() -> None:
    """What the caller says it did, and the model it names, are texts like any other."""
    made = call()
    made.action, made.model = f"asked jo@x.example with {SECRET}", SECRET
    line = encode(build(Told(made, None, "", (), 0.0, 0), ""))
    assert not [word for word in (b"jo@x.example", SECRET.encode()) if word in line]
