"""Apps as a model writes them: unusual but sound, or wrong in ways that would only show when the app runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.app.samples import APP, SEMANTIC, edited, write_app

from seawall.app.check import check
from seawall.app.faults import Fault
from seawall.app.model import App, MetricQuery
from seawall.app.scalars import InvalidValue, check_period
from seawall.query.compile_query import compile_query
from seawall.query.errors import InvalidQuery
from seawall.query.periods import span_of
from seawall.query.policy import unrestricted

AS_OF = date(2017, 3, 1)
TOTAL = "      total: {metrics: [revenue, visitors], filters: [region]}"
SALE = "          - {name: sale, datatype: Integer,"
METRICS = "    metrics:\n"


def expression(text: str) -> str:
    """An expression as Ossie writes it."""
    return f"expression: {{dialects: [{{dialect: ANSI_SQL, expression: '{text}'}}]}}"


def faults_of(folder: Path, app: str = APP, semantic: str = SEMANTIC) -> tuple[Fault, ...]:
    """What the check says."""
    return check(write_app(folder, app, semantic))[1]


def sound(folder: Path, app: str = APP, semantic: str = SEMANTIC) -> App:
    """The app, which has no faults."""
    bundle, faults = check(write_app(folder, app, semantic))
    assert bundle is not None, [str(fault) for fault in faults]
    return bundle.app


def with_panel(text: str) -> str:
    """The sample app with another second panel."""
    return edited(APP, TOTAL, f"      total: {text}")


def with_field(text: str) -> str:
    """The sample model with another field of sales."""
    return edited(SEMANTIC, SALE, f"          - {{{text}}}\n{SALE}")


# ── sound, however it looks ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["title", "label", "description", "pages", "filters"])
def test_names_may_be_those_of_texts(tmp_path: Path, name: str) -> None:
    """A page, a filter, a panel, a role and a masked field called `title` are not taken for titles."""
    app = edited(APP, "      region: {field", f"      {name}: {{label: {{en: Region, de: Gebiet}}, field")
    app = edited(app, "filters: [region]", f"filters: [{name}]")
    app = edited(edited(app, "  demand:\n", f"  {name}:\n"), "[rows]]", f"[{name}]]")
    app = edited(
        edited(app, "      rows: {dataset", f"      {name}: {{title: {{en: A}}, dataset"), "{viewer: {}", f"{{viewer: {{}}, {name}: {{}}"
    )
    app = edited(app, "mask: {customer", f"mask: {{{name}: {{unless: approver}}, customer")
    sound(tmp_path, app, with_field(f"name: {name}, datatype: String, {expression('note')}"))


def test_texts_below_such_names_are_still_held_to_the_languages(tmp_path: Path) -> None:
    """A panel called `panels` has a title like any other."""
    app = edited(edited(APP, "      rows: {dataset", "      panels: {title: {fr: Lignes}, dataset"), "[rows]]", "[panels]]")
    assert [(fault.code, fault.got) for fault in faults_of(tmp_path, app)] == [("unknown_locale", "fr")]


def test_whole_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    """JSON Schema takes 2.0 for a whole number, and so editors do: it is one, not nothing."""
    app = with_panel("{metric: revenue, by: week, last: 4.0, limit: 3.0, chart: {mark: line, height: 300.0}}")
    app = edited(edited(app, "count: estimate}", "page_size: 20.0}"), "control: multiselect}", "options: 7.0}")
    app = edited(app, "format: percent", "format: {style: percent, decimals: 2.0}")
    page = sound(tmp_path, app).pages["demand"]
    query = page.panels["total"].query
    assert isinstance(query, MetricQuery)
    assert (query.last, query.limit, page.panels["total"].chart.height_px) == (4, 3, 300)
    assert (page.panels["rows"].query.limit, page.filters["region"].options_limit) == (20, 7)
    shown = page.panels["trend"].chart.layers[0].encoding["y"][0].format
    assert shown is not None
    assert shown.decimals == 2


def test_a_blank_title_is_none(tmp_path: Path) -> None:
    """Headings are never empty: a title without words is made from the name, as one that is not there."""
    app = edited(edited(APP, "title: Demand", "title: ''"), "title: {en: Sales, de: Umsatz}", "title: {en: ' ', de: Umsatz}")
    page = sound(tmp_path, app).pages["demand"]
    assert page.title.in_locale("en") == "Demand"
    assert page.panels["trend"].title.in_locale("en") == "Umsatz"


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("MAX(sales.sold_at)", "DateTime"),
        ("MIN(stores.region)", "String"),
        ("(MIN(sales.sale))", "Integer"),
        ("COUNT(sales.sale) FILTER (WHERE sales.amount > 0)", "Integer"),
        ("SUM(sales.amount) > 3", "Boolean"),
        ("SUM(sales.amount)", "Float"),
    ],
)
def test_a_metric_without_a_type_gets_that_of_its_expression(tmp_path: Path, text: str, datatype: str) -> None:
    """The latest of some dates is a date: cast to a number it would fail when it is asked for."""
    app = sound(tmp_path, with_panel("{metric: it}"), edited(SEMANTIC, METRICS, f"{METRICS}      - {{name: it, {expression(text)}}}\n"))
    assert app.semantics.metrics["it"].datatype == datatype


def test_rows_pinned_to_one_value_have_a_place(tmp_path: Path) -> None:
    """A second column of `by` with a single value does no harm to a line or a number."""
    sound(tmp_path, with_panel("{metric: revenue, by: [week, region, customer], where: [customer = 3]}"))
    sound(tmp_path / "number", with_panel("{metric: revenue, by: [week, region], where: [region = North], chart: {mark: number}}"))


@pytest.mark.parametrize(
    "asked",
    [
        "metric: latest, by: hour",
        "metric: latest, by: region",
        "metric: revenue, by: [week, region, customer]",
        "metrics: [revenue, visitors], by: week",
    ],
)
def test_what_a_chart_could_not_show_is_a_table(tmp_path: Path, asked: str) -> None:
    """Unless the author asks for another mark: dates have no height, and three columns of names no place."""
    semantic = edited(SEMANTIC, METRICS, f"{METRICS}      - {{name: latest, {expression('MAX(sales.sold_at)')}}}\n")
    panel = sound(tmp_path, with_panel(f"{{{asked}}}"), semantic).pages["demand"].panels["total"]
    assert [layer.mark for layer in panel.chart.layers] == ["table"]


def test_values_may_hold_quotes_and_any_script(tmp_path: Path) -> None:
    """They are bound as they are."""
    condition = "where: [\"region = 'O''Brien'\", {field: region, op: in, values: ['a\"b', Münster 🚲, \"x'; DROP TABLE sales --\"]}]"
    app = sound(tmp_path, with_panel(f"{{metric: revenue, {condition}}}"))
    compiled = compile_query(app, app.pages["demand"].panels["total"].query, unrestricted(app), dialect="duckdb", as_of=AS_OF)
    assert compiled.parameters == ("O'Brien", 'a"b', "Münster 🚲", "x'; DROP TABLE sales --")
    assert "DROP" not in compiled.sql


def test_circles_of_relationships_are_walked(tmp_path: Path) -> None:
    """Sales lead to stores and back; joins take the shortest way and policies do not hang."""
    back = "      - {name: best, from: stores, to: sales, from_columns: [best_sale], to_columns: [sale]}\n"
    sound(tmp_path, APP, edited(SEMANTIC, METRICS, back + METRICS))


# ── refused, since it would break or tell a lie ──────────────────────────────────────────────────────────────────


def test_row_policies_that_need_each_other_are_refused(tmp_path: Path) -> None:
    """Who is bound by both could ask for neither: each panel would fail."""
    app = edited(APP, "  stores: {}", "  stores: {rows: [{member: sales.amount, op: gt, value: 0}]}")
    back = "      - {name: best, from: stores, to: sales, from_columns: [best_sale], to_columns: [sale]}\n"
    faults = faults_of(tmp_path, app, edited(SEMANTIC, METRICS, back + METRICS))
    assert [(fault.code, fault.got) for fault in faults] == [("policy_circle", "sales → stores → sales")]


@pytest.mark.parametrize(
    ("datatype", "format"),
    [
        ("Decimal", '"date"'),
        ("Decimal", '{"style": "currency"}'),
        ("DateTime", '"percent"'),
        ("Integer", '{"style": "percent", "unit": "kg"}'),
    ],
)
def test_a_format_that_does_not_suit_its_values_is_refused(tmp_path: Path, datatype: str, format: str) -> None:
    """In a semantic model as in a chart: it would show bare figures."""
    extension = f"""custom_extensions: [{{vendor_name: SEAWALL, data: '{{"format": {format}}}'}}]"""
    faults = faults_of(tmp_path, APP, with_field(f"name: it, datatype: {datatype}, {extension}, {expression('it')}"))
    assert [fault.code for fault in faults] == ["bad_extension"]
    assert faults[0].fix


def test_filters_and_metrics_stay_in_one_database(tmp_path: Path) -> None:
    """A filter over the other database leaves a panel alone, unless it is told to touch it; a metric over both is refused."""
    operational = """custom_extensions: [{vendor_name: SEAWALL, data: '{"engine": "operational"}'}]"""
    semantic = edited(SEMANTIC, "        source: stores\n", f"        source: stores\n        {operational}\n")
    mixed = expression("SUM(CASE WHEN stores.region IS NULL THEN sales.amount END)")
    semantic = edited(semantic, METRICS, f"{METRICS}      - {{name: mix, {mixed}}}\n")
    found = {(fault.file, fault.got) for fault in faults_of(tmp_path, APP, semantic) if fault.code == "mixed_engines"}
    assert ("app.yaml", "stores.region") in found
    assert ("semantic/shop.yaml", "") in found


@pytest.mark.parametrize(("engine", "expected"), [("warehouse", [86_400, 300]), ("operational", [10, 300])])
def test_tables_that_change_are_fresh_for_seconds(tmp_path: Path, engine: str, expected: list[float]) -> None:
    """A generation never changes, an operational table does; what a panel says of itself counts for both."""
    semantic = SEMANTIC.replace('"time":', f'"engine": "{engine}", "time":')
    stores = f"""        custom_extensions: [{{vendor_name: SEAWALL, data: '{{"engine": "{engine}"}}'}}]\n"""
    semantic = edited(semantic, "        source: stores\n", f"        source: stores\n{stores}")
    panels = [with_panel(f"{{metric: revenue{said}}}") for said in ("", ", fresh_for: 5m")]
    apps = [sound(tmp_path, each, semantic) for each in panels]
    assert [each.pages["demand"].panels["total"].fresh_for_seconds for each in apps] == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("customer", "1e20"), ("amount", "1e300"), ("sold_at", "'9999-12-31'"), ("sold_at", "'2017-01-01T10:00+01:00'"), ("at", "'25:00'")],
)
def test_values_that_no_database_holds_are_refused(tmp_path: Path, field: str, value: str) -> None:
    """Whole numbers beyond 64 bits, the last of all days, an offset where the field has none."""
    app = with_panel(f"{{metric: revenue, where: [{{field: {field}, op: lt, value: {value}}}]}}")
    faults = faults_of(tmp_path, app, with_field(f"name: at, datatype: Time, {expression('at')}"))
    assert [fault.code for fault in faults] == ["bad_condition"]


@pytest.mark.parametrize(
    "text", ["region = North and amount > 0", "region = North or region = South", "region = a AND customer is not null"]
)
def test_two_conditions_in_one_text_are_refused(tmp_path: Path, text: str) -> None:
    """They would look for the words `North and amount > 0`, and find none."""
    faults = faults_of(tmp_path, with_panel(f'{{metric: revenue, where: ["{text}"]}}'))
    assert [(fault.code, fault.detail) for fault in faults] == [("bad_condition", "This is more than one condition")]


@pytest.mark.parametrize("text", ["region = Bath and Body", "region = Rock or Roll in Town", "region = 'North and amount > 0'"])
def test_words_that_only_look_like_two_conditions_are_one(tmp_path: Path, text: str) -> None:
    """Names hold `and` and `or`; quotes settle the rest."""
    sound(tmp_path, with_panel(f'{{metric: revenue, where: ["{text}"]}}'))


@given(
    st.from_regex(
        r"(last_\d{1,5}|this)_(day|week|month|quarter|year)s?|\d{4}(-\d{2}){0,2}|(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?", fullmatch=True
    )
)
def test_every_period_that_passes_has_days(text: str) -> None:
    """What the check takes for a period, the query takes too."""
    try:
        check_period(text)
    except InvalidValue:
        return
    span_of(text, AS_OF)


@pytest.mark.parametrize("text", ["2017", "2017-02-28", "..2017-01-01", "2017-01-01..", "last_1_day", "last_10000_weeks", "this_year"])
def test_periods_are_taken(text: str) -> None:
    """By both."""
    assert check_period(text) == text
    span_of(text, AS_OF)


def test_a_period_too_long_ago_is_refused_by_both() -> None:
    """Nobody counts back to before year 1."""
    with pytest.raises(InvalidValue):
        check_period("last_4000_years")
    with pytest.raises(InvalidQuery):
        span_of("last_4000_years", AS_OF)


@pytest.mark.parametrize(
    ("text", "adds_up"),
    [
        ("SUM(sales.amount)", True),
        ("COUNT(sales.sale) FILTER (WHERE sales.amount > 0)", True),
        ("100 * (SUM(sales.amount) - COALESCE(SUM(sales.sale), 0)) / 2", True),
        ("COUNT(DISTINCT sales.customer)", False),
        ("AVG(sales.amount)", False),
        ("SUM(sales.amount) / NULLIF(COUNT(sales.sale), 0)", False),
    ],
)
def test_only_parts_that_add_up_have_a_share(tmp_path: Path, text: str, adds_up: bool) -> None:
    """No region has a part of the average basket, or of the customers, who may buy in several."""
    semantic = edited(SEMANTIC, METRICS, f"{METRICS}      - {{name: it, {expression(text)}}}\n")
    faults = faults_of(tmp_path, with_panel("{metric: it, by: region, finding: top_share}"), semantic)
    assert [fault.code for fault in faults] == ([] if adds_up else ["bad_finding"])
