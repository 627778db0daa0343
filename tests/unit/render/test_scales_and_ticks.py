"""Scales and ticks: round, ascending, covering, few."""

from __future__ import annotations

import math
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ui.charts.labels import spread
from seawall.ui.charts.scales import Band, Linear, Log, Months, days, extent, moment
from seawall.ui.charts.text import text_width
from seawall.ui.charts.ticks import linear_ticks, log_ticks
from seawall.ui.charts.time_ticks import time_ticks
from seawall.ui.formats import formatter

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DAYS = st.floats(min_value=1, max_value=date.max.toordinal())


@given(FINITE, FINITE, st.integers(3, 12))
def test_linear_ticks_cover_the_domain(low, high, count_max):
    """Ticks ascend strictly, reach both ends of the data and are as few as asked for."""
    low, high = sorted((max(-1e300, min(1e300, low)), max(-1e300, min(1e300, high))))
    ticks = linear_ticks(low, high, count_max)
    tolerance = max(abs(low), abs(high)) * 1e-6 + 1e-290
    assert 2 <= len(ticks.values) <= count_max
    assert all(earlier < later for earlier, later in pairwise(ticks.values))
    assert ticks.low <= low + tolerance
    assert ticks.high >= high - tolerance


@given(st.floats(1e-200, 1e200), st.floats(1e-200, 1e200), st.integers(3, 12))
def test_log_ticks_cover_the_domain(one, other, count_max):
    """Ticks of a log scale are positive, ascend and reach both ends."""
    low, high = sorted((one, other))
    ticks = log_ticks(low, high, count_max)
    assert all(0 < earlier < later for earlier, later in pairwise(ticks.values))
    assert ticks.low <= low * (1 + 1e-6)
    assert ticks.high >= high * (1 - 1e-6)
    assert len(ticks.values) <= count_max + 1


@pytest.mark.parametrize(
    ("low", "high", "count_max", "ticks", "ends"),
    [
        (5_100, 90_000, 6, (5e3, 1e4, 2e4, 5e4, 1e5), (5e3, 1e5)),
        (1_020, 1_190_000, 5, (1e3, 1e4, 1e5, 1e6), (1e3, 2e6)),
        (3, 4, 5, (2, 5), (2, 5)),
    ],
)
def test_log_scales_end_where_the_data_does(low, high, count_max, ticks, ends):
    """A cloud is not pressed into a corner by the next power of ten; where steps are many only powers are marked."""
    made = log_ticks(low, high, count_max)
    assert made.values == pytest.approx(ticks)
    assert (made.low, made.high) == pytest.approx(ends)


@given(FINITE, FINITE, FINITE)
def test_scales_are_monotone_and_finite(low, high, value):
    """A larger value never lies before a smaller one, and no place is NaN."""
    low, high = sorted((max(-1e300, min(1e300, low)), max(-1e300, min(1e300, high))))
    scale = Linear(low, high)
    assert not math.isnan(scale.at(value))
    assert scale.at(low) <= scale.at(high)
    assert not math.isnan(Log(1, 1000).at(value))


@given(DAYS, DAYS, st.sampled_from([270.0, 500.0, 860.0]), st.sampled_from([0.0, 1 / 24, 1, 7, 28, 90, 365]), st.sampled_from(["en", "de"]))
def test_time_ticks_keep_apart(one, other, width, finest, locale):
    """Time ticks ascend within the domain, at most fourteen and one, and their labels do not touch."""
    low, high = sorted((one, other))
    ticks = time_ticks(low, high, width, formatter(locale), finest_days=finest)
    assert 1 <= len(ticks) <= 15
    assert all(low - 1 <= tick.at <= high + 1 for tick in ticks)
    scale = width / ((high - low) or 1)
    for earlier, later in pairwise(ticks):
        assert (later.at - earlier.at) * scale >= (text_width(earlier.label) + text_width(later.label)) / 2


def test_a_year_of_weeks_has_months_over_the_year():
    """52 weeks are marked by months at their first Monday, the year is said once."""
    ticks = time_ticks(days(date(2017, 1, 2)), days(date(2017, 12, 25)), 860, formatter("en"), finest_days=7)
    assert [tick.label for tick in ticks][:3] == ["Jan", "Feb", "Mar"]
    assert [tick.period for tick in ticks] == ["2017", *[""] * 11]
    assert all(moment(tick.at).weekday() == 0 for tick in ticks)


def test_thirteen_weeks_have_days_over_months():
    """A quarter of weeks is marked by Mondays, with the months under them and the year once."""
    ticks = time_ticks(days(date(2017, 10, 2)), days(date(2017, 12, 25)), 500, formatter("en"), finest_days=7)
    assert [tick.label for tick in ticks][:5] == ["2", "9", "16", "23", "30"]
    assert [tick.period for tick in ticks if tick.period] == ["Oct 2017", "Nov", "Dec"]


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_days_and_moments_agree(when):
    """A time put on the axis comes back to the second."""
    assert abs((moment(days(when)) - when.replace(microsecond=0)).total_seconds()) <= 1


def test_months_are_equally_long():
    """Bars of months stand at equal distances."""
    firsts = [days(date(2017, month, 1)) for month in range(1, 13)]
    scale = Months(firsts[0], firsts[-1])
    steps = {round(scale.at(later) - scale.at(earlier), 9) for earlier, later in pairwise(firsts)}
    assert len(steps) == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.integers(50, 400))
def test_spread_labels_never_overlap(places, height):
    """Labels keep their distance where there is room, stay inside, and keep their order."""
    settled = spread(places, 0, height)
    gap = min(15.0, height / max(1, len(places) - 1))
    ranked = sorted(settled)
    assert all(later - earlier >= gap - 1e-6 for earlier, later in pairwise(ranked))
    assert ranked[0] >= -1e-6
    assert ranked[-1] <= height + 1e-6
    order = sorted(range(len(places)), key=lambda index: places[index])
    assert [settled[index] for index in order] == ranked


def test_extent_ignores_what_is_not_a_number():
    """Nulls, NaN and infinities do not stretch a scale."""
    assert extent([None, float("nan"), float("inf"), 2.0, -1.0]) == (-1.0, 2.0)
    assert extent([None, float("nan")]) is None


def test_bands_share_the_width():
    """Four categories stand in the middles of four quarters."""
    band = Band(4)
    assert [band.at(index) for index in range(4)] == [0.125, 0.375, 0.625, 0.875]
    assert band.width < band.step
