"""Charts, a Vega-Lite subset → Chart. Channels left out are filled from the panel's columns.

Every key that is accepted here is drawn by `ui/charts`; `chart_channels.py`, `chart_marks.py` and `chart_together.py` refuse what
would not be.
"""

from __future__ import annotations

from typing import Any, cast

from seawall.app.chart_channels import check_channels
from seawall.app.chart_layer import Checked
from seawall.app.chart_marks import DRAWN, check_layer
from seawall.app.chart_together import check_together
from seawall.app.model import Chart, Encoding, Layer, MetricQuery
from seawall.app.queries import Asked
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.words import format_of, text_of
from seawall.app.yaml_tree import Node

HEIGHT_PX = 240
DIMENSIONS_DRAWN = 2
"""So many of `by` a chart shows that says nothing of its channels."""


def read_chart(node: Node | None, panel: Node, asked: Asked, words: Vocabulary) -> Chart:
    """The chart of a panel; the one that suits its columns when none is written."""
    rows = not isinstance(asked.query, MetricQuery)
    if node is None:
        return Chart((_default_layer(asked),))
    height_px = node.whole("height") or HEIGHT_PX
    layers, mark = node.get("layer"), node.get("mark")
    if layers is not None and (mark is not None or node.get("encoding") is not None):
        words.report.add(
            node,
            "bad_chart",
            "A chart has either `layer` or `mark` and `encoding`",
            got="both",
            fix="Move the mark into the list of layers",
        )
    parts = layers.items() if layers is not None else [node]
    made = tuple(_layer(part, asked, words) for part in parts)
    _check_marks(node, [layer.mark for layer in made], rows, words)
    if not rows:
        _check_layers([Checked(part, layer, asked, words) for part, layer in zip(parts, made, strict=True) if "mark" not in part.broken])
    return Chart(made, height_px)


def _check_layers(layers: list[Checked]) -> None:
    for each in layers:
        check_channels(each)
        check_layer(each)
    check_together(layers)


def _check_marks(node: Node, marks: list[str], rows: bool, words: Vocabulary) -> None:
    if rows and any(mark != "table" for mark in marks):
        words.report.add(
            node, "bad_chart", "Rows of a dataset are shown as a table", expected="mark: table", got=", ".join(marks), fix="Remove `chart`"
        )
    height = node.get("height")
    if height is not None and marks == ["number"]:
        words.report.add(
            height.key_mark(),
            "bad_chart",
            "Numbers are all of one height, so that they stand in a row",
            where=height.where,
            got="height",
            fix="Remove `height`",
        )
    if len(marks) > 1 and any(mark in ("number", "table") for mark in marks):
        words.report.add(
            node,
            "bad_chart",
            "A number or a table cannot be a layer",
            expected="line, bar, area, point, rule",
            fix="Give it a panel of its own",
        )


def _default_layer(asked: Asked) -> Layer:
    if not isinstance(asked.query, MetricQuery):
        return Layer("table")
    if len(asked.query.metrics) > 1:
        return Layer("table")
    is_drawable = all(asked.columns.get(name) == "quantitative" for name in asked.query.metrics[:1])
    if asked.query.by and (len(asked.query.by) > DIMENSIONS_DRAWN or not is_drawable):
        return Layer("table")
    return Layer(cast(Any, _drawn_mark(asked.query)), _default_encoding(asked))


def _drawn_mark(query: MetricQuery) -> str:
    """What is drawn where nothing else is said."""
    return ("line" if query.by[0].grain else "bar") if query.by else "number"


def _mark_left_out(node: Node, asked: Asked) -> str:
    """The mark where none is written: channels ask for a drawing, which a table is not."""
    if node.get("encoding") is not None and isinstance(asked.query, MetricQuery):
        return _drawn_mark(asked.query)
    return _default_layer(asked).mark


