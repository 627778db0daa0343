"""The methods a forecast is chosen from. All but the benchmarks come from statsforecast, which is imported only when asked for.

One year of weekly data cannot show a season of the year, so no method has one. What the data does show is the beginning of
the month: weeks with days 1 to 7 sell more. Methods marked "month start" take that effect out before smoothing (least squares on
week-to-week changes, which no slow drift can disturb) and put it back for the weeks to come, whose calendar is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from seawall.workers.forecast.backtest import Array, Forecaster

SEASON_WEEKS = 4
LAST_VALUE = "Last value"
SEASONAL_NAIVE = "Seasonal naive (4 weeks)"
BENCHMARKS = (SEASONAL_NAIVE, LAST_VALUE)
MONTH_START_DAYS = 7


def month_start(weeks: Sequence[date]) -> Array:
    """For each week, by its Monday: the share of its days that are the 1st to 7th of a month."""
    return np.array([sum((week + timedelta(days=day)).day <= MONTH_START_DAYS for day in range(7)) / 7 for week in weeks])


def last_value(past: Array, regressor: Array, future: Array) -> Array:
    """Next week as this week."""
    return np.repeat(past[-1:], len(future))


def seasonal_naive(past: Array, regressor: Array, future: Array) -> Array:
    """As four weeks before, the nearest thing to a season that fits in a year: months turn over every four to five weeks."""
    return np.resize(past[-SEASON_WEEKS:], len(future))


def with_month_start(method: Forecaster) -> Forecaster:
    """`method` on what is left when the month-start effect is taken out."""

    def forecast(past: Array, regressor: Array, future: Array) -> Array:
        effect = month_start_effect(past, regressor)
        return method(past - effect * regressor, regressor, future) + effect * future

    return forecast


def month_start_effect(past: Array, regressor: Array) -> float:
    """Dollars a week gains when all its days are month-start days; 0 when the regressor never changed."""
    changes, moves = np.diff(past), np.diff(regressor)
    spread = float(moves @ moves)
    return float(moves @ changes) / spread if spread > 0 else 0.0


def all_methods() -> Mapping[str, Forecaster]:
    """Name → method, benchmarks included. Importing statsforecast takes seconds the first time."""
    from statsforecast import models

    plain: dict[str, Forecaster] = {
        "Mean of all weeks": _from(models.HistoricAverage),
        "Mean of 8 weeks": _from(lambda: models.WindowAverage(8)),
        "Exponential smoothing": _from(models.SimpleExponentialSmoothingOptimized),
        "Dynamic theta": _from(models.DynamicOptimizedTheta),
        "ETS": _from(lambda: models.AutoETS(season_length=1)),
    }
    adjusted = {f"{name}, month start": with_month_start(method) for name, method in plain.items()}
    return {SEASONAL_NAIVE: seasonal_naive, LAST_VALUE: last_value, **plain, **adjusted}


def _from(make: Callable[[], Any]) -> Forecaster:
    def forecast(past: Array, regressor: Array, future: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # statsforecast warns of short series; the backtest judges them
            mean = make().forecast(y=past, h=len(future))["mean"]
        return np.asarray(mean, dtype=np.float64)

    return forecast
