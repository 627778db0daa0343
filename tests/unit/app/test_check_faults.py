"""Every fault code, provoked by one change to a sound app, at the line where it was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.app.samples import APP, SEMANTIC, edited, write_app

from seawall.app.check import check
from seawall.app.codes import CODES

PANEL = "      total: {metrics: [revenue, visitors], filters: [region]}"

IN_APP = [
    ("malformed_yaml", "name: shop", "name: [shop"),
    ("yaml_feature", "name: shop", "name: !!str shop"),
    ("duplicate_key", "name: shop", "name: shop\nname: shop"),
    ("wrong_type", "limit: 500", "limit: many"),
    ("wrong_type", "limit: 500", "limit: yes"),
    ("unknown_key", "limit: 500", "limits: 500"),
    ("missing_key", "    layout: [[trend, total], [rows]]\n", ""),
    ("missing_key", "{control: period}", "{control: range}"),
    ("bad_choice", "control: multiselect", "control: multiselekt"),
    ("bad_value", "locales: [en, de]", "locales: [en, German]"),
    ("out_of_range", "limit: 500", "limit: 0"),
    ("wrong_count", "layout: [[trend, total], [rows]]", "layout: [[], [trend, total], [rows]]"),
    ("wrong_count", "roles: [viewer]", "roles: []"),
    ("bad_name", "name: shop", "name: My Shop"),
    ("bad_name", "      period: {control", "      The Period: {control"),
    ("reserved_name", "name: shop", "name: api"),
    ("reserved_name", "  demand:\n", "  static:\n"),
    ("reserved_name", "      period: {control", "      lang: {control"),
    ("bad_duration", "deadline: 900ms", "deadline: 0.9s"),
    ("bad_duration", "deadline: 900ms", "deadline: 00s"),
    ("bad_duration", "fresh_for: 24h", "fresh_for: 0s"),
    ("bad_attribute", "attribute: user.regions", "attribute: regions"),
    ("unknown_dataset", "  visits: {}", "  visits: {}\n  visit: {}"),
    ("unknown_dataset", "dataset: sales", "dataset: sale"),
    ("unknown_field", "field: stores.region, control", "field: stores.regio, control"),
    ("unknown_field", "keyset: [-sold_at", "keyset: [-soldat"),
    ("unknown_metric", "metric: revenue", "metric: revenu"),
    ("unknown_role", "unless: [approver]", "unless: [aprover]"),
    ("unknown_role", "extends: viewer", "extends: view"),
    ("unknown_panel", "[rows]]", "[rowz], [rows]]"),
    ("unknown_filter", "filters: [region]", "filters: [regions]"),
    ("unknown_column", "order: [-revenue]", "order: [-revenu]"),
    ("unknown_column", "color: {field: region}", "color: {field: regoin}"),
    ("unknown_channel", "color: {field", "colour: {field"),
    ("unknown_mark", "mark: line", "mark: lien"),
    ("unknown_locale", "title: {en: Sales, de: Umsatz}", "title: {en: Sales, fr: Ventes}"),
    ("unknown_locale", "locales: [en, de]", "locales: [en, de, jp]"),
    ("not_a_time_field", "{control: period}", "{control: period, field: stores.region}"),
    ("not_groupable", "metric: revenue\n        by: [week, region]", "metric: revenue\n        by: [visits.day, region]"),
    ("role_cycle", "viewer: {}", "viewer: {extends: approver}"),
    ("bad_row_policy", "attribute: user.regions, ", ""),
    ("bad_row_policy", "attribute: user.regions, ", "attribute: user.regions, value: North, "),
    ("bad_condition", '"amount > 0"', '"amount"'),
    ("bad_condition", '"amount > 0"', '"amount > much"'),
    ("bad_condition", '"amount > 0"', '"amount contains 0"'),
    ("bad_condition", "op: ne, value", "op: neq, value"),
    ("bad_condition", '"amount > 0"', '"sold_at during 2017-13"'),
    ("bad_condition", '"amount > 0"', '"sold_at during 2017-02-01..2017-02-30"'),
    ("bad_condition", '"amount > 0"', '"sold_at during 2017-03-01..2017-02-01"'),
    ("bad_condition", '"amount > 0"', "{op: during}"),
    ("panel_kind", PANEL, "      total: {metrics: [revenue], dataset: sales}"),
    ("panel_kind", PANEL, "      total: {metric: revenue, keyset: [sale]}"),
    ("duplicate_column", "by: [week, region]", "by: [week, region, region]"),
    ("keyset_not_unique", "keyset: [-sold_at, sale]", "keyset: [-sold_at]"),
    ("keyset_masked", "keyset: [-sold_at, sale]", "keyset: [-customer, sale]"),
    ("bad_similar", "count: estimate}", "count: estimate, similar: {text: [amount], row: region}}"),
    ("bad_similar", "count: estimate}", "count: estimate, similar: {text: [stores.region], row: region}}"),
    ("bad_similar", "count: estimate}", "count: estimate, similar: {text: [amount], row: region, words: period}}"),
    ("unknown_filter", "count: estimate}", "count: estimate, similar: {text: [amount], row: sales}}"),
    ("needs_time", "by: [week, region]", "by: [region]"),
    ("needs_time", PANEL, "      total: {metric: revenue, last: 4}"),
    ("needs_time", PANEL, "      total: {metric: revenue, by: hour, last: 4}"),
    ("bad_chart", PANEL, "      total: {metric: revenue, by: [week, region, customer], chart: {mark: line}}"),
    ("bad_chart", PANEL, "      total: {metric: revenue, by: [region, customer, sale], chart: {mark: bar}}"),
    ("bad_chart", PANEL, "      total: {metric: revenue, by: [week, region], chart: {mark: number}}"),
    ("bad_chart", PANEL, "      total: {metrics: [revenue, visitors], by: week, chart: {mark: line}}"),
    ("bad_chart", PANEL, "      total: {metrics: [revenue, visitors], chart: {mark: number}}"),
    ("bad_chart", "{mark: line, encoding", "{mark: line, layer: [{mark: line}], encoding"),
    ("bad_chart", "y: {field: revenue,", "y: {field: revenue, value: 3,"),
    ("needs_time", PANEL, "      total: {metric: revenue, by: region, finding: latest_change}"),
    ("bad_finding", PANEL, "      total: {metric: revenue, by: week, finding: top_share}"),
    ("bad_finding", PANEL, "      total: {metric: revenue, by: week, compare: previous}"),
    ("bad_outage", "serve: stale", "serve: explanation"),
    ("duplicate_panel", "pages:\n", "pages:\n  first: {panels: {rows: {metric: revenue}}, layout: [[rows]]}\n"),
    ("panel_not_laid_out", "[[trend, total]", "[[trend]"),
    ("panel_laid_out_twice", "[rows]]", "[rows, rows]]"),
]

IN_SEMANTIC = [
    ("bad_choice", "version: 0.2.0.dev0", "version: 0.1.0"),
    ("unknown_key", "source: sales", "source: sales\n        table: sales"),
    ("missing_key", "        source: stores\n", ""),
    (
        "ambiguous_field",
        "- {name: people, ",
        "- {name: region, datatype: String, expression: {dialects: [{dialect: ANSI_SQL, expression: r}]}}\n          - {name: people, ",
    ),
    ("duplicate_name", "- {name: visitors,", "- {name: revenue,"),
    ("bad_source", "source: sales", "source: read_csv('/etc/passwd')"),
    ("bad_source", "source: sales", "source: /etc/passwd"),
    ("bad_source", "source: sales", "source: main.sales"),
    ("bad_source", "source: sales", "source: duckdb_settings"),
    ("source_case", "source: stores", "source: Sales"),
    ("bad_expression", "quantity * price", "quantity * (SELECT 1)"),
    ("bad_expression", "quantity * price", "quantity *"),
    ("bad_expression", "quantity * price", "getenv('HOME')"),
    ("bad_expression", "SUM(visits.people)", "visits.people"),
    ("bad_extension", '{"time": "sold_at"}', '{"time": sold_at}'),
    ("bad_extension", '{"time": "sold_at"}', '{"tiem": "sold_at"}'),
    ("missing_datatype", "name: amount, datatype: Decimal,", "name: amount,"),
    ("not_a_time_field", '{"time": "sold_at"}', '{"time": "sale"}'),
    ("unknown_field", '{"time": "sold_at"}', '{"time": "sold"}'),
    ("unknown_field", "SUM(sales.amount)", "SUM(sales.amuont)"),
    ("unknown_dataset", "from: visits", "from: visit"),
    ("relationship_not_to_key", "to_columns: [store_id]", "to_columns: [region]"),
    (
        "ambiguous_path",
        "    metrics:\n",
        "      - {name: again, from: sales, to: stores, from_columns: [old_store], to_columns: [store_id]}\n    metrics:\n",
    ),
    ("dataset_without_policy", "      - name: visits\n", "      - {name: secret, source: secret}\n      - name: visits\n"),
    ("mixed_engines", '{"time": "sold_at"}', '{"time": "sold_at", "engine": "operational"}'),
    ("bad_extension", '{"time": "day"}', '{"label": "a\\u0000b"}'),
    ("not_a_time_field", "name: day, datatype: Date,", "name: day, datatype: String, dimension: {is_time: true},"),
    ("not_a_time_field", "name: day, datatype: Date,", "name: day, datatype: Time,"),
    ("mask_leaks", "quantity * price", "customer_id * price"),
    ("rows_leak", "source: visits", "source: sales"),
]


@pytest.mark.parametrize(("code", "old", "new"), IN_APP)
def test_a_change_to_app_yaml_is_found_where_it_was_made(tmp_path: Path, code: str, old: str, new: str) -> None:
    """Each fault of app.yaml is reported once in its file, on a line that was there, with a way to mend it."""
    bundle, faults = check(write_app(tmp_path, app=edited(APP, old, new)))
    assert bundle is None
    found = [fault for fault in faults if fault.code == code and fault.file == "app.yaml"]
    assert found, [str(fault) for fault in faults]
    assert 1 <= found[0].line <= APP.count("\n") + 2
    assert found[0].column >= 1
    assert found[0].detail
    assert all(fault.fix for fault in faults)


@pytest.mark.parametrize(("code", "old", "new"), IN_SEMANTIC)
def test_a_change_to_a_semantic_model_is_found(tmp_path: Path, code: str, old: str, new: str) -> None:
    """Each fault of a semantic model is reported with its code."""
    bundle, faults = check(write_app(tmp_path, semantic=edited(SEMANTIC, old, new)))
    assert bundle is None
    assert code in {fault.code for fault in faults}, [str(fault) for fault in faults]


def test_the_sound_app_has_no_faults(tmp_path: Path) -> None:
    """What the tests above change is sound before."""
    bundle, faults = check(write_app(tmp_path))
    assert faults == ()
    assert bundle is not None


def test_faults_of_the_folder_are_found(tmp_path: Path) -> None:
    """Missing, misnamed, linked and oversized files are each reported."""
    write_app(tmp_path)
    (tmp_path / "app.yaml").unlink()
    (tmp_path / "app.yml").write_text(APP)
    (tmp_path / "semantic" / "other.yml").write_text("")
    (tmp_path / "semantic" / "linked.yaml").symlink_to("/etc/passwd")
    (tmp_path / "semantic" / "large.yaml").write_bytes(b"a: b\n" * 300_000)
    codes = {fault.code for fault in check(tmp_path)[1]}
    assert {"misplaced_file", "unreadable_file", "too_large"} <= codes
    assert {fault.code for fault in check(tmp_path / "nowhere")[1]} == {"missing_file"}


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("App.yaml", "app.yaml"),
        ("app.json", "app.yaml"),
        ("Semantic", "semantic/"),
        ("semantics", "semantic/"),
        ("semantic.yaml", "folder semantic/"),
        ("semantic/other.YAML", "other.yaml"),
    ],
)
def test_a_file_that_would_silently_not_be_read_is_reported(tmp_path: Path, name: str, fix: str) -> None:
    """With the name it was meant to have."""
    write_app(tmp_path)
    (tmp_path / name).write_text("x")
    faults = [fault for fault in check(tmp_path)[1] if fault.code == "misplaced_file"]
    assert [fault.file for fault in faults] == [name]
    assert fix in faults[0].fix


def test_too_many_files_are_one_fault(tmp_path: Path) -> None:
    """Not one for each beyond the bound; and the files that count most are read first."""
    app = write_app(tmp_path)
    (app / "golden").mkdir()
    for number in range(2_010):
        (app / "golden" / f"{number}.jsonl").touch()
    assert [fault.code for fault in check(app)[1]] == ["too_large"]


def test_a_linked_folder_is_not_followed(tmp_path: Path) -> None:
    """A folder of sound models elsewhere is not part of the app."""
    app = write_app(tmp_path / "shop")
    (app / "semantic").rename(tmp_path / "elsewhere")
    (app / "semantic").symlink_to(tmp_path / "elsewhere")
    bundle, faults = check(app)
    assert bundle is None
    assert "unreadable_file" in {fault.code for fault in faults if fault.file == "semantic"}


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever swaps a file for a link after it was looked at gains nothing: opening does not follow either."""
    app = write_app(tmp_path / "shop")
    (app / "semantic" / "shop.yaml").rename(tmp_path / "secret.yaml")
    (app / "semantic" / "shop.yaml").symlink_to(tmp_path / "secret.yaml")
    monkeypatch.setattr(Path, "lstat", Path.stat)
    faults = check(app)[1]
    assert ("unreadable_file", "semantic/shop.yaml") in {(fault.code, fault.file) for fault in faults}


