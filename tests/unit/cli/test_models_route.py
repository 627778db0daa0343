"""What `seawall models route` says to a setting that cannot be, before it asks the database."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from seawall.cli.models_route import InvalidRoute, route

FILE = """
providers: {here: {kind: embedded}}
models: {a: {provider: here, model: a}, b: {provider: here, model: b}, v: {provider: here, model: v, kind: embedding}}
routes: {small: {variants: {a: 100, b: 0}, fallback: [b]}}
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("c=100",), "'c' is not in models.yaml. Expected one of a, b."),
        (("a=100", "--fallback", "c"), "'c' is not in models.yaml. Expected one of a, b."),
        (("v=100",), "'v' is a model of another kind. Expected one of a, b."),
        (("b",), "Got 'b'. The models are a, b, v."),
        (("a=0",), "nobody would be asked. Expected a weight above 0."),
    ],
)
def test_a_wrong_model_is_named_with_those_there_are(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """No instance need run for that."""
    (tmp_path / "models.yaml").write_text(FILE)
    argv = ["set", "small", *words, "--data", str(tmp_path), "--models", str(tmp_path / "models.yaml")]
    with pytest.raises(InvalidRoute) as raised:
        CliRunner().invoke(route, argv, catch_exceptions=False)
    assert said in raised.value.sentence()
