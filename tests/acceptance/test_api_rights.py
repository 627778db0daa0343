"""Who may see what, checked against the Parquet files: rows by store group, household numbers by role."""

from __future__ import annotations

import re

import pytest
from tests.acceptance.conftest import Seawall
from tests.acceptance.data_api import DataApi, rows_of, warehouse
from tests.acceptance.visitors import settled

WEEK = "2017-06-05..2017-06-11"
IN_WEEK = "sold_at >= DATE '2017-06-05' AND sold_at < DATE '2017-06-12'"
GROUPS = ("East", "West")


@pytest.fixture(scope="module", autouse=True)
def _one_generation(seawall: Seawall) -> None:
    settled(seawall)


@pytest.fixture
def viewers(seawall: Seawall):
    """A viewer of each group."""
    made = {group: DataApi(seawall, "merchandising", "viewer", store_groups=group) for group in GROUPS}
    yield made
    for one in made.values():
        one.close()


@pytest.mark.parametrize(
    ("role", "groups", "sees"),
    [
        ("viewer", {"store_groups": "East"}, ("East",)),
        ("viewer", {"store_groups": ("East", "West")}, GROUPS),
        ("viewer", {"store_groups": "east"}, ()),
        ("viewer", {}, ()),
        ("buyer", {}, ("East", "West", "North", "South")),
        ("nobody", {"store_groups": "East"}, None),
    ],
)
def test_totals_are_those_of_the_rows_one_may_see(seawall: Seawall, role: str, groups: dict, sees: tuple | None) -> None:
    """Sales by department add up to what the files say of one's store groups; with a role the app does not know, no app is there."""
    with DataApi(seawall, "merchandising", role, **groups) as api:
        if sees is None:
            assert api.panel("departments").status_code == 404
            return
        total = sum(row["net_sales"] for row in api.rows("departments"))
    with warehouse(seawall, "merchandising") as files:
        sql = "SELECT coalesce(sum(sales_value), 0) FROM transactions JOIN stores USING (store_id) WHERE list_contains(?, store_group)"
        assert files.execute(sql, [list(sees)]).fetchone()[0] == total


def test_east_and_west_never_see_each_others_rows(seawall: Seawall, viewers: dict[str, DataApi]) -> None:
    """All rows of a week: each viewer's are exactly the files' rows of the group."""
    for group, api in viewers.items():
        found = rows_of("parquet", api.panel("rows", period=WEEK, format="parquet").content)
        with warehouse(seawall, "merchandising") as files:
            sql = f"SELECT basket_id, product_id FROM transactions JOIN stores USING (store_id) WHERE store_group = '{group}' AND {IN_WEEK}"
            truth = files.execute(sql).fetchall()
        assert sorted((row["basket_id"], row["product_id"]) for row in found) == sorted(truth)
        assert {row["stores.store_group"] for row in found} == {group}


def test_asking_for_the_other_group_gives_nothing(viewers: dict[str, DataApi]) -> None:
    """A filter narrows what one may see; it never widens it."""
    assert viewers["East"].rows("rows", store_group="West") == []
    assert viewers["East"].counted("rows", store_group="West")["total"] == 0
    assert viewers["East"].rows("store_groups", store_group="West") == []
    assert ">West</td>" not in viewers["East"].page("transactions", store_group="West")


def test_a_changed_role_shows_other_rows_at_once(seawall: Seawall) -> None:
    """The same user on the same address, with one token after the other: never what the former one saw."""
    for _ in range(3):
        for role, groups in (("viewer", {"store_groups": "East"}), ("viewer", {"store_groups": "West"}), ("buyer", {})):
            with DataApi(seawall, "merchandising", role, "mia", **groups) as api:
                sees = {groups["store_groups"]} if groups else {"East", "West", "North", "South"}
                assert {row["store_group"] for row in api.rows("store_groups")} == sees
                shown = set(re.findall(r">(East|West|North|South)</td>", api.page("transactions")))
                assert shown <= sees
                assert shown


@pytest.mark.parametrize("format", ["json", "csv", "arrow", "parquet"])
def test_household_numbers_are_in_no_file_of_a_viewer(viewers: dict[str, DataApi], format: str) -> None:
    """The column is there, empty; an approver's has a number in every row."""
    rows = rows_of(format, viewers["East"].panel("rows", period=WEEK, format=format).content)
    assert rows
    assert {row["household_id"] for row in rows} <= {None, ""}


def test_household_numbers_show_to_approvers_only(seawall: Seawall, viewers: dict[str, DataApi]) -> None:
    """In JSON, in the page's table and in what a filter may name."""
    with DataApi(seawall, "merchandising", "approver") as api:
        assert all(row["household_id"] for row in api.rows("rows", store_group="East", period=WEEK))
        shown = re.findall(r"<td[^>]*>([^<]*)</td>", api.page("transactions", store_group="East", period=WEEK))
        numbers = {str(row["household_id"]) for row in api.rows("rows", store_group="East", period=WEEK)}
        assert numbers & set(shown)
    viewer = viewers["East"]
    assert [column["masked"] for column in viewer.answer("rows")["columns"] if column["name"] == "household_id"] == [True]
    assert viewer.panel("rows", household_id=1).status_code == 400
    cells = re.findall(r'<td class="null"><span data-tip="([^"]*)"', viewer.page("transactions", period=WEEK))
    assert cells.count("Hidden from your role") == 100
