"""One mistake is said once, with the way to mend it that its author will have meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.app.samples import APP, SEMANTIC, edited, write_app

from seawall.app.check import check
from seawall.app.faults import Fault


def faults_of(folder: Path, app: str = APP, semantic: str = SEMANTIC) -> tuple[Fault, ...]:
    """What the check says."""
    return check(write_app(folder, app, semantic))[1]


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        ("roles: {viewer: {}, buyer: {extends: viewer}, approver: {extends: [buyer]}}", "roles: [viewer, buyer, approver]", ""),
        ("{viewer: {}, buyer", "{viewer: null, buyer", "Write `{}`"),
        ("  stores: {}", "  stores:", "Write `{}`"),
        ("mark: line", "mark: pie", "one of"),
        ("layout: [[trend, total], [rows]]", "layout: [trend, [total], [rows]]", "Write `[trend]`"),
        ('"amount > 0"]', '"amount > 0"]\n        columns: region', ""),
    ],
)
def test_a_broken_part_of_app_yaml_is_the_only_fault(tmp_path: Path, old: str, new: str, fix: str) -> None:
    """What it would have declared is not missed elsewhere."""
    faults = [fault for fault in faults_of(tmp_path, edited(APP, old, new)) if fault.code != "panel_kind"]
    assert [fault.code for fault in faults] == ["unknown_mark" if "pie" in new else "wrong_type"]
    assert fix in faults[0].fix


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        (
            "          - {name: region, datatype: String, expression: {dialects: [{dialect: ANSI_SQL, expression: region}]}}",
            "          region: {datatype: String}",
            "- name: region",
        ),
        ("expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(sales.amount)}]}", "expression: SUM(sales.amount)", "dialects: ["),
        ("datatype: Decimal", "datatype: decimal", "`Decimal`"),
        ("dialect: ANSI_SQL, expression: SUM(visits.people)", "dialect: SNOWFLAKE, expression: SUM(visits.people)", "dialect: ANSI_SQL"),
        ("SUM(visits.people)", "COUNT(*)", "COUNT(sales.id)"),
        ("\nsemantic_model:", "\nsemantic_models:", ""),
    ],
)
def test_a_broken_part_of_a_model_says_how_to_write_it(tmp_path: Path, old: str, new: str, fix: str) -> None:
    """And is the only fault; a file without a model has two: the key that is there and the one that is not."""
    faults = faults_of(tmp_path, semantic=edited(SEMANTIC, old, new))
    assert {fault.file for fault in faults} == {"semantic/shop.yaml"}
    assert len(faults) == (2 if "semantic_models" in new else 1), [str(fault) for fault in faults]
    assert fix in faults[0].fix


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        ("by: [week, region]", "group_by: [week, region]", "Write `by`"),
        ("op: ne, value", "op: '!=', value", "Write `ne`"),
        ("mark: line", "mark: {type: line, point: true}", "Write `line`"),
        ("order: [-revenue]", "order: [revenue desc]", "Write `-revenue`"),
        ("layout: [[trend, total], [rows]]", "layout: ['trend, total', [rows]]", "Write `[trend, total]`"),
        ("columns: [sold_at, sale, amount, stores.region]", "columns: '*'", "Leave it out"),
        ("      total: {", "      umsätze: {", "`umsatze`"),
        ("attribute: user.regions, unless", "values: [user.regions], unless", "Write `attribute: user.regions`"),
    ],
)
def test_words_of_other_tools_are_understood_but_not_taken(tmp_path: Path, old: str, new: str, fix: str) -> None:
    """The way to mend it is what the author will have meant."""
    assert any(fix in fault.fix for fault in faults_of(tmp_path, edited(APP, old, new)))


@pytest.mark.parametrize("old", ["primary_key: [store_id]", "primary_key: [sale]"])
def test_a_key_written_as_a_word_is_the_only_fault(tmp_path: Path, old: str) -> None:
    """Relationships and pages that need the key are not blamed."""
    faults = faults_of(tmp_path, semantic=edited(SEMANTIC, old, old.replace("[", "").replace("]", "")))
    assert [(fault.code, fault.fix) for fault in faults] == [("wrong_type", f"Write `{old[len('primary_key: ') :]}`")]


def test_without_policies_that_alone_is_said(tmp_path: Path) -> None:
    """Not once more for every dataset."""
    faults = faults_of(tmp_path, edited(APP, "policies:\n", "policy:\n"))
    assert [fault.code for fault in faults] == ["missing_key", "unknown_key"]


@pytest.mark.parametrize(("tag", "meant"), [("jp", "ja"), ("dk", "da"), ("cn", "zh"), ("xx", "ISO 639")])
def test_a_country_is_not_a_language(tmp_path: Path, tag: str, meant: str) -> None:
    """Nobody would ever be shown its texts."""
    faults = faults_of(tmp_path, edited(APP, "locales: [en, de]", f"locales: [en, de, {tag}]"))
    assert [(fault.code, fault.got) for fault in faults] == [("unknown_locale", tag)]
    assert meant in faults[0].fix
