"""`seawall token`: what it prints is what the gateway and the services accept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from seawall.cli.token import InvalidAttribute, parse_attributes, token
from seawall.core.errors import ConfigurationError, InvalidInput
from seawall.trust import keys
from seawall.trust.tokens import Tokens


def run(*arguments: str) -> str:
    return CliRunner().invoke(token, arguments, catch_exceptions=False).output.strip()


def test_prints_a_token(tmp_path: Path) -> None:
    """The token says what was asked for, and nothing else is printed."""
    made = keys.load_or_create(tmp_path / "keys")
    text = run(
        "--role", "buyer", "--role", "viewer", "--user", "mia", "--attr", "store_groups=a|b", "--attr", "x=1", "--data", str(tmp_path)
    )
    principal = Tokens(made).verify(text)
    assert (principal.user, principal.roles) == ("mia", ("buyer", "viewer"))
    assert principal.attributes == {"store_groups": ("a", "b"), "x": "1"}


def test_no_instance(tmp_path: Path) -> None:
    """Without an instance it makes no key, and says what to do."""
    with pytest.raises(ConfigurationError, match="seawall up"):
        run("--role", "buyer", "--data", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("ttl", ["0s", "25h", "5", "forever", "-5m"])
def test_lifetimes(tmp_path: Path, ttl: str) -> None:
    """A lifetime is a duration of at most a day."""
    keys.load_or_create(tmp_path / "keys")
    with pytest.raises(InvalidInput):
        run("--role", "buyer", "--ttl", ttl, "--data", str(tmp_path))


@pytest.mark.parametrize("texts", [["x"], ["=1"], ["a=1", "a=2"]])
def test_malformed_attributes(texts: list[str]) -> None:
    """A slip in an attribute is an error, not another meaning."""
    with pytest.raises(InvalidAttribute):
        parse_attributes(texts)


def test_lists_of_one_and_none() -> None:
    """`a|` is a list of one, `|` an empty list, and a value may hold `=`."""
    assert parse_attributes(["a=x|", "b=|", "c=x=y"]) == {"a": ("x",), "b": (), "c": "x=y"}


def test_a_role_that_no_app_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The roles there are are named; --force signs it all the same."""
    (tmp_path / "app.yaml").write_text("roles: {reader: {}, writer: {extends: reader}}")
    keys.load_or_create(tmp_path / "keys")
    monkeypatch.setenv("SEAWALL_APPS", str(tmp_path))
    with pytest.raises(InvalidInput, match="one of reader, writer") as caught:
        run("--role", "reader", "--role", "nope", "--data", str(tmp_path))
    assert caught.value.got == "nope"
    assert run("--role", "nope", "--force", "--data", str(tmp_path))


def test_apps_that_cannot_be_read_refuse_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not known is not guessed."""
    keys.load_or_create(tmp_path / "keys")
    monkeypatch.setenv("SEAWALL_APPS", str(tmp_path / "gone"))
    assert run("--role", "nope", "--data", str(tmp_path))


def test_json_is_one_object(tmp_path: Path) -> None:
    """The token, whom it speaks for and for how long."""
    made = keys.load_or_create(tmp_path / "keys")
    told = json.loads(run("--role", "buyer", "--user", "mia", "--ttl", "2m", "--json", "--data", str(tmp_path)))
    assert Tokens(made).verify(told.pop("token")).user == "mia"
    assert told == {"expires_in": 120, "user": "mia", "roles": ["buyer"]}
