"""Golden questions: how they are read, which are held out, what counts as right, and how `seawall check` names a broken line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from tests.unit.app.samples import write_app

from seawall.app.load import load_bundle
from seawall.app.model import Filter
from seawall.ask.golden import Golden, Refusal, by_id, chain_is_held_out, is_held_out, read
from seawall.ask.question import Question, during
from seawall.cli.check_golden import golden_faults
from seawall.core.errors import InvalidInput

REVENUE = '{"id": "g-1", "question": "revenue?", "expect": {"metrics": ["revenue"]}}'


def faults_of(tmp_path: Path, *lines: str) -> list[tuple[str, int, str]]:
    folder = write_app(tmp_path)
    (folder / "golden").mkdir()
    (folder / "golden" / "dev.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return [(fault.file, fault.line, fault.detail) for fault in golden_faults(folder, load_bundle(folder))]


def test_a_sound_file_has_no_faults(tmp_path: Path) -> None:
    """Empty lines are none, and separators of Unicode inside a question end no line."""
    assert (
        faults_of(tmp_path, REVENUE, "", json.dumps({"id": "g-2", "question": "re\u2028venue", "refuse": "unclear"}, ensure_ascii=False))
        == []
    )


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("{", "golden/dev.jsonl:2 is not a golden question"),
        ('{"id": "g-2", "question": "x", "expects": {}}', "golden/dev.jsonl:2 is not a golden question"),
        ('{"id": "g-2", "question": "x"}', "golden/dev.jsonl:2 needs either `expect` or `refuse`"),
        (REVENUE, "Two golden questions have the same id"),
        (
            '{"id": "g-2", "question": "x", "after": "g-9", "refuse": "unclear"}',
            "g-2 follows up a question that is not before it, or has no answer",
        ),
        ('{"id": "g-2", "question": "x", "role": "king", "refuse": "unclear"}', "g-2 is asked in a role that the app has not"),
        ('{"id": "g-2", "question": "x", "expect": {"metrics": ["revenues"]}}', "There is no metric named revenues"),
        (
            '{"id": "g-2", "question": "x", "expect": {"metrics": ["revenue"], "order": [{"name": "week"}]}}',
            "The answer has no column week to sort by",
        ),
        ('{"id": "g-2", "question": "x", "expect": {"metrics": ["revenue"]}, "also": [{"metrics": ["x"]}]}', "There is no metric named x"),
    ],
)
def test_every_broken_line_is_named(tmp_path: Path, line: str, detail: str) -> None:
    """File, number and what is wrong; the lines around it are read all the same."""
    assert faults_of(tmp_path, REVENUE, line, '{"id": "g-3"}') == [
        ("golden/dev.jsonl", 2, detail),
        ("golden/dev.jsonl", 3, "golden/dev.jsonl:3 is not a golden question"),
    ]


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    """A file in another encoding is said to be one."""
    folder = write_app(tmp_path)
    (folder / "golden").mkdir()
    (folder / "golden" / "x.jsonl").write_bytes(b"\xff\xfe{")
    assert [fault.detail for fault in golden_faults(folder, load_bundle(folder))] == ["The file cannot be read as UTF-8"]


def test_golden_files_are_part_of_the_bundle(tmp_path: Path) -> None:
    """One verdict judges an app and its golden questions together, so the digest covers both."""
    before = load_bundle(write_app(tmp_path / "a"))
    folder = write_app(tmp_path / "b")
    (folder / "golden").mkdir()
    (folder / "golden" / "dev.jsonl").write_text(REVENUE, "utf-8")
    after = load_bundle(folder)
    assert "golden/dev.jsonl" in after.files
    assert after.digest != before.digest


def test_a_follow_up_lies_where_its_first_question_lies() -> None:
    """Of a long chain with ids on both sides, all lie on one."""
    asked = Question(("revenue",))
    chain = [Golden(f"c-{n}", "?", after=f"c-{n - 1}" if n else "", expect=asked) for n in range(12)]
    known = by_id(chain)
    assert len({is_held_out(one.id) for one in chain}) == 2
    assert {chain_is_held_out(one, known) for one in chain} == {is_held_out("c-0")}


def test_a_third_is_held_out() -> None:
    """The hash decides, and is fair."""
    assert 300 < sum(is_held_out(f"q-{n}") for n in range(1000)) < 367


def test_what_counts_as_right() -> None:
    """Another spelling of the same question, any of `also`, and a refusal only where one is right."""
    one = Golden(
        "a",
        "?",
        expect=Question(("m",), where=(during("2017-03"), Filter("a.b", "in", ("x", "y")))),
        also=(Question(("n",)),),
    )
    assert one.accepts(Question(("m",), where=(Filter("a.b", "in", ("y", "x")), during("2017-03-01..2017-03-31")), show="table"))
    assert one.accepts(Question(("n",)))
    assert not one.accepts(Question(("m",), where=(during("2017-03"),)))
    assert not one.accepts(None)
    assert Golden("b", "?", refuse="unclear").accepts(None)
    assert not Golden("b", "?", refuse="unclear").accepts(Question(("m",)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2017-03", "2017-03-01..2017-03-31", True),
        ("2017", "2017-01-01..2017-12-31", True),
        ("last_1_week", "last_1_weeks", True),
        ("last_4_weeks", "2017-12-04..2017-12-31", False),
        ("2017-03-01..", "..2017-03-01", False),
    ],
)
def test_periods_mean_what_their_days_are(one: str, other: str, *, same: bool) -> None:
    """A month is its days; what moves with the data is not what stands still."""
    assert (Question(("m",), where=(during(one),)).canonical() == Question(("m",), where=(during(other),)).canonical()) is same
    assert (Question(("m",), compare=one).canonical() == Question(("m",), compare=other).canonical()) is same


def test_reading_a_file_names_the_line(tmp_path: Path) -> None:
    """InvalidInput says which line of which file."""
    (tmp_path / "x.jsonl").write_text(REVENUE + "\nnonsense\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"x\.jsonl:2"):
        list(read(tmp_path / "x.jsonl"))


def test_the_reference_tells_every_key_and_reason() -> None:
    """Whoever writes golden questions finds all of it in one place."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "golden.md").read_text("utf-8")
    assert [name for name in Golden.__struct_fields__ if f"| `{name}` |" not in text] == []
    assert [name for name in (*get_args(Refusal), *Question.__struct_fields__) if f"`{name}`" not in text] == []
