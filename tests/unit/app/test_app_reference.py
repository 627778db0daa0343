"""The published schema and reference are what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.unit.app.samples import APP

from seawall.app.codes import CODES
from seawall.app.reference import refreshed, schema_text
from seawall.app.schema import app_schema
from seawall.app.schema_semantic import extension_schemas

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def test_the_published_schema_is_current() -> None:
    """`python -m seawall.app.reference docs/reference` changes nothing."""
    assert (REFERENCE / "app.schema.json").read_text() == schema_text()


def test_the_reference_is_current_and_complete() -> None:
    """Every key and every fault code is documented."""
    text = (REFERENCE / "app.md").read_text()
    assert refreshed(text) == text
    prompts = (REFERENCE / "prompts.md").read_text()
    assert refreshed(prompts) == prompts
    assert [code for code in CODES if f"| `{code}` |" not in text] == []
    assert [key for key in keys(app_schema()) if not re.search(rf"[`.]{key}`", text)] == []


def keys(schema: Any) -> set[str]:
    """Every property name in a schema."""
    if isinstance(schema, list):
        return {key for item in schema for key in keys(item)}
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", ())) | {key for value in schema.values() for key in keys(value)}


@pytest.mark.parametrize("schema", [app_schema(), *extension_schemas().values()])
def test_schemas_are_schemas(schema: dict[str, Any]) -> None:
    """They are valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(schema)


def test_editors_and_the_check_agree_on_a_sound_app() -> None:
    """The sample app is valid by the published schema alone."""
    Draft202012Validator(json.loads(schema_text())).validate(yaml.safe_load(APP))


def test_the_example_of_the_reference_is_shaped_right() -> None:
    """The first YAML block of the page is valid by the schema."""
    example = re.search(r"```yaml\n(.*?)```", (REFERENCE / "app.md").read_text(), re.DOTALL)
    assert example
    Draft202012Validator(app_schema()).validate(yaml.safe_load(example[1]))


def test_the_shipped_ossie_schema_comes_with_its_licence() -> None:
    """The copy is in the package beside the licence it is under."""
    folder = Path(__file__).parents[3] / "src" / "seawall" / "app" / "standards"
    assert json.loads((folder / "ossie-0.2.0.dev0.schema.json").read_text())["$defs"]["Metric"]
    assert "Apache License" in (folder / "ossie-LICENSE.txt").read_text()
