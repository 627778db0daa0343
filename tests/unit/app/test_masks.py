"""Ways around masks and row policies that were open once, each as a change to a sound app."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.app.samples import APP, SEMANTIC, edited, write_app

from seawall.app.check import check

AGAIN = """\
      - name: again
        source: sales
        primary_key: [sale]
        fields:
          - {name: sale, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: sale}]}}
          - {name: cust, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: EXPRESSION}]}}
      - name: stores
"""
SAME_ROWS = "rows: [{member: stores.region, op: in, attribute: user.regions, unless: [approver]}]"
TIED = "      - {name: again_in, from: again, to: stores, from_columns: [STORE_ID], to_columns: [store_id]}\n    metrics:\n"
LESS_ROWS = SAME_ROWS.replace("approver", "buyer")
OTHER_ROWS = SAME_ROWS.replace("user.regions", "user.areas")


def codes(folder: Path, policy: str, expression: str = "customer_id", app: str = APP) -> set[str]:
    """What is found when a second dataset over the table of `sales` has this policy."""
    semantic = edited(SEMANTIC, "      - name: stores\n", AGAIN.replace("EXPRESSION", expression))
    semantic = edited(semantic, "    metrics:\n", TIED)
    return {
        fault.code for fault in check(write_app(folder, edited(app, "  visits: {}\n", f"  visits: {{}}\n  again: {policy}\n"), semantic))[1]
    }


@pytest.mark.parametrize("expression", ["Customer_ID * 1", '"CUSTOMER_ID"', "CASE WHEN customer_Id > 5 THEN 1 END"])
def test_the_case_of_a_column_is_no_way_around(tmp_path: Path, expression: str) -> None:
    """DuckDB reads the same column by any case of its name, quoted too."""
    faults = check(write_app(tmp_path, semantic=edited(SEMANTIC, "quantity * price", expression)))[1]
    assert {fault.code for fault in faults} == {"mask_leaks"}


LEAKS = [
    ("{mask: {cust: {unless: approver}}}", {"rows_leak"}),
    (f"{{roles: [viewer], {SAME_ROWS}}}", {"mask_leaks"}),
    (f"{{{SAME_ROWS}, mask: {{cust: {{unless: viewer}}}}}}", {"mask_leaks"}),
    (f"{{{SAME_ROWS}, mask: {{cust: {{unless: [approver, buyer]}}}}}}", {"mask_leaks"}),
    (f"{{roles: [buyer], {LESS_ROWS}, mask: {{cust: {{unless: approver}}}}}}", {"rows_leak"}),
    (f"{{{OTHER_ROWS}, mask: {{cust: {{unless: approver}}}}}}", {"rows_leak"}),
    ("{}", {"mask_leaks", "rows_leak"}),
]


@pytest.mark.parametrize(("policy", "found"), LEAKS)
def test_another_dataset_is_no_way_around(tmp_path: Path, policy: str, found: set[str]) -> None:
    """A weaker mask, a weaker row policy, or none, over the same table, whichever roles it is for."""
    assert codes(tmp_path, policy) == found


@pytest.mark.parametrize("policy", [f"{{{SAME_ROWS}, mask: {{cust: {{unless: approver}}}}}}", "{roles: [approver]}"])
def test_a_dataset_as_strict_as_its_sibling_is_sound(tmp_path: Path, policy: str) -> None:
    """The same rules under other names, or readers who see everything anyway, hide nothing less."""
    assert codes(tmp_path, policy) == set()


def test_roles_that_leak_only_together_are_found(tmp_path: Path) -> None:
    """One role opens the dataset, another lifts its mask: whoever has both sees what the first dataset hides from both."""
    app = edited(APP, "viewer: {}, ", "viewer: {}, reader: {}, lifter: {}, ")
    policy = f"{{roles: [reader, approver], {SAME_ROWS}, mask: {{cust: {{unless: [lifter, approver]}}}}}}"
    assert codes(tmp_path, policy, app=app) == {"mask_leaks"}
    faults = check(tmp_path)[1]
    assert "`reader`" in faults[0].detail
    assert "`lifter`" in faults[0].detail


def test_columns_equal_by_way_of_a_third_dataset_are_one(tmp_path: Path) -> None:
    """Two relationships to one key make all three columns the same."""
    app = edited(APP, "mask: {customer:", "mask: {store:").replace("  stores: {}", "  stores: {}")
    semantic = edited(SEMANTIC, "{name: customer, datatype: Integer", "{name: store, datatype: Integer")
    semantic = edited(semantic, "expression: customer_id", "expression: Store_Id")
    faults = check(write_app(tmp_path, app, edited(semantic, "expression: people", "expression: STORE_ID")))[1]
    assert [(fault.code, "visits.people" in fault.fix) for fault in faults] == [("mask_leaks", True)]
