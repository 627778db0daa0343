"""docs/reference/models.md names every key of models.yaml, and the examples of the docs are sound."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from seawall.lab.behaviours import Behaviour, Step
from seawall.lab.behaviours import parse as parse_behaviour
from seawall.model_proxy.config_load import SECTIONS, parse

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "models.md").read_text()
SIMULATOR = (DOCS / "how-to" / "simulate-a-provider.md").read_text()
PLACES = """
providers: {p: {bogus: 1, key: {bogus: 1}, limits: {bogus: 1}, timeouts: {bogus: 1}}}
models: {m: {bogus: 1, prices: {bogus: 1}, limits: {bogus: 1}}}
routes: {r: {bogus: 1}}
limits: {bogus: 1}
budgets: {bogus: 1, default: {bogus: 1}}
screen: {bogus: 1, injection: {bogus: 1}, output: {bogus: 1}, raises: {bogus: 1}}
cache: {bogus: 1}
record: {bogus: 1}
queue: {bogus: 1}
retries: {bogus: 1}
breaker: {bogus: 1}
"""


def examples(page: str) -> list[str]:
    return re.findall(r"^```yaml[^\n]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_key_is_documented() -> None:
    """Those that the faults of a made-up file offer."""
    _, faults = parse(PLACES.encode(), "models.yaml")
    keys = {key for fault in faults if fault.code == "unknown_key" for key in re.findall(r"`([^`]+)`", fault.expected)}
    assert {key for key in keys | set(SECTIONS) if f"`{key}`" not in PAGE and f"`{key}:" not in PAGE and f"{{{key}:" not in PAGE} == set()


@pytest.mark.parametrize("text", [examples(PAGE)[0], examples(SIMULATOR)[0]])
def test_the_examples_are_sound(text: str) -> None:
    """As `seawall models check` sees them."""
    assert parse(text.encode(), "models.yaml")[1] == ()


def test_the_simulators_behaviours_are_documented() -> None:
    """All of them, and no others."""
    shown = {name for words in re.findall(r"^\| (`.*?`) \|", SIMULATOR, re.MULTILINE) for name in re.findall(r"([a-z_0-9]+)=", words)}
    assert shown | {"message"} == set(Behaviour.__struct_fields__)


def test_the_script_of_the_how_to_is_one() -> None:
    """With behaviours that exist."""
    (script,) = re.findall(r"_sim/script -d '(.*)'$", SIMULATOR, re.MULTILINE)
    steps = msgspec.json.decode(script, type=list[Step])
    assert [parse_behaviour(step.behave).status for step in steps] == [500]
