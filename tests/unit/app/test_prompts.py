"""Prompts of an app: sound ones become values, every fault is found with its line."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.unit.app.samples import write_app
from tests.unit.shipped import shipped

from seawall.app.check import check
from seawall.app.model import Bundle
from seawall.app.prompt import Part
from seawall.app.prompt_template import parse_template
from seawall.app.reference import prompt_schema_text
from seawall.app.schema_prompt import prompt_schema

ROOT = Path(__file__).parents[3]
PROMPT = """\
title: Say it
input: {type: object, properties: {name: {type: string}, more: {type: object, properties: {n: {type: integer}}}}}
output: {type: object, properties: {said: {type: string, maxLength: 5}}, required: [said], additionalProperties: false}
system: Be brief.
user: "Say {{name}} {{more.n}} times."
examples: [{input: {name: x}, output: {said: x}}]
variants: {plain: {weight: 90}, hot: {weight: 10, temperature: 1, model: large}}
roles: [buyer]
check: polite
"""


def checked(folder: Path, text: str, name: str = "say") -> tuple[Bundle | None, list[str]]:
    """The bundle, and faults as `line code`."""
    write_app(folder)
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / f"{name}.yaml").write_text(text)
    bundle, faults = check(folder)
    return bundle, [f"{fault.line} {fault.code}" for fault in faults]


def test_a_sound_prompt_is_a_value(tmp_path: Path) -> None:
    """It survives being kept, and changes the app's digest."""
    write_app(tmp_path)
    before, _ = check(tmp_path)
    bundle, faults = checked(tmp_path, PROMPT)
    assert faults == []
    assert bundle is not None
    assert before is not None
    assert bundle.digest != before.digest
    prompt = bundle.app.prompts["say"]
    assert [part.path for part in prompt.messages[1].parts] == [(), ("name",), (), ("more", "n"), ()]
    assert prompt.variants[1].model == "large"
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(bundle), type=Bundle) == bundle


def test_two_prompts_of_one_name_are_told(tmp_path: Path) -> None:
    """One in a folder below would silently take the place of the other."""
    (tmp_path / "prompts" / "more").mkdir(parents=True)
    (tmp_path / "prompts" / "more" / "say.yaml").write_text(PROMPT)
    assert checked(tmp_path, PROMPT)[1] == ["1 duplicate_name"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{{name}}", "{{nme}}", "5 unknown_variable"),
        ("roles: [buyer]", "roles: []", "8 wrong_count"),
        ("roles: [buyer]", "messages: [{role: user, content: '{{name}}'}]", "4 unknown_key"),
        ("{{more.n}}", "{{more.m}}", "5 unknown_variable"),
        ("{{more.n}}", "{{more n}}", "5 bad_template"),
        ("{{more.n}}", "{{more.n", "5 bad_template"),
        ("said: x}", "said: too long}", "6 bad_example"),
        ("{name: x}", "{name: 1}", "6 bad_example"),
        ("type: integer", "type: whole", "2 bad_schema"),
        ("maxLength: 5", "pattern: '(?=x)'", "3 bad_schema"),
        ("input: {type: object", "input: {type: array", "2 bad_schema"),
        ("title:", "tilte:", "1 unknown_key"),
        ("roles: [buyer]", "roles: [byer]", "8 unknown_role"),
        ("check: polite", "check: Not A Name", "9 bad_name"),
        ("title: Say it", "name: other", "1 bad_name"),
        ("weight: 10,", "weight: -1,", "7 out_of_range"),
        ("check: polite", "class: secret", "9 bad_choice"),
    ],
)
def test_every_fault_has_its_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    """One thing broken at a time."""
    assert old in PROMPT
    bundle, faults = checked(tmp_path, PROMPT.replace(old, new, 1))
    assert bundle is None
    assert fault in faults


def test_a_file_that_would_not_be_read_is_a_fault(tmp_path: Path) -> None:
    """`.yml`, and names that no URL has."""
    _, faults = checked(tmp_path, PROMPT, "Say_It")
    assert faults == ["1 bad_name"]


@pytest.mark.parametrize("text", ["", "no holes", "{{a}}", "x{{ a.b-c }}y{{d}}", "{ {{a}} }", "é{{é}}", "}}", "{{{a}}}"])
def test_a_template_is_its_parts(text: str) -> None:
    """Put together again, sound ones are the text."""
    parts, faults = parse_template(text)
    again = "".join(part.text if not part.path else "{{" + ".".join(part.path) + "}}" for part in parts)
    assert faults or again == text.replace("{{ a.b-c }}", "{{a.b-c}}")
    assert all(part.text or part.path for part in parts)
    assert Part() not in parts


def test_the_published_schema_is_current() -> None:
    """`make docs` changes nothing, and it is a schema."""
    assert (ROOT / "docs" / "reference" / "prompt.schema.json").read_text() == prompt_schema_text()
    Draft202012Validator.check_schema(prompt_schema())
    assert json.loads(prompt_schema_text())["properties"].keys() >= {"input", "output", "batch"}


def test_the_prompts_of_the_merchandising_app_are_sound() -> None:
    """Two of them."""
    assert shipped("merchandising").app.prompts.keys() == {"summarise", "classify-question"}
