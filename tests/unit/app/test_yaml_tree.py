"""YAML is read by version 1.2, and every node knows its place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.app.yaml_reader import MalformedYaml, parse_yaml
from seawall.app.yaml_tree import Node


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ():
        yield from walk(child)


def plain(text: str) -> object:
    """The document as plain values."""
    return parse_yaml(text.encode(), "a.yaml")[0].plain()


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "off", "Y", "2017-01-01", "0o7", "1_000", ".inf", ".nan", "1e999", "9" * 30, "12:30", "="]
)
def test_words_of_yaml_1_1_stay_words(word: str) -> None:
    """What YAML 1.1 turned into truth values, dates and odd numbers is text."""
    assert plain(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
    ],
)
def test_core_scalars_have_their_types(text: str, value: object) -> None:
    """Truth values, null and numbers are read; quotes make texts."""
    read = plain(f"a: {text}")
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


def test_on_is_a_key_like_any_other() -> None:
    """The key `on` is not true."""
    assert plain("on: {yes: 1, 2017: x}") == {"on": {"yes": 1, "2017": "x"}}


def test_nodes_know_line_column_and_path() -> None:
    """Values and keys are found where they stand, also inside flow mappings."""
    root, _ = parse_yaml(b"a:\n  - {b: one, c: 'two'}\n", "x.yaml")
    node = next(n for n in walk(root) if n.value == "two")
    assert (node.mark.file, node.mark.line, node.mark.column) == ("x.yaml", 2, 17)
    assert node.where == "a[0].c"
    assert (node.key_mark().line, node.key_mark().column) == (2, 14)
    assert node.inside(1).column == 19


def test_a_repeated_key_is_told_and_the_first_kept() -> None:
    """Nothing is overwritten silently."""
    root, duplicates = parse_yaml(b"a: 1\nb: 2\na: 3\n", "x.yaml")
    assert root.plain() == {"a": 1, "b": 2}
    assert [(d.key, d.mark.line, d.first.line) for d in duplicates] == [("a", 3, 1)]


def test_aliases_stand_for_what_they_name() -> None:
    """An alias gives the same value, at a path of its own."""
    root, _ = parse_yaml(b"a: &x {b: 1}\nc: *x\n", "x.yaml")
    assert root.plain() == {"a": {"b": 1}, "c": {"b": 1}}
    assert {n.where for n in walk(root)} >= {"a.b", "c.b"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\tb: 1", "tabs"),
        ("```yaml\na: 1\n```", "```"),
        ("title: Sales: by week", "quotes"),
        ("by: @user", "quotes"),
        ("columns: *", "quotes"),
        ("a:\n  b: 1\n \u00a0c: 2\n  d: 3", "Line 3"),
        ('unit: "a\\0b"', "escape"),
    ],
)
def test_usual_slips_say_how_to_mend_them(text: str, hint: str) -> None:
    """A tab, a fence around the file, an unquoted colon or sign, an escape that makes a control character."""
    with pytest.raises(MalformedYaml) as caught:
        parse_yaml(text.encode(), "app.yaml")
    assert hint in caught.value.hint


def test_syntax_errors_say_where() -> None:
    """A parser's complaint carries its line and column."""
    with pytest.raises(MalformedYaml) as caught:
        plain("a: 1\nb: [1, 2\nc: 3\n")
    assert caught.value.code == "malformed_yaml"
    assert caught.value.mark.line >= 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz_", min_size=1), inner, max_size=4),
    max_leaves=12,
)


class Quoting(yaml.SafeDumper):
    """Writes every text in quotes: what YAML 1.1 leaves bare (`0E0`) may be a number in 1.2."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@settings(max_examples=60, deadline=None)
@given(value=JSON)
@example({"a": "0E0"})
def test_what_is_dumped_is_read_back(value: object) -> None:
    """Quoted by a YAML 1.1 writer, every JSON value comes back the same."""
    text = yaml.dump(value, Dumper=Quoting, allow_unicode=True)
    assert parse_yaml(text.encode(), "x")[0].plain() == value
