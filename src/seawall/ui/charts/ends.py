"""Names and latest values: beside the ends of up to four lines, in a legend otherwise."""

from __future__ import annotations

from seawall.ui.charts import marks
from seawall.ui.charts.constants import constant, fixed_color
from seawall.ui.charts.data import View
from seawall.ui.charts.drawing import DIRECT_MAX, LegendItem
from seawall.ui.charts.labels import EndLabel, spread
from seawall.ui.charts.plot import Plot, px
from seawall.ui.charts.rules import REFERENCES_MAX, by_color, reference_words
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.charts.sizes import legend_item
from seawall.ui.charts.text import esc, fit, text_width

NAME_PX_MAX = 108
MARGIN_PX = 9
EARLY = 0.93
"""A line that ends before this part of the width is labelled at its end, not in the margin."""


def end_labels(scene: Scene, plot: Plot) -> tuple[list[EndLabel], str]:
    """Labels for the margin, still to be spread; and the drawn labels of lines that end earlier."""
    margin: list[EndLabel] = []
    inside: list[str] = []
    named = [line for line in scene.named if line.view.mark in ("line", "area", "bar") and not line.is_band]
    crowded = scene.legend_always or len(named) > DIRECT_MAX
    for line in [] if crowded else named:
        label = _label(scene, plot, line, alone=len(named) == 1)
        latest = line.latest
        if label is None or latest is None:
            continue
        if line.view.mark == "line" and plot.x_at(latest.x) < EARLY:
            inside.append(_at_end(plot.percent(latest.x), label, below=_falls(line)))
        else:
            margin.append(label)
    margin.extend(_references(scene, plot))
    return margin, "".join(inside)


def draw_margin(labels: list[EndLabel], plot: Plot) -> str:
    """Labels to the right of the plot, moved apart."""
    places = spread([label.y for label in labels], plot.top, plot.bottom)
    return "".join(
        f'<text class="dl {_class(label)}" x="100%" dx="{MARGIN_PX}" y="{px(y + 4)}">{_spans(label)}</text>'
        for label, y in zip(labels, places, strict=True)
    )


def margin_px(labels: list[EndLabel]) -> tuple[float, float]:
    """The room labels need on wide panels, and on narrow ones, where a legend carries the names."""
    values = [text_width(label.value) for label in labels]
    whole = [width * 1.06 + (text_width(label.name) * 1.06 + 5 if label.name else 0) for label, width in zip(labels, values, strict=True)]
    short = [text_width(label.name if label.color < 0 else label.value) for label in labels]
    return max(whole, default=0.0) + MARGIN_PX + 5, max(short, default=0.0) * 1.06 + MARGIN_PX + 5


def legend(scene: Scene) -> tuple[LegendItem, ...]:
    """One item for each line whose name may be told, with its latest value where lines are too many to be labelled; then the sizes."""
    sizes = [item for view in scene.frame.views if (item := legend_item(scene.request, view)) is not None]
    if len(scene.named) < 2:
        return tuple(sizes)
    told = scene.legend_always
    kept = [line for line in scene.told if line.color >= 0 or fixed_color(line.view) is not None]
    items = [LegendItem(line.name, line.color, _legend_value(scene, line) if told else "", line.dashed) for line in kept]
    others = len(scene.told) - len(kept)
    if others:
        items.append(LegendItem(scene.request.ctx.messages.count("series_other", others), -1))
    return (*items, *sizes)


def _label(scene: Scene, plot: Plot, line: Line, *, alone: bool) -> EndLabel | None:
    latest = line.latest
    if latest is None or latest.y is None or line.view.y is None or scene.is_free or (line.view.mark == "bar" and alone):
        return None
    if scene.frame.x is not None and scene.frame.x.kind == "category" and line.view.mark != "line" and alone:
        return None
    stack = scene.stack(line)
    at = stack.middle(line.series, latest.x) if stack is not None and not alone else latest.y
    name = "" if alone or line.is_nameless else fit(line.name, NAME_PX_MAX)
    return EndLabel(plot.y(at), name, scene.request.short(line.view.y)(latest.y), line.color, line.dashed)


def _references(scene: Scene, plot: Plot) -> list[EndLabel]:
    """The names of reference lines across, which share the margin."""
    labels = []
    for view in scene.frame.views:
        for height in _heights(scene, view):
            words, value = reference_words(scene.request, view, scene.y, height)
            if words and not value and scene.y is not None:
                value = scene.request.short(scene.y)(height)
            if words or value:
                labels.append(EndLabel(plot.y(height), fit(words, NAME_PX_MAX), value, -1))
    return labels


def _heights(scene: Scene, view: View) -> list[float]:
    """Where a layer draws lines across."""
    if view.mark != "rule":
        return []
    height = constant(scene.frame, view, "y")
    if height is not None:
        return [height]
    if view.y is None or view.span:
        return []
    found = {point.y for group in by_color(view) for point in group.points if point.y is not None}
    return sorted(found)[:REFERENCES_MAX]


def _legend_value(scene: Scene, line: Line) -> str:
    latest, x = line.latest, scene.frame.x
    if latest is None or line.view.y is None or line.view.mark != "line" or x is None or x.kind != "time":
        return ""
    return scene.request.short(line.view.y)(latest.y)


def _falls(line: Line) -> bool:
    """Whether a line ends lower than it came: then there is room under its end."""
    known = [point.y for point in line.series.points if point.y is not None]
    return len(known) > 1 and known[-1] < known[-2]


def _at_end(x: str, label: EndLabel, *, below: bool) -> str:
    y = label.y + (20 if below else -10)
    return f'<text class="dl b {_class(label)}" x="{x}" dx="4" y="{px(y)}">{_spans(label)}</text>'


def _class(label: EndLabel) -> str:
    return marks.color_class(label.color)


def _spans(label: EndLabel) -> str:
    if label.color < 0:
        return f'{esc(label.name)}<tspan class="vl nm"> {esc(label.value)}</tspan>'
    name = f'<tspan class="nm">{esc(label.name)} </tspan>' if label.name else ""
    return f'{name}<tspan class="vl">{esc(label.value)}</tspan>'
