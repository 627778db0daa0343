"""What a channel's keys mean for the column it shows. A key that would change nothing is refused."""

from __future__ import annotations

from datetime import date
from typing import cast

from seawall.app.chart_columns import Kind
from seawall.app.chart_layer import KINDS, Checked
from seawall.app.model import Channel
from seawall.app.styles import HOLDS, wrong_formats
from seawall.app.yaml_tree import Node

_BESIDE_VALUE: dict[str, tuple[str, ...]] = {"x": ("title", "format"), "y": ("title", "format"), "x2": ("title",), "y2": ("title",)}
"""What else may be said of a constant; of the others nothing."""
_SCALES: dict[Kind, tuple[str, ...]] = {"number": ("linear", "log"), "time": ("time",), "category": ("band",)}


def check_channels(checked: Checked) -> None:
    """Every channel of a layer by itself."""
    for channel, node in checked.channels.items():
        for item in node.items():
            _check(checked, cast(Channel, channel), item)


def _check(checked: Checked, channel: Channel, node: Node) -> None:
    if node.get("value") is not None:
        _check_constant(checked, channel, node)
        return
    name = checked_name(checked, node)
    kind = checked.holds(name)
    if kind is None or not checked.asked.complete:
        return
    _check_type(checked, channel, node, name, kind)
    shown = KINDS.get(node.word("type")) or kind
    _check_format(checked, node, kind)
    if channel in ("x", "y"):
        _check_scale(checked, node, shown)
        _check_sort(checked, node, shown)
    if channel == "size":
        _check_size(checked, node, kind)


def checked_name(checked: Checked, node: Node) -> str:
    """The column a channel names, as the panel calls it."""
    written = node.word("field")
    return written if written in checked.asked.columns else written.rpartition(".")[2]


def _check_constant(checked: Checked, channel: Channel, node: Node) -> None:
    if channel in ("x", "y") and checked.mark != "rule":
        fix = f"Write `field: …`, or draw the constant as a layer of its own: `mark: rule, encoding: {{{channel}: {{value: …}}}}`"
        checked.refuse(node.entries()["value"], f"{checked.a_mark} does not stand at a constant", expected="a column", fix=fix)
    known = ("value", *_BESIDE_VALUE.get(channel, ()))
    for key in node.entries():
        if key not in (*known, "field"):
            checked.refuse(
                node.entries()[key],
                f"`{key}` means nothing beside `value`",
                expected=" or ".join(f"`{each}`" for each in known),
                got=key,
                fix=f"Remove `{key}`, or write `field` instead of `value`",
            )


def check_place(checked: Checked, channel: Channel, kind: Kind | None) -> None:
    """Whether a constant can lie on an axis of this kind, and be written as it says."""
    node = checked.channels.get(channel)
    value = node.get("value") if node is not None else None
    if node is None or value is None or kind is None:
        return
    _check_format(checked, node, kind)
    fits = isinstance(value.value, int | float) if kind == "number" else _is_date(value.value)
    if not fits and kind != "category":
        expected = "a number" if kind == "number" else "a date such as `2017-05-29`"
        checked.refuse(value, f"`{channel}` holds {HOLDS[kind]}, and this is none of them", expected=expected, got=value.value)


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _check_type(checked: Checked, channel: Channel, node: Node, name: str, kind: Kind) -> None:
    written = node.get("type")
    asked = KINDS.get(written.text()) if written is not None else None
    if channel == "color" and kind == "number" and asked is None and checked.is_metric(name):
        fix = "Choose an entry of `by`, or write `type: nominal` to give each value a colour"
        checked.refuse(node.entries()["field"], "Colours tell names apart, not quantities", expected="a column of names", got=name, fix=fix)
    if written is None or asked is None or asked == kind or (asked == "category" and channel not in ("tooltip", "size")):
        return
    fitting = [word for word, each in KINDS.items() if each == kind or (each == "category" and channel not in ("tooltip", "size"))]
    detail = f"`{name}` holds {HOLDS[kind]}"
    checked.refuse(written, detail, expected=" or ".join(fitting), got=written.text(), fix="Remove `type`, or choose another column")


def _check_format(checked: Checked, node: Node, kind: Kind) -> None:
    for wrong in wrong_formats(node.get("format"), kind):
        checked.refuse(wrong.at, wrong.detail, expected=wrong.expected, got=wrong.got, fix=wrong.fix)


def _check_scale(checked: Checked, node: Node, kind: Kind) -> None:
    scale = node.get("scale")
    if scale is None or scale.value is None:
        return
    written, zero = scale.get("type"), scale.get("zero")
    if written is not None and written.text() not in _SCALES[kind]:
        needs = "quantitative" if written.text() in ("linear", "log") else "temporal" if written.text() == "time" else "nominal"
        expected = " or ".join(_SCALES[kind])
        fix = f"Remove it; a {written.text()} scale needs a column of `type: {needs}`"
        checked.refuse(written, f"The column holds {HOLDS[kind]}", expected=expected, got=written.text(), fix=fix)
    if zero is not None and kind != "number":
        checked.refuse(zero, f"The column holds {HOLDS[kind]}, which have no zero", expected="a quantity", fix="Remove it")
    _check_log(checked, scale)


def _check_log(checked: Checked, scale: Node) -> None:
    zero = scale.get("zero")
    if scale.word("type") == "log" and zero is not None and zero.value is True:
        checked.refuse(zero, "A logarithmic scale never reaches zero", expected="`zero: false`", got="true", fix="Remove `zero` or `type`")


def _check_sort(checked: Checked, node: Node, kind: Kind) -> None:
    sort = node.get("sort")
    if sort is not None and kind != "category":
        detail = f"`sort` orders names, and the column holds {HOLDS[kind]}"
        checked.refuse(sort, detail, expected="a column of names", got=sort.text(), fix="Remove it; the panel's `order` sorts rows")


def _check_size(checked: Checked, node: Node, kind: Kind) -> None:
    scale = node.get("scale")
    if checked.mark == "point":
        if kind != "number":
            expected = "a metric or another column of numbers"
            checked.refuse(node.entries()["field"], "The surface of a dot tells a quantity", expected=expected, got=HOLDS[kind])
        if scale is not None:
            _check_log(checked, scale)
        return
    for key in ("format", "scale", "legend"):
        if key in node.entries():
            detail = f"A rule's `size` only chooses where marks stand; `{key}` means nothing there"
            checked.refuse(node.entries()[key], detail, expected="`field` and `title`", got=key, fix="Remove it")