@pytest.mark.parametrize(
    "changes",
    [
        {"source: stores": "source: sales", "expression: region": "expression: customer_id"},
        {"from_columns: [store_id]": "from_columns: [customer_id]", "expression: region": "expression: store_id"},
    ],
)
def test_a_mask_cannot_be_walked_around(tmp_path: Path, changes: dict[str, str]) -> None:
    """The same table under another name, and the other end of a join, show what the mask hides."""
    semantic = SEMANTIC
    for old, new in changes.items():
        semantic = edited(semantic, old, new)
    faults = check(write_app(tmp_path, semantic=semantic))[1]
    leaks = [fault for fault in faults if fault.code == "mask_leaks"]
    assert [(fault.file, fault.line) for fault in leaks] == [("app.yaml", 9)]
    assert "stores.region" in leaks[0].fix


def test_every_code_is_provoked_here() -> None:
    """No fault code is without a test: those of the warehouse are the command's, others are in test_prompts.py and test_usual_slips.py."""
    provoked = {code for code, _, _ in IN_APP + IN_SEMANTIC} | {"missing_file", "misplaced_file", "unreadable_file", "too_large"}
    provoked |= {"bad_schema", "bad_template", "unknown_variable", "bad_example", "policy_circle"}
    assert set(CODES) - provoked == {"dry_run_failed", "datatype_mismatch", "unknown_preparation", "bad_golden"}


def test_all_faults_come_in_one_run(tmp_path: Path) -> None:
    """Twenty unrelated mistakes at once are all reported: one does not hide another."""
    app, made = APP, []
    for code, old, new in IN_APP:
        if code not in {"malformed_yaml", "yaml_feature", "duplicate_key", "panel_kind"} and old in app and old in APP and new not in app:
            app, made = app.replace(old, new, 1), [*made, code]
    assert len(set(made)) >= 20
    found = {fault.code for fault in check(write_app(tmp_path, app=app))[1]}
    assert len(set(made) - found) <= 3, set(made) - found
