"""Gridlines and axis labels as SVG. Horizontal hairlines only; the zero line is stronger; labels never turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from seawall.ui.charts.plot import TIERS, Plot, percent, px
from seawall.ui.charts.text import esc, fit, text_width
from seawall.ui.charts.ticks import Ticks
from seawall.ui.charts.time_ticks import TimeTick

LINE_PX = 16
TICK_PX = 4
TITLE_DOWN_PX = 13
_T = TypeVar("_T")


def y_axis(plot: Plot, ticks: Ticks, labels: Sequence[str]) -> str:
    """A hairline and a label for each tick."""
    parts = []
    for value, label in zip(ticks.values, labels, strict=True):
        y = px(round(plot.y(value)) + 0.5)
        line = "z" if value == 0 else "g"
        parts.append(f'<line class="{line}" x2="100%" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="y" x="-8" y="{px(round(plot.y(value)) + 4)}">{esc(label)}</text>')
    return "".join(parts)


def time_axis(plot: Plot, by_tier: Sequence[tuple[TimeTick, ...]]) -> str:
    """Two lines of labels under the plot, one set for each class of panel width."""
    parts = []
    for names, ticks in _merged(by_tier):
        parts.append(f'<g class="{names}">{"".join(_time_tick(plot, tick) for tick in ticks)}</g>')
    return "".join(parts)


def time_axis_height(by_tier: Sequence[tuple[TimeTick, ...]]) -> float:
    """CSS pixels that `time_axis` needs."""
    return TICK_PX + LINE_PX * (2 if any(tick.period for ticks in by_tier for tick in ticks) else 1) + 2


def category_axis(plot: Plot, names: Sequence[str], places: Sequence[float], step: float) -> str:
    """One line of labels; every second, third… where all of them would not fit."""
    widest = max((text_width(name) for name in names), default=0.0)
    parts = []
    for classes, every in _merged([_every(widest, step * width) for _, width in TIERS]):
        labels = "".join(
            f'<text class="x" x="{percent(place)}" y="{px(plot.bottom + 17)}">{esc(fit(name, 160))}</text>'
            for name, place in list(zip(names, places, strict=True))[::every]
        )
        parts.append(f'<g class="{classes}">{labels}</g>')
    return "".join(parts)


def number_axis(plot: Plot, ticks: Ticks, labels: Sequence[str]) -> str:
    """Labels of a quantitative x axis, with short tick marks."""
    parts = []
    for value, label in zip(ticks.values, labels, strict=True):
        x = plot.percent(value)
        parts.append(
            f'<line class="t" x1="{x}" x2="{x}" y1="{px(plot.bottom)}" y2="{px(plot.bottom + TICK_PX)}"/>'
            f'<text class="x" x="{x}" y="{px(plot.bottom + 17)}">{esc(label)}</text>'
        )
    return "".join(parts)


def zero_line(plot: Plot, ticks: Ticks) -> str:
    """What stays of an axis that is hidden: where zero is."""
    y = px(round(plot.y(0.0)) + 0.5)
    return f'<line class="z" x2="100%" y1="{y}" y2="{y}"/>' if 0 in ticks.values else ""


def titles(plot: Plot, across: str, up: str, under_px: float) -> str:
    """The names of the axes: of x at the right under its labels, which are `under_px` high; of y above its labels at the left."""
    below = f'<text class="at b" x="100%" y="{px(plot.bottom + under_px + TITLE_DOWN_PX)}">{esc(across)}</text>' if across else ""
    above = f'<text class="at" y="{px(plot.top - 18)}">{esc(up)}</text>' if up else ""
    return below + above


def _every(widest: float, room: float) -> int:
    return max(1, -(-int(widest + 8) // max(1, int(room))))


def _time_tick(plot: Plot, tick: TimeTick) -> str:
    x = plot.percent(tick.at)
    text = (
        f'<line class="t" x1="{x}" x2="{x}" y1="{px(plot.bottom)}" y2="{px(plot.bottom + TICK_PX)}"/>'
        f'<text class="x" x="{x}" y="{px(plot.bottom + 17)}">{esc(tick.label)}</text>'
    )
    if tick.period:
        text += f'<text class="x e" x="{x}" y="{px(plot.bottom + 17 + LINE_PX)}">{esc(tick.period)}</text>'
    return text


def _merged(by_tier: Sequence[_T]) -> list[tuple[str, _T]]:
    """(classes, what they show), tiers that show the same told once."""
    shown: list[tuple[str, _T]] = []
    for (name, _), value in zip(TIERS, by_tier, strict=True):
        if shown and shown[-1][1] == value:
            shown[-1] = (f"{shown[-1][0]} {name}", value)
        else:
            shown.append((name, value))
    return shown
