"""models.yaml: what it says, and every fault of it in one run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.call import Usage
from seawall.model_proxy.config import Config, KeyReference
from seawall.model_proxy.config_load import InvalidModels, check, load, models_file, parse

SOUND = b"""
providers:
  acme: {kind: openai, url: https://acme.example/v1/, key: {env: ACME_API_KEY}, region: eu, timeouts: {first_byte: 900ms}}
models:
  m: {provider: acme, model: gpt-x, tier: large, prices: {input: 0.15, output: 0.0006}}
routes:
  best: {variants: {m: 90}, fallback: [m], regions: [eu]}
limits: {user: {streams: 3}}
budgets: {default: {usd: 0.5, period: day}}
screen: {injection: {rules: refuse}, class: confidential}
cache: {ttl: 0}
"""


def faults(text: str) -> list[tuple[int, str]]:
    """(line, code) of each fault."""
    config, found = parse(text.encode(), "models.yaml")
    assert (config is None) == bool(found)
    return [(fault.line, fault.code) for fault in found]


def sound() -> Config:
    config, found = parse(SOUND, "models.yaml")
    assert config is not None, found
    return config


def test_the_packaged_file_needs_neither_key_nor_network() -> None:
    """It names the embedded engine alone, which may see everything."""
    config = load()
    assert {provider.kind for provider in config.providers.values()} == {"embedded"}
    assert config.providers["embedded"].classes[-1] == "restricted"
    assert {"small", "large", "embed", "minilm"} <= set(config.routes)


def test_prices_are_whole_nanodollars_never_too_low() -> None:
    """USD for a million tokens becomes nano-dollars a token, rounded up."""
    target = sound().models["m"].target
    assert (target.input_price, target.output_price) == (150, 1)
    assert target.cost(Usage(input=10, output=1)) == 1501


def test_what_is_not_said_has_its_default() -> None:
    """And what is said stands."""
    config = sound()
    assert config.user.streams == 3
    assert config.user.requests_per_minute == 600
    assert config.budget.nanodollars == 500_000_000
    assert config.cache.ttl == 0
    assert config.providers["acme"].url == "https://acme.example/v1"
    assert config.providers["acme"].timeouts.first_byte == pytest.approx(0.9)


def test_every_fault_is_told_in_one_run() -> None:
    """With its line."""
    text = """providers:
  a: {kind: openai, url: ftp://x, timeouts: {conect: 2s}}
  b: {kind: any-llm}
models:
  m: {provider: nobody, model: q, tier: smal, dimensions: 3}
  m: {}
  e: {provider: b, model: e, kind: embedding}
routes:
  r: {variants: {z: 1, m: -1}}
  m: {variants: {m: 0}}
  mixed: {variants: {m: 1}, fallback: [e]}
budgets: 5
"""
    assert faults(text) == [
        (2, "bad_value"),
        (2, "unknown_key"),
        (3, "missing_key"),
        (5, "bad_choice"),
        (5, "bad_choice"),
        (5, "bad_value"),
        (6, "duplicate_key"),
        (9, "bad_choice"),
        (9, "out_of_range"),
        (10, "duplicate_name"),
        (10, "bad_value"),
        (11, "bad_value"),
        (12, "wrong_type"),
    ]


@pytest.mark.parametrize(
    "url", ["http://acme.example/v1", "unix:///run/x.sock", "https://u:p@acme.example/v1", "https://acme.example/v1?k=1", "https://[::1/v1"]
)
def test_an_address_that_could_leak_is_refused(url: str) -> None:
    """Plain HTTP and sockets only where private addresses are allowed; passwords never, and they are not repeated."""
    text = f'providers: {{a: {{kind: openai, url: "{url}"}}}}\nmodels: {{}}\n'
    _, found = parse(text.encode(), "models.yaml")
    assert [fault.code for fault in found] == ["bad_value"]
    assert "u:p" not in str(found)


def test_a_key_in_the_file_is_refused_and_not_repeated() -> None:
    """Keys are referred to."""
    _, found = parse(b"providers: {a: {kind: openai, url: https://h/v1, key: sk-very-secret}}\nmodels: {}\n", "models.yaml")
    assert [fault.code for fault in found] == ["wrong_type"]
    assert "very-secret" not in str(found)


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """A line of visible ASCII; anything else is said, without its value."""
    (tmp_path / "key").write_text("sk-1\n")
    assert KeyReference(env="K").read({"K": " sk-2 "}) == "sk-2"
    assert KeyReference(file=str(tmp_path / "key")).read({}) == "sk-1"
    with pytest.raises(ConfigurationError) as raised:
        KeyReference(env="K").read({"K": "sk-\r\nx"})
    assert "sk-" not in str(raised.value)


def test_missing_keys_are_faults_where_an_environment_is_known(tmp_path: Path) -> None:
    """As `seawall models check` asks."""
    (tmp_path / "models.yaml").write_bytes(SOUND)
    assert check(tmp_path / "models.yaml", {"ACME_API_KEY": "k"})[1] == ()
    assert [fault.code for fault in check(tmp_path / "models.yaml", {})[1]] == ["missing_key"]


def test_a_keys_file_is_found_beside_models_yaml(tmp_path: Path) -> None:
    """Wherever the process runs."""
    (tmp_path / "key").write_text("sk-3")
    (tmp_path / "models.yaml").write_bytes(SOUND.replace(b"{env: ACME_API_KEY}", b"{file: key}"))
    key = load(tmp_path / "models.yaml").providers["acme"].key
    assert key is not None
    assert key.read({}) == "sk-3"


def test_a_region_without_a_provider_is_a_fault() -> None:
    """A slip there would let nobody answer."""
    text = SOUND.decode().replace("regions: [eu]", "regions: [ue]") + "residency: {acme: [eu], other: us}\n"
    assert faults(text) == [(7, "bad_choice"), (12, "bad_choice")]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """And `load` raises it."""
    with pytest.raises(InvalidModels, match=r"nowhere\.yaml:1:1: missing_file"):
        load(tmp_path / "nowhere.yaml")
    assert models_file({"SEAWALL_MODELS": "x.yaml"}) == Path("x.yaml")
    assert load(models_file({})) == load()


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_sections = st.sampled_from(
    ["providers", "models", "routes", "limits", "budgets", "screen", "cache", "queue", "retries", "breaker", "residency"]
)


@given(st.dictionaries(_sections, st.dictionaries(st.sampled_from(["a", "m", "default", "user", "output"]), _values, max_size=3) | _values))
def test_reading_never_raises(tree: dict[str, object]) -> None:
    """Whatever the file holds is a configuration or a list of faults."""
    import msgspec

    config, found = parse(msgspec.json.encode(tree), "models.yaml")
    assert (config is None) == bool(found)
