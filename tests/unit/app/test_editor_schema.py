"""What editors are told by the published schema is what the check holds an app to."""

from __future__ import annotations

import copy
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.unit.app.samples import APP, edited, write_app

from seawall.app.check import check

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "app.schema.json"
EDITOR = Draft202012Validator(json.loads(PUBLISHED.read_text()))
SOUND = yaml.safe_load(APP)

SHAPES = [
    ("limit: 500", "limit: 500.0", True),
    ("limit: 500", "limit: 500.5", False),
    ("limit: 500", "limit: '500'", False),
    ("limit: 500", "limit: 10001", False),
    ("deadline: 900ms", "deadline: 0ms", False),
    ("deadline: 900ms", "deadline: 900 ms", False),
    ("max_age: 24h", "max_age: 0s", True),
    ("name: shop", "name: Shop", False),
    ("title: Demand", "title: {en: Demand}", True),
    ("title: Demand", "title: {}", False),
    ("title: Demand", "title: 5", False),
    ("locales: [en, de]", "locales: [en, de, pt-BR]", True),
    ("locales: [en, de]", "locales: [en, de, PT]", False),
    ("roles: [viewer]", "roles: []", False),
    ("unless: [approver]", "unless: []", True),
    ("by: [week, region]", "by: [[week], region]", False),
    ("order: [-revenue]", "order: -revenue", False),
    ("format: percent", "format: {style: percent, decimals: 1}", True),
    ("format: percent", "format: {style: percent, decimals: 1.5}", False),
    ("format: percent", "format: '0.0%'", False),
    ("color: {field: region}", "color: {value: '#ff0000'}", False),
    ("x: {field: week}", "x: {field: week, axis: null}", True),
    ("x: {field: week}", "x: {field: week, legend: null}", False),
    ("layout: [[trend, total], [rows]]", "layout: [trend, total, rows]", False),
    ("count: estimate", "count: yes", False),
]


def verdict(app: str) -> tuple[bool, bool]:
    """Whether the schema takes an app, and whether the check does."""
    with tempfile.TemporaryDirectory() as folder:
        bundle, _ = check(write_app(Path(folder), app))
    return EDITOR.is_valid(yaml.load(app, Loader=Words)), bundle is not None


class Words(yaml.SafeLoader):
    """YAML 1.2's core, as editors read it: `yes` and dates are words."""


Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in ("int", "float", "null")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


@pytest.mark.parametrize(("old", "new", "taken"), SHAPES)
def test_editor_and_check_say_the_same_of_a_shape(old: str, new: str, taken: bool) -> None:
    """Both take it, or both refuse it."""
    assert verdict(edited(APP, old, new)) == (taken, taken)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a tree."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def put(path: tuple[Any, ...], value: Any) -> Any:
    """The sound app with another value somewhere."""
    if not path:
        return value
    holder = tree = copy.deepcopy(SOUND)
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return tree


VALUES = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        2.0,
        2.5,
        -1,
        "",
        "a",
        "week",
        "24h",
        "0s",
        "percent",
        "#fff",
        [],
        ["a"],
        [["trend"]],
        {},
        {"en": "A"},
        {"a": {}},
        "stores.region",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(places(SOUND)), value=VALUES)
def test_nothing_passes_that_an_editor_marks_red(path: tuple[Any, ...], value: Any) -> None:
    """Whatever stands anywhere: what the schema refuses the check refuses, so a green app is green in the editor too."""
    schema, checked = verdict(yaml.safe_dump(put(path, value), allow_unicode=True))
    assert schema or not checked
