"""What a chart asks for and would not get is refused where it is written, with what was expected and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.app.samples import APP, edited, write_app

from seawall.app.check import check
from seawall.app.faults import Fault

CHART = "{mark: line, encoding: {x: {field: week}, y: {field: revenue, title: Revenue, format: percent}, color: {field: region}}}"
LINE = APP[: APP.index(CHART)].count("\n") + 1
XY = "x: {field: week}, y: {field: revenue}"
BARS = "mark: bar, encoding: {x: {field: revenue}, y: {field: region}"

REFUSED = [
    (f"{{mark: line, encoding: {{{XY}, y2: {{value: 3}}}}}}", "A line has no `y2`"),
    (f"{{mark: point, encoding: {{{XY}, x2: {{value: '2017-01-02'}}}}}}", "A point has no `x2`"),
    (f"{{mark: area, encoding: {{{XY}, x2: {{value: '2017-01-02'}}}}}}", "An area has no `x2`"),
    (f"{{mark: bar, encoding: {{{XY}, size: {{value: 3}}}}}}", "A bar has no `size`"),
    ("{mark: table, encoding: {x: {field: week}}}", "A table has no `x`"),
    ("{mark: number, encoding: {y: {field: revenue, title: Revenue}}}", "A number has no `title`"),
    ("{mark: number, encoding: {y: {field: region}}}", "A number tells a metric"),
    ("{mark: number, height: 200}", "Numbers are all of one height"),
    ("{mark: rule}", "A rule has neither `x` nor `y`"),
    (f"{{mark: rule, encoding: {{{XY}}}}}", "A rule with both `x` and `y` has no length"),
    ("{mark: rule, encoding: {y: {value: 3}}}", "A constant alone tells nothing of the rows"),
    ("{layer: [{mark: line}, {mark: rule, encoding: {y: {value: 3}, x: {field: week}}}]}", "A rule at a constant `y` goes all the way"),
    ("{layer: [{mark: line, encoding: {x: {field: week}}}, {mark: rule, encoding: {x: {value: 3}}}]}", "`x` holds times"),
    ("{mark: line, encoding: {x: {field: week}, y: {value: 3}}}", "A line does not stand at a constant"),
    ("{mark: line, encoding: {x: {field: revenue}, y: {field: region}}}", "A line has no quantity to show"),
    ("{mark: bar, encoding: {x: {field: week}, y: {field: region}}}", "A bar has no quantity to show"),
    ("{mark: bar, encoding: {x: {field: region}, x2: {value: 3}, y: {field: revenue}}}", "`x` holds names, which have no ranges"),
    (f"{{mark: bar, encoding: {{{XY}, x2: {{field: revenue}}}}}}", "`x` holds times and `x2` a quantity"),
    (f"{{mark: bar, encoding: {{{XY}, x2: {{value: '2017-01-02'}}, y2: {{value: 3}}}}}}", "A bar is a range along `x` or along `y`"),
    ("{mark: line, encoding: {x: {field: week, sort: descending}, y: {field: revenue}}}", "`sort` orders names"),
    ("{mark: line, encoding: {x: {field: week, type: quantitative}, y: {field: revenue}}}", "`week` holds times"),
    ("{mark: line, encoding: {x: {field: week, scale: {zero: true}}, y: {field: revenue}}}", "which have no zero"),
    ("{mark: line, encoding: {x: {field: week, scale: {type: log}}, y: {field: revenue}}}", "The column holds times"),
    ("{mark: line, encoding: {x: {field: week, format: percent}, y: {field: revenue}}}", "The column holds times"),
    ("{mark: line, encoding: {x: {field: week}, y: {field: revenue, format: {style: percent, unit: kg}}}}", "`unit` means nothing"),
    ("{mark: line, encoding: {x: {field: week}, y: {field: revenue, format: currency}}}", "A currency has no sign by itself"),
    ("{mark: line, encoding: {x: {field: week}, y: {field: revenue, scale: {type: log, zero: true}}}}", "never reaches zero"),
    ("{mark: bar, encoding: {x: {field: week}, y: {field: revenue, scale: {zero: false}}}}", "Bars begin at zero"),
    (f"{{{BARS}}}}}".replace("{field: revenue}", "{field: revenue, scale: {type: log}}"), "Bars begin at zero"),
    (f"{{layer: [{{mark: bar, encoding: {{{XY}}}}}, {{mark: line, encoding: {{x: {{field: week}}, "
     "y: {field: revenue, scale: {zero: false}}}}]}", "Bars begin at zero"),
    (f"{{mark: line, encoding: {{{XY}, color: {{field: revenue}}}}}}", "Colours tell names apart"),
    (f"{{mark: line, encoding: {{{XY}, color: {{value: green, title: Green}}}}}}", "`title` means nothing beside `value`"),
    (f"{{mark: line, encoding: {{{XY}, tooltip: {{field: region, type: temporal}}}}}}", "`region` holds names"),
    (f"{{layer: [{{mark: line, encoding: {{{XY}}}}}, {{{BARS}}}}}]}}", "lies on its side"),
    ("{layer: [{mark: line, encoding: {x: {field: week, title: Weeks}}}, {mark: line, encoding: {x: {field: week, title: Time}}}]}",
     "`title` of `x` is said differently"),
]  # fmt: skip

UNKNOWN = [
    (f"{{mark: line, encoding: {{{XY}, y2: {{field: revenue, legend: false}}}}}}", "legend"),
    ("{mark: line, encoding: {x: {field: week, legend: false}, y: {field: revenue}}}", "legend"),
    (f"{{mark: line, encoding: {{{XY}, color: {{field: region, axis: false}}}}}}", "axis"),
    (f"{{mark: point, encoding: {{{XY}, size: {{field: revenue, sort: ascending}}}}}}", "sort"),
    (f"{{mark: line, encoding: {{{XY}, tooltip: {{field: region, scale: {{zero: true}}}}}}}}", "scale"),
]


def faults_of(folder: Path, chart: str) -> list[Fault]:
    """What `seawall check` says of the sample app with this chart."""
    return list(check(write_app(folder, app=edited(APP, CHART, chart)))[1])


@pytest.mark.parametrize(("chart", "detail"), REFUSED)
def test_what_a_chart_would_not_show_is_refused(tmp_path: Path, chart: str, detail: str) -> None:
    """At its line, in words, with a way out."""
    found = [fault for fault in faults_of(tmp_path, chart) if detail in fault.detail]
    assert found, [str(fault) for fault in faults_of(tmp_path, chart)]
    assert {(fault.file, fault.line, fault.code) for fault in found} == {("app.yaml", LINE, "bad_chart")}
    assert all(fault.fix or fault.expected for fault in found)


@pytest.mark.parametrize(("chart", "key"), UNKNOWN)
def test_a_key_that_means_nothing_on_a_channel_is_not_one_of_its_keys(tmp_path: Path, chart: str, key: str) -> None:
    """Editors that complete from the schema do not offer it, and the check lists those there are."""
    fault = next(fault for fault in faults_of(tmp_path, chart) if fault.code == "unknown_key")
    assert (fault.got, fault.line) == (key, LINE)
    assert "`field`" in fault.expected


def test_one_mistake_is_said_once(tmp_path: Path) -> None:
    """A column that is not there is reported, and nothing more is said of what it would have been."""
    faults = faults_of(tmp_path, "{mark: bar, encoding: {x: {field: weak}, y: {field: revenue}, y2: {field: revenue}}}")
    assert [fault.code for fault in faults] == ["unknown_column"]


def test_a_chart_of_the_subset_is_sound(tmp_path: Path) -> None:
    """Ranges, hidden axes and legends, chosen colours."""
    chart = (
        "{layer: [{mark: bar, encoding: {x: {field: week, axis: false, title: Week}, x2: {value: '2018-01-01'}, y: {field: revenue}, "
        "color: {field: region, legend: false, sort: ascending}}}, "
        "{mark: rule, encoding: {y: {value: 3, title: Goal}, color: {value: grey}}}]}"
    )
    assert faults_of(tmp_path, chart) == []
