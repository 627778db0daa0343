"""Forecasts as rows: the two tables that panels read, in the schema that the preparation promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
import pyarrow as pa

from seawall.workers.forecast.backtest import HORIZON_WEEKS, Array, Forecaster, Judged, Verdict, backtest
from seawall.workers.forecast.methods import BENCHMARKS, month_start

HISTORY_WEEKS = 26
WEEK = timedelta(weeks=1)
_TEXT, _DAY, _COUNT, _AMOUNT, _FLAG = pa.string(), pa.date32(), pa.int32(), pa.float64(), pa.bool_()
FORECAST: dict[str, pa.DataType] = {
    "department": _TEXT, "week_start": _DAY, "weeks_ahead": _COUNT, "model": _TEXT, "actual": _AMOUNT, "expected": _AMOUNT,
    "low_80": _AMOUNT, "high_80": _AMOUNT, "low_95": _AMOUNT, "high_95": _AMOUNT,
}  # fmt: skip
ERRORS: dict[str, pa.DataType] = {
    "department": _TEXT, "method": _TEXT, "model": _TEXT, "made_in_week": _DAY, "week_start": _DAY, "weeks_ahead": _COUNT,
    "actual": _AMOUNT, "expected": _AMOUNT, "error": _AMOUNT, "absolute_error": _AMOUNT, "scaled_error": _AMOUNT,
    "inside_80": _FLAG, "inside_95": _FLAG,
}  # fmt: skip
Row = dict[str, object]


class Series(msgspec.Struct, frozen=True):
    """One name's sales by complete week, oldest first, without gaps."""

    name: str
    weeks: tuple[date, ...]
    values: tuple[float, ...]


class Forecasts(msgspec.Struct, frozen=True):
    """Both tables, and how many series they cover."""

    forecast: pa.Table
    errors: pa.Table
    series: int


def forecast_all(series: Sequence[Series], methods: Mapping[str, Forecaster]) -> Forecasts:
    """Backtest and forecast every series, in the order given."""
    rows: list[Row] = []
    errors: list[Row] = []
    for one in series:
        regressor = month_start(one.weeks)
        verdict = backtest(np.array(one.values), regressor, methods, BENCHMARKS)
        rows += _past_rows(one, verdict) + _coming_rows(one, verdict, regressor, methods[verdict.method])
        errors += _error_rows(one, verdict)
    return Forecasts(_table(rows, FORECAST), _table(errors, ERRORS), len(series))


def _table(rows: list[Row], columns: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _past_rows(one: Series, verdict: Verdict) -> list[Row]:
    past = list(zip(one.weeks, one.values, strict=True))[-HISTORY_WEEKS:]
    return [
        {"department": one.name, "week_start": week, "weeks_ahead": place - len(past) + 1, "model": verdict.method, "actual": value}
        for place, (week, value) in enumerate(past)
    ]


def _coming_rows(one: Series, verdict: Verdict, regressor: Array, method: Forecaster) -> list[Row]:
    weeks = [one.weeks[-1] + WEEK * ahead for ahead in range(1, HORIZON_WEEKS + 1)]
    expected = np.maximum(method(np.array(one.values), regressor, month_start(weeks)), 0.0)
    return [
        {
            "department": one.name,
            "week_start": week,
            "weeks_ahead": ahead,
            "model": verdict.method,
            "expected": float(middle),
            "low_80": max(0.0, float(middle) - verdict.half_80),
            "high_80": float(middle) + verdict.half_80,
            "low_95": max(0.0, float(middle) - verdict.half_95),
            "high_95": float(middle) + verdict.half_95,
        }
        for ahead, (week, middle) in enumerate(zip(weeks, expected, strict=True), start=1)
    ]


def _error_rows(one: Series, verdict: Verdict) -> list[Row]:
    first = verdict.judged[next(iter(verdict.judged))][0].origin
    return [
        _error_row(one, label, label if label in BENCHMARKS else verdict.models[trial.origin - first], trial)
        for label, judged in verdict.judged.items()
        for trial in judged
    ]


def _error_row(one: Series, label: str, model: str, trial: Judged) -> Row:
    return {
        "department": one.name,
        "method": label,
        "model": model,
        "made_in_week": one.weeks[trial.origin - 1],
        "week_start": one.weeks[trial.origin + trial.ahead - 1],
        "weeks_ahead": trial.ahead,
        "actual": trial.actual,
        "expected": trial.expected,
        "error": trial.error,
        "absolute_error": abs(trial.error),
        "scaled_error": None if np.isnan(trial.scaled_error) else trial.scaled_error,
        "inside_80": abs(trial.error) <= trial.half_80,
        "inside_95": abs(trial.error) <= trial.half_95,
    }
