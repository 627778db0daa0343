"""Headlines are true, or not said."""

from __future__ import annotations

from datetime import date

from tests.unit.render.factory import DEPARTMENT, WEEK, by_name, by_week, by_week_and_name, context, panel, weeks

from seawall.app.model import Format
from seawall.query.periods import Span
from seawall.ui.findings import finding


def say(data, kind, by=(WEEK,), ctx=None, **more):
    return finding(panel("line", by, finding=kind, **more), data, ctx or context())


def two_by_two(first, second):
    """A and B in the first week, then in the second."""
    pairs = zip(weeks(2), (first, second), strict=True)
    return by_week_and_name([(day, name, value) for day, values in pairs for name, value in zip("AB", values, strict=True)])


def test_top_share_needs_the_whole():
    """A share is said of all parts; not when a limit cut some off, one is negative, or there is only one."""
    data = by_name([("Grocery", 56.0), ("Deli", 44.0)])
    assert say(data, "top_share", (DEPARTMENT,)) == "Grocery carries 56% of net sales"
    assert say(data, "top_share", (DEPARTMENT,), context("de")) == "Nettoumsatz: 56\u00a0% entfallen auf Grocery"
    assert say(data, "top_share", (DEPARTMENT,), limit=2) == ""
    assert say(by_name([("Grocery", 56.0), ("Returns", -4.0)]), "top_share", (DEPARTMENT,)) == ""
    assert say(by_name([("Grocery", 56.0)]), "top_share", (DEPARTMENT,)) == ""
    assert say(by_name([("A", 0.5), ("B", 0.5)], Format(style="percent")), "top_share", (DEPARTMENT,)) == ""


def test_latest_change_compares_neighbours_that_are_over():
    """The unfinished last week is not compared; a missing week before it makes the change unsayable."""
    data = by_week([100.0, 110.0, 3.0])
    ended = context(as_of=date(2017, 1, 18))
    assert say(data, "latest_change", ctx=ended) == "Net sales rose 10.0% to $110 in the week of Jan 9, 2017"
    assert say(by_week([100.0, None, 110.0]), "latest_change") == ""
    assert say(by_week([100.0]), "latest_change") == ""
    assert "stayed at" in say(by_week([100.0, 100.0]), "latest_change")


def test_a_week_in_which_the_data_begins_is_compared_with_nothing():
    """Its one day is no week before the next."""
    begun = context(whole_from=date(2017, 1, 9))
    assert say(by_week([1.0, 100.0]), "latest_change", ctx=begun) == ""
    assert say(by_week([1.0, 100.0, 110.0]), "latest_change", ctx=begun).startswith("Net sales rose 10.0%")


def test_a_week_asked_for_in_part_is_compared_with_nothing():
    """Neither the first nor the last: the change would be that of the days."""
    data = by_week([1.0, 100.0, 110.0, 2.0])
    asked = context(asked=Span(date(2017, 1, 6), date(2017, 1, 25)))
    assert say(data, "latest_change", ctx=asked) == "Net sales rose 10.0% to $110 in the week of Jan 16, 2017"
    assert say(by_week([1.0, 100.0]), "latest_change", ctx=asked) == ""


def test_latest_change_of_several_names_the_largest():
    """Sums over series would be wrong for averages, so one series is spoken of by name."""
    assert say(two_by_two((10, 100), (20, 90)), "latest_change", (WEEK, DEPARTMENT)).startswith("B: net sales fell 10.0%")


def test_peak_needs_something_to_stand_out_from():
    """Three periods at least, and not all the same."""
    assert say(by_week([1.0, 5.0, 2.0]), "peak") == "Net sales peaked at $5.00 in the week of Jan 9, 2017"
    assert say(by_week([1.0, 5.0]), "peak") == ""
    assert say(by_week([5.0, 5.0, 5.0]), "peak") == ""


def test_peak_of_names_has_a_leader_but_no_tie():
    """The highest name leads; two equal ones do not; values of both signs are movements."""
    assert say(by_name([("A", 5.0), ("B", 3.0)]), "peak", (DEPARTMENT,)) == "A leads with $5.00"
    assert say(by_name([("A", 5.0), ("B", 5.0)]), "peak", (DEPARTMENT,)) == ""
    assert say(by_name([("A", 5.0), ("B", -7.0)]), "peak", (DEPARTMENT,)) == "B moved most: −$7.00"


def test_largest_mover_goes_either_way():
    """The largest relative change between the last two complete periods, up or down."""
    data = two_by_two((10, 100), (4, 110))
    assert say(data, "largest_mover", (WEEK, DEPARTMENT)) == "A moved most: down 60.0% on the week before"
    shares = by_name([("A", 0.1), ("B", -0.4)], Format(style="percent"))
    assert say(shares, "largest_mover", (DEPARTMENT,)) == "B moved most: −40.0%"
