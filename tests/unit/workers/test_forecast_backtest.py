"""The backtest's arithmetic, on series small enough to check by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.workers.forecast import backtest as bt
from seawall.workers.forecast.methods import (
    BENCHMARKS,
    LAST_VALUE,
    SEASONAL_NAIVE,
    last_value,
    month_start,
    month_start_effect,
    seasonal_naive,
    with_month_start,
)
from seawall.workers.forecast.series import complete_weeks, series_of
from seawall.workers.forecast.tables import Series, forecast_all

METHODS = {SEASONAL_NAIVE: seasonal_naive, LAST_VALUE: last_value}
MONDAY = date(2017, 1, 2)


def flat(values) -> tuple[np.ndarray, np.ndarray]:
    return np.array(values, dtype=float), np.zeros(len(values))


def test_last_value_repeats_the_last_week():
    """Every coming week is forecast as the last one known."""
    past, regressor = flat([3, 1, 7])
    assert last_value(past, regressor, np.zeros(3)).tolist() == [7, 7, 7]


def test_seasonal_naive_repeats_the_last_four_weeks():
    """The fifth week ahead is the first of them again."""
    past, regressor = flat([9, 1, 2, 3, 4])
    assert seasonal_naive(past, regressor, np.zeros(6)).tolist() == [1, 2, 3, 4, 1, 2]


def test_month_start_counts_days_one_to_seven():
    """A Monday on the 1st has all seven; one on the 29th of a 31-day month has four."""
    assert month_start([date(2017, 5, 1), date(2017, 5, 29), date(2017, 5, 15)]).tolist() == pytest.approx([1, 4 / 7, 0])


def test_month_start_effect_is_found_whatever_the_level():
    """A series that is only level and effect gives the effect back, and is forecast without error."""
    weeks = [MONDAY + timedelta(weeks=number) for number in range(24)]
    regressor = month_start(weeks)
    values = 500 + 70 * regressor
    assert month_start_effect(values[:16], regressor[:16]) == pytest.approx(70)
    forecast = with_month_start(last_value)(values[:16], regressor[:16], regressor[16:])
    assert forecast.tolist() == pytest.approx(values[16:].tolist())


def test_no_forecast_is_negative():
    """Sales below zero are not a forecast."""
    trials = bt.run_trials(*flat(range(40)), lambda past, regressor, future: np.full(len(future), -5.0))
    assert np.nanmin(trials.expected) == 0.0


def test_a_method_never_sees_a_later_week():
    """At origin t it is given exactly t values."""
    seen = []

    def spy(past, regressor, future):
        seen.append((len(past), past.max()))
        return np.zeros(len(future))

    bt.run_trials(*flat(range(30)), spy)
    assert seen == [(origin, origin - 1) for origin in range(bt.FIRST_ORIGIN_WEEKS, 30)]


def test_errors_are_known_only_once_their_week_is_over():
    """Right after the first origin only its one-week-ahead error is known."""
    trials = bt.run_trials(*flat(range(40)), last_value)
    assert bt.known_errors(trials, bt.FIRST_ORIGIN_WEEKS).tolist() == []
    assert bt.known_errors(trials, bt.FIRST_ORIGIN_WEEKS + 1).tolist() == [-1]
    assert sorted(bt.known_errors(trials, bt.FIRST_ORIGIN_WEEKS + 2).tolist()) == [-2, -1, -1]


def test_the_better_method_is_chosen():
    """A cycle of four weeks is what seasonal-naive knows and last-value does not."""
    verdict = bt.backtest(*flat([10, 20, 30, 40] * 13), METHODS, BENCHMARKS)
    assert verdict.method == SEASONAL_NAIVE
    assert (verdict.half_80, verdict.half_95) == (0.0, 0.0)
    assert {one.error for one in verdict.judged[bt.CHOSEN]} == {0.0}
    assert sum(abs(one.error) for one in verdict.judged[LAST_VALUE]) > 0


def test_scaled_error_divides_by_the_mean_change():
    """Last-value on a straight line is one step off a week ahead, which is the mean change: MASE 1, then 2, then 3."""
    assert bt.scale_at(np.array([1.0, 3.0, 1.0, 3.0]), 4) == 2.0
    verdict = bt.backtest(*flat(range(52)), METHODS, BENCHMARKS)
    first = [one.scaled_error for one in verdict.judged[LAST_VALUE][:3]]
    assert first == pytest.approx([1, 2, 3])


def test_conformal_quantile_is_the_corrected_rank():
    """Of nine errors the 80 % width is the eighth, the 95 % one the largest there is."""
    errors = np.arange(1.0, 10.0)
    assert (bt.conformal_quantile(errors, 0.80), bt.conformal_quantile(errors, 0.95)) == (8.0, 9.0)
    assert bt.conformal_quantile(np.array([]), 0.80) == 0.0


def test_an_interval_is_as_wide_for_errors_of_either_sign():
    """Last-value is as far below a rising line as it is above a falling one."""
    rising, falling = (bt.run_trials(*flat(values), last_value) for values in (range(60, 100), range(100, 60, -1)))
    assert bt.half_widths(rising, 40) == bt.half_widths(falling, 40)
    assert min(bt.half_widths(rising, 40)) > 0


def test_a_short_series_is_refused():
    """Fewer weeks than one reported trial needs."""
    with pytest.raises(ValueError, match="36 weeks"):
        bt.backtest(*flat(range(20)), METHODS, BENCHMARKS)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=bt.WEEKS_MIN, max_size=52))
def test_forecasts_are_ordered_and_repeatable(values: list[float]):
    """Intervals hold each other and the middle, nothing is negative, and the same series gives the same tables."""
    weeks = tuple(MONDAY + timedelta(weeks=number) for number in range(len(values)))
    made, again = (forecast_all([Series("X", weeks, tuple(values))], METHODS) for _ in range(2))
    assert made.forecast.equals(again.forecast)
    assert made.errors.equals(again.errors)
    coming = [row for row in made.forecast.to_pylist() if row["weeks_ahead"] > 0]
    assert len(coming) == bt.HORIZON_WEEKS
    for row in coming:
        assert 0 <= row["low_95"] <= row["low_80"] <= row["expected"] <= row["high_80"] <= row["high_95"]


def test_only_complete_weeks_count():
    """A first week of one day and a last week still running are left out."""
    assert complete_weeks(date(2017, 1, 1), date(2017, 1, 18)) == (date(2017, 1, 2), date(2017, 1, 9))
    assert complete_weeks(date(2017, 1, 2), date(2017, 1, 9)) == (date(2017, 1, 2),)


def test_series_fill_gaps_and_leave_out_what_hardly_sells():
    """A missing week is zero sales; a name with sales in under half its weeks is not forecast."""
    first = date(2017, 1, 2)
    rows = [("A", first, first, 5.0), ("A", first + timedelta(weeks=2), first, 7.0), ("B", first, first, 1.0), (None, first, first, 9.0)]
    made = series_of(rows, date(2017, 1, 23))
    assert [(one.name, one.values) for one in made] == [("A", (5.0, 0.0, 7.0))]
