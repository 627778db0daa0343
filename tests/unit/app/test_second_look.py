"""What once crashed the check, was refused though it is sound, or passed though it means something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.app.samples import APP, SEMANTIC, edited
from tests.unit.app.test_usual_slips import faults_of, sound, with_panel

from seawall.app.conditions import InvalidCondition, parse_condition
from seawall.app.expressions import parse_metric
from seawall.app.grammar import InvalidExpression

METRICS = "    metrics:\n"


def with_metric(expression: str, format: str) -> str:
    """The sample model with a metric `it` that has a format and no datatype."""
    extension = f"""custom_extensions: [{{vendor_name: SEAWALL, data: '{{"format": "{format}"}}'}}]"""
    made = f'{{name: it, {extension}, expression: {{dialects: [{{dialect: ANSI_SQL, expression: "{expression}"}}]}}}}'
    return edited(SEMANTIC, METRICS, f"{METRICS}      - {made}\n")


@pytest.mark.parametrize("text", ["SUM(CAST(sales.amount AS DECIMAL(²)))", "MAX(CAST(sales.amount AS VARCHAR(²)))"])
def test_a_size_in_another_script_is_refused(text: str) -> None:
    """`²` is a digit, and no number."""
    with pytest.raises(InvalidExpression):
        parse_metric(text)


def test_an_extension_nested_deep_is_read(tmp_path: Path) -> None:
    """As far as its JSON can be read at all."""
    data = '{"a": ' + "[" * 480 + "]" * 480 + "}"
    faults = faults_of(tmp_path, semantic=edited(SEMANTIC, '{"time": "sold_at"}', data))
    assert "bad_extension" in {fault.code for fault in faults}


def test_an_extension_hides_no_control_character(tmp_path: Path) -> None:
    """In keys or values, however deep."""
    data = '{"a": ' + "[" * 40 + '{"b\\u0007": 1}' + "]" * 40 + "}"
    faults = faults_of(tmp_path, semantic=edited(SEMANTIC, '{"time": "sold_at"}', data))
    assert any("control character" in fault.detail for fault in faults)


@pytest.mark.parametrize(("by", "x", "mark"), [("by: week, ", "week", "line"), ("by: region, ", "region", "bar"), ("", "", "number")])
def test_channels_without_a_mark_are_drawn(tmp_path: Path, by: str, x: str, mark: str) -> None:
    """Two metrics alone are a table; with channels for both they are what the reference says of a mark left out."""
    encoding = f"{{x: {{field: {x}}}, y: {{field: revenue}}, tooltip: {{field: visitors}}}}" if x else "{y: {field: revenue}}"
    metrics = "[revenue, visitors]" if x else "[revenue]"
    app = sound(tmp_path, with_panel(f"{{metrics: {metrics}, {by}chart: {{encoding: {encoding}}}}}"))
    assert [layer.mark for layer in app.pages["demand"].panels["total"].chart.layers] == [mark]


@pytest.mark.parametrize(
    "text",
    [
        "region in (North, South) and city = Berlin",
        "region in North, South and year = 2017",
        "region in (North, South) or city in (Berlin)",
        "a = x and b contains y",
        "a = x and b starts with y",
        "a = x and b not in y",
        "region = North and city in A, B",
        "region = North and day during last_4_weeks",
        "region = 'North' and amount > 0",
    ],
)
def test_a_second_condition_is_found_wherever_it_stands(text: str) -> None:
    """Behind a list, behind quotes, and with an operator that is a word."""
    with pytest.raises(InvalidCondition, match="more than one"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["a in (b", "a in b), c", "a in (b), (c)"])
def test_values_of_a_list_close_their_parentheses(text: str) -> None:
    """Else a sign of the list would be part of a value."""
    with pytest.raises(InvalidCondition):
        parse_condition(text)
    assert parse_condition("a in b (c), d").values == ("b (c)", "d")


@pytest.mark.parametrize("text", ["a in 'x and y = 1', z", "a in (Salt and Pepper, 'and b in (c)')", "a = Ben's and Jerry's"])
def test_quotes_settle_what_is_one_condition(text: str) -> None:
    """An apostrophe within a word is none."""
    assert parse_condition(text).field == "a"


@pytest.mark.parametrize(
    ("expression", "format"),
    [
        ("CAST(MAX(sales.sold_at) AS DATE)", "date"),
        ("COALESCE(MAX(sales.sold_at), CAST('2017-01-01' AS TIMESTAMP))", "datetime"),
        ("DATE_TRUNC('month', MAX(visits.day))", "month"),
        ("CASE WHEN SUM(sales.amount) > 0 THEN MAX(visits.day) END", "date"),
        ("MAX(visits.day) - MIN(visits.day)", "integer"),
        ("SUM(sales.amount) / COUNT(sales.sale)", "percent"),
    ],
)
def test_a_format_is_held_to_the_type_that_the_expression_gives(tmp_path: Path, expression: str, format: str) -> None:
    """And to none where that is not sure."""
    semantic = with_metric(expression, format)
    faults = faults_of(tmp_path, with_panel("{metric: it}"), semantic)
    assert [str(fault) for fault in faults if fault.code == "bad_extension"] == []


@pytest.mark.parametrize(("expression", "format"), [("SUM(sales.amount)", "date"), ("CAST(MAX(sales.sold_at) AS DATE)", "percent")])
def test_a_format_that_does_not_suit_a_sure_type_is_refused(tmp_path: Path, expression: str, format: str) -> None:
    """A sum is no date, and a date no share."""
    faults = faults_of(tmp_path, with_panel("{metric: it}"), with_metric(expression, format))
    assert [fault.code for fault in faults] == ["bad_extension"]


@pytest.mark.parametrize(
    "asked",
    [
        "by: [region, week], last: 1, chart: {mark: bar, encoding: {x: {field: region}, y: {field: revenue}, color: {field: region}}}",
        "by: region, order: [-revenue], limit: 1, chart: {mark: number}",
    ],
)
def test_one_week_or_one_row_has_a_place(tmp_path: Path, asked: str) -> None:
    """Nothing else would be drawn over it."""
    sound(tmp_path, with_panel(f"{{metric: revenue, {asked}}}"))


@pytest.mark.parametrize("tag", ["tl", "iw", "mo"])
def test_older_codes_of_a_language_are_taken(tmp_path: Path, tag: str) -> None:
    """CLDR knows them by their newer ones."""
    assert tag in sound(tmp_path, edited(APP, "locales: [en, de]", f"locales: [en, de, {tag}]")).locales


@pytest.mark.parametrize("chart", ["{mark: pie}", "{layer: [{mark: pie}]}"])
def test_of_a_broken_mark_nothing_more_is_said(tmp_path: Path, chart: str) -> None:
    """Whether it would have shown the comparison is not known."""
    faults = faults_of(tmp_path, with_panel(f"{{metric: revenue, by: week, compare: previous, chart: {chart}}}"))
    assert [fault.code for fault in faults] == ["unknown_mark"]
