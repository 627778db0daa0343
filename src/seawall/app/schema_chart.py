"""The JSON Schema of charts: a subset of Vega-Lite in which every key that is accepted is drawn.

Each channel has a definition of its own, so that editors offer what means something there. What depends on the mark, or on what a
column holds, `chart_rules.py` adds.
"""

from __future__ import annotations

from typing import get_args

from seawall.app import model
from seawall.app.schema_parts import Schema, choice, list_of, map_of, ref, requiring, text, union, whole

HEIGHT_PX_LEAST, HEIGHT_PX_MOST = 80, 1200
LAYERS_MAX = 8
TOOLTIPS_MAX = 12
DOT_PX2_MAX = 1000
_FIELD = "A column of the panel: a metric, a field or a grain."
_LABEL = "Default: the column's label."
_TYPES = get_args(model.FieldType)
_MARK_LEFT_OUT = (
    "What is drawn. Default with an `encoding`: a line where the first of `by` has a grain, else bars; without `by` a number. "
    "Default without one: as of a panel that has no `chart`."
)


def chart_definitions() -> Schema:
    """A chart, and each of its channels."""
    return {
        "chart": _chart(),
        "position": _position(),
        "range_end": map_of(
            "The other end of a range.",
            field=text("A column of the panel, of the same kind as the one it begins with."),
            title=ref("text", f"In the range's name, when its beginning has no `title`. {_LABEL}"),
            value={"type": ["number", "string"], "description": "A constant instead of a field: a number; of times a date, `2017-05-29`."},
        ),
        "color": _color(),
        "size": _size(),
        "tooltip": requiring(
            "field",
            map_of(
                "A line of the tooltip.",
                field=text(_FIELD),
                type=choice("What the column holds; saying it changes nothing.", _TYPES),
                title=ref("text", f"Before the value. {_LABEL}"),
                format=ref("format"),
            ),
        ),
    }


def _chart() -> Schema:
    tooltip = union(
        "Further columns to tell on hover and focus; those that are drawn are told anyway.",
        "a column or a list of columns",
        ref("tooltip"),
        {"type": "array", "items": ref("tooltip"), "maxItems": TOOLTIPS_MAX},
    )
    encoding = map_of(
        "What is drawn where. Default: x is the first of `by`, y the first metric, color the second of `by`.",
        x=ref("position", "Along the chart: a time, names or a quantity."),
        x2=ref("range_end", "Where bars and rules end that begin at `x`."),
        y=ref("position", "Up the chart: a quantity. Names here lay bars, points and ranges on their side. Of a number: its metric."),
        y2=ref("range_end", "Where bars, areas and rules end that begin at `y`."),
        color=ref("color"),
        size=ref("size"),
        tooltip=tooltip,
    )
    encoding["x-code"] = "unknown_channel"
    marks = get_args(model.Mark)
    mark = choice("What is drawn.", marks, code="unknown_mark")
    return map_of(
        "A chart, in a subset of Vega-Lite: one mark, or layers of marks. What would not be drawn is refused.",
        mark=choice(_MARK_LEFT_OUT, marks, code="unknown_mark"),
        encoding=encoding,
        layer=list_of(
            "Marks over each other, the first one lowest.",
            requiring("mark", map_of("One mark.", mark=mark, encoding=encoding)),
            at_least=1,
            at_most=LAYERS_MAX,
        ),
        height=whole("Pixels; of a table while it has no rows. Default: 240.", HEIGHT_PX_LEAST, HEIGHT_PX_MOST),
    )


def _position() -> Schema:
    return map_of(
        "A position, `x` or `y`.",
        field=text(_FIELD),
        type=choice("How values are placed. Default: by the column's type. `ordinal` sorts names.", _TYPES),
        title=ref(
            "text", "Beside the axis, or what a layer is called where several share the axis; a rule's words. Default: the column's label."
        ),
        format=ref("format"),
        scale=map_of(
            "The scale of a quantity.",
            zero={"type": "boolean", "description": "Whether it includes zero. Bars, and areas without `y2`, always do."},
            type=choice("Its kind. Default: what the values need; of quantities `linear`.", ("linear", "log", "time", "band")),
        ),
        axis={"type": ["boolean", "null"], "description": "`false` or `null` hides the axis: its labels, lines and title."},
        sort=choice("The order of names; `none` is that of the rows.", ("ascending", "descending", "none")),
        value={"type": ["number", "string"], "description": "Where a rule stands: a number; on an axis of times a date, of names a name."},
    )


def _color() -> Schema:
    return map_of(
        "What colours tell apart.",
        field=text("A column of names."),
        type=choice("What the column holds. `ordinal` sorts by value; else the largest comes first.", ("nominal", "ordinal", "temporal")),
        title=ref("text", "Before the legend, which then is shown however wide the panel is."),
        format=ref("format"),
        legend={"type": ["boolean", "null"], "description": "`false` or `null` hides the names, in a legend and at the ends of lines."},
        sort=choice("The order of series; `none` puts the largest first.", ("ascending", "descending", "none")),
        value=choice("One colour for all, instead of a field.", model.COLORS),
    )


def _size() -> Schema:
    return map_of(
        "Of points, their surface. Of rules with only `x`: marks stand where it is true or above zero.",
        field=text("A column of quantities; for rules also of truth values."),
        type=choice("What the column holds; saying it changes nothing.", ("quantitative",)),
        title=ref("text", f"In the legend and the tooltip; a rule's words. {_LABEL}"),
        format=ref("format"),
        scale=map_of(
            "How values become surfaces.",
            zero={"type": "boolean", "description": "Whether the smallest dot is zero. Default: true."},
            type=choice("Its kind. Default: `linear`.", ("linear", "log")),
        ),
        legend={"type": ["boolean", "null"], "description": "`false` or `null` hides what the largest dot stands for."},
        value={
            "type": "number",
            "minimum": 1,
            "maximum": DOT_PX2_MAX,
            "description": "The surface of every dot in square pixels, instead of a field.",
        },
    )
