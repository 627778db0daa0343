"""Rolling-origin backtest: what every method would have said at earlier weeks, who is chosen, how wide the intervals are.

Guarantees that nothing is judged with knowledge it could not have had: a trial at week t chooses its method, and sizes its
intervals, from errors of weeks up to t only. So the errors reported for the chosen method are those of a procedure, not
those of the winner seen afterwards. Pure arithmetic on arrays; weeks are indices.

Terms (Hyndman & Koehler, "Another look at measures of forecast accuracy", 2006): *MASE* divides an absolute error by the
mean absolute week-to-week change of the weeks known at the origin. *WAPE* is summed absolute error over summed actuals.
Intervals are split-conformal: the (1+1/n)-corrected quantile of past absolute errors (Vovk et al., 2005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Forecaster = Callable[[Array, Array, Array], Array]
"""(past values, past regressor, future regressor) → as many future values as the future regressor has."""

HORIZON_WEEKS = 8
FIRST_ORIGIN_WEEKS = 16
"""Weeks a method must know before its first trial."""
FIRST_JUDGED_WEEKS = 28
"""Trials from this origin on, of all eight weeks, are reported; the others only inform choices and intervals."""
WEEKS_MIN = FIRST_JUDGED_WEEKS + HORIZON_WEEKS
LEVELS = (0.80, 0.95)


class Trials(msgspec.Struct, frozen=True):
    """One method's forecasts from every origin: row i is origin `FIRST_ORIGIN_WEEKS + i`, column j is j + 1 weeks ahead."""

    expected: Array
    actual: Array
    """NaN where the week is not over."""

    @property
    def errors(self) -> Array:
        """Forecast less actual."""
        return self.expected - self.actual


class Judged(msgspec.Struct, frozen=True):
    """One reported forecast of one week."""

    origin: int
    """Weeks known when it was made."""
    ahead: int
    actual: float
    expected: float
    scaled_error: float
    half_80: float
    half_95: float

    @property
    def error(self) -> float:
        """Forecast less actual."""
        return self.expected - self.actual


class Verdict(msgspec.Struct, frozen=True):
    """What the backtest of one series says."""

    method: str
    """The method to use from the last week on."""
    half_80: float
    half_95: float
    judged: Mapping[str, tuple[Judged, ...]]
    """Label → reported forecasts: the procedure's under `CHOSEN`, and each benchmark's under its own name."""
    models: tuple[str, ...]
    """The method the procedure used at each reported origin."""


CHOSEN = "Chosen method"


def backtest(values: Array, regressor: Array, methods: Mapping[str, Forecaster], benchmarks: tuple[str, ...]) -> Verdict:
    """Try `methods` on one series. `benchmarks` are names in `methods` that are reported beside the chosen one.

    Raises ValueError when the series is too short for one reported trial.
    """
    weeks = len(values)
    if weeks < WEEKS_MIN:
        raise ValueError(f"A backtest needs {WEEKS_MIN} weeks, got {weeks}")
    trials = {name: run_trials(values, regressor, method) for name, method in methods.items()}
    origins = range(FIRST_JUDGED_WEEKS, weeks - HORIZON_WEEKS + 1)
    chosen = tuple(choose(trials, origin) for origin in origins)
    judged = {CHOSEN: _judge(values, [(origin, trials[name]) for origin, name in zip(origins, chosen, strict=True)])}
    judged |= {name: _judge(values, [(origin, trials[name]) for origin in origins]) for name in benchmarks}
    best = choose(trials, weeks)
    half_80, half_95 = half_widths(trials[best], weeks)
    return Verdict(method=best, half_80=half_80, half_95=half_95, judged=judged, models=chosen)


def run_trials(values: Array, regressor: Array, method: Forecaster) -> Trials:
    """Forecast from every origin, never showing the method a later week."""
    origins = range(FIRST_ORIGIN_WEEKS, len(values))
    expected = np.full((len(origins), HORIZON_WEEKS), np.nan)
    actual = np.full((len(origins), HORIZON_WEEKS), np.nan)
    for row, origin in enumerate(origins):
        ahead = min(HORIZON_WEEKS, len(values) - origin)
        future = slice(origin, origin + ahead)
        expected[row, :ahead] = np.maximum(method(values[:origin], regressor[:origin], regressor[future]), 0.0)
        actual[row, :ahead] = values[future]
    return Trials(expected=expected, actual=actual)


def known_errors(trials: Trials, origin: int) -> Array:
    """Errors of forecasts whose week was over at `origin`, flat."""
    rows, columns = np.indices(trials.errors.shape)
    over = FIRST_ORIGIN_WEEKS + rows + columns + 1 <= origin
    errors = trials.errors[over]
    return errors[~np.isnan(errors)]


def choose(trials: Mapping[str, Trials], origin: int) -> str:
    """The method with the smallest mean absolute error known at `origin`; of equals, the one named first."""
    return min(trials, key=lambda name: _mean_absolute(known_errors(trials[name], origin)))


def half_widths(trials: Trials, origin: int) -> tuple[float, float]:
    """Half the width of the 80 % and the 95 % interval, from absolute errors known at `origin`."""
    errors = np.sort(np.abs(known_errors(trials, origin)))
    low, high = (conformal_quantile(errors, level) for level in LEVELS)
    return low, high


def conformal_quantile(ascending: Array, level: float) -> float:
    """The ⌈(n + 1) · level⌉-th smallest of n, the largest when there are too few; 0 of none."""
    count = len(ascending)
    return float(ascending[min(ceil((count + 1) * level), count) - 1]) if count else 0.0


def scale_at(values: Array, origin: int) -> float:
    """MASE's denominator: the mean absolute week-to-week change of the first `origin` weeks; NaN when nothing ever changed."""
    change = float(np.mean(np.abs(np.diff(values[:origin]))))
    return change if change > 0 else float("nan")


def _mean_absolute(errors: Array) -> float:
    return float(np.mean(np.abs(errors))) if len(errors) else float("inf")


def _judge(values: Array, tried: list[tuple[int, Trials]]) -> tuple[Judged, ...]:
    judged = []
    for origin, trials in tried:
        half_80, half_95 = half_widths(trials, origin)
        scale = scale_at(values, origin)
        row = origin - FIRST_ORIGIN_WEEKS
        for column in range(HORIZON_WEEKS):
            actual, expected = float(trials.actual[row, column]), float(trials.expected[row, column])
            judged.append(Judged(origin, column + 1, actual, expected, abs(expected - actual) / scale, half_80, half_95))
    return tuple(judged)
