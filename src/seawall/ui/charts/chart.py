"""A panel's chart: resolve its layers, choose a layout, draw. Guarantees well-formed XML and no exception for any rows.

What the layers of the Vega-Lite subset mean here:
Columns that are left out are filled in by `app/chart_columns.py`; what would not be drawn, `app/chart_marks.py` has refused.

- `line`: one line a series; gaps where a value or a period is missing; the last point labelled. A second line layer is dashed
  (a forecast, a plan), further ones take palette colours.
- `area`: with `y2` a pale band between the two (an interval), without it an area from zero, stacked when coloured.
- `bar`: from zero, stacked when coloured (side by side for percentages and for several bar layers); on its side when names are
  long or many, or when x is the quantity. With `x2` it is as wide as from `x` to it; with `y2`, or lying with `x2`, it is a range.
- `point`: dots over time, categories or a quantity, or along one beside names; `size` scales their surface.
- `rule`: with a constant or field `y` a reference line across; with a constant `x` one down; with a field `x` marks on the axis,
  where `size` (when given) is true or above zero, and with `x2` from one place to another; with `x`, `y` and `y2` error bars, with
  `x`, `x2` and `y` the same lying.
"""

from __future__ import annotations

from seawall.app.model import Panel
from seawall.ui.charts.data import Frame, PanelData
from seawall.ui.charts.drawing import Drawing, Request
from seawall.ui.charts.frames import frame_of
from seawall.ui.charts.sideways import draw_sideways, is_sideways
from seawall.ui.charts.upright import draw_upright
from seawall.ui.render.context import RenderContext


def draw_chart(panel: Panel, data: PanelData, ctx: RenderContext) -> Drawing | None:
    """The chart, or None when no row has anything to draw."""
    frame = frame_of(panel, data)
    if not _has_marks(frame):
        return None
    request = Request(panel=panel, data=data, ctx=ctx, frame=frame)
    return draw_sideways(request) if is_sideways(request) else draw_upright(request)


def _has_marks(frame: Frame) -> bool:
    """Whether some row gives something to draw: a value, or where nothing else is asked for a mark on the axis."""
    only_rules = all(view.mark == "rule" for view in frame.views)
    return any(
        point.y is not None or view.is_flags
        for view in frame.views
        if view.mark != "rule" or only_rules
        for series in view.series
        for point in series.points
    )