def _default_encoding(asked: Asked) -> dict[Any, tuple[Encoding, ...]]:
    """x is the first of `by`, y the first metric, color the second of `by`."""
    if not isinstance(asked.query, MetricQuery):
        return {}
    by = [dimension.name for dimension in asked.query.by]
    channels = {"x": by[:1], "y": list(asked.query.metrics[:1]), "color": by[1:2]}
    return {
        channel: (Encoding(field=found[0], type=cast(Any, asked.columns.get(found[0]))),) for channel, found in channels.items() if found
    }


def _layer(node: Node, asked: Asked, words: Vocabulary) -> Layer:
    mark = node.get("mark")
    name = mark.text() if mark is not None else _mark_left_out(node, asked)
    encoding = node.get("encoding")
    if encoding is None:
        if name == "rule":
            words.report.add(node, "bad_chart", "A rule has neither `x` nor `y`", expected="`x`, `y` or both", fix="Add `encoding`")
        return Layer(cast(Any, name), {} if name == "table" else _default_encoding(asked))
    channels: dict[Any, tuple[Encoding, ...]] = {}
    for channel, child in encoding.entries().items():
        channels[channel] = tuple(_encoding(channel, item, asked, words) for item in child.items())
    if "mark" not in node.broken:
        _check_channels(encoding, name, words)
    return Layer(cast(Any, name), channels)


def _check_channels(node: Node, mark: str, words: Vocabulary) -> None:
    channels = node.entries()
    for second, first in (("x2", "x"), ("y2", "y")):
        if second in channels and first not in channels:
            words.report.add(
                channels[second].key_mark(),
                "bad_chart",
                f"`{second}` ends a range that no `{first}` begins",
                where=node.where,
                fix=f"Add `{first}`",
            )
    if mark in DRAWN and "x" not in channels and "y" not in channels:
        words.report.add(
            node, "bad_chart", f"A {mark} has neither `x` nor `y`", expected="`x`, `y` or both", fix="Add them, or leave `encoding` out"
        )


def _encoding(channel: str, node: Node, asked: Asked, words: Vocabulary) -> Encoding:
    field_node, value = node.get("field"), node.get("value")
    if (field_node is None) == (value is None) and not {"field", "value"} & set(node.broken):
        words.report.add(
            node,
            "bad_chart",
            "A channel has either `field` or `value`",
            got="neither" if value is None else "both",
            fix="Write one of them",
        )
    name = _column(field_node, asked, words) if field_node is not None else ""
    scale, axis, legend, kind = node.get("scale"), node.get("axis"), node.get("legend"), node.get("type")
    values = kind.text() if kind else asked.columns.get(name)
    ordered = values == "ordinal" or (channel == "color" and values == "temporal")
    zero = scale.get("zero") if scale else None
    scale_type = scale.get("type") if scale else None
    return Encoding(
        field=name,
        type=cast(Any, values),
        title=text_of(title) if (title := node.get("title")) is not None else None,
        format=format_of(shape) if (shape := node.get("format")) is not None else None,
        scale_zero=bool(zero.value) if zero is not None else None,
        scale_type=cast(Any, scale_type.text()) if scale_type is not None else None,
        axis=axis is None or bool(axis.value),
        legend=legend is None or bool(legend.value),
        sort=cast(Any, sort.text()) if (sort := node.get("sort")) is not None else "ascending" if ordered else "none",
        value=_constant(value.value) if value is not None else None,
    )


def _constant(value: object) -> float | str | None:
    return value if isinstance(value, str | int | float) else None


def _column(node: Node, asked: Asked, words: Vocabulary) -> str:
    """A column of the panel, by its own name or as the field it came from."""
    name = node.text()
    if name in asked.columns:
        return name
    if isinstance(asked.query, MetricQuery):
        for dimension in asked.query.by:
            if name == dimension.field or (dimension.field and name == dimension.field.partition(".")[2]):
                return dimension.name
    if not asked.complete and words.means_column(name):
        return name
    expected = "one of " + ", ".join(f"`{column}`" for column in asked.columns) if asked.columns else ""
    words.report.add(
        node,
        "unknown_column",
        f"The panel has no column `{name[:80]}`",
        expected=expected,
        got=name,
        fix=suggestion(name, asked.columns) if asked.columns else "",
    )
    return name
