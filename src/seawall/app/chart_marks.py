"""What each mark draws of its channels. The rest is refused."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.app.chart_channels import check_place
from seawall.app.chart_columns import Kind
from seawall.app.chart_layer import Checked
from seawall.app.model import Channel
from seawall.app.styles import HOLDS
from seawall.app.yaml_tree import Node

DRAWN = ("line", "bar", "area", "point", "rule")
_CHANNELS: dict[str, tuple[Channel, ...]] = {
    "line": ("x", "y", "color", "tooltip"),
    "bar": ("x", "x2", "y", "y2", "color", "tooltip"),
    "area": ("x", "y", "y2", "color", "tooltip"),
    "point": ("x", "y", "color", "size", "tooltip"),
    "rule": ("x", "x2", "y", "y2", "color", "size", "tooltip"),
    "number": ("y",),
    "table": (),
}
_INSTEAD = {
    ("line", "y2"): "Draw the range as a layer of its own, `mark: area`",
    ("line", "x2"): "Draw ranges with `mark: rule` or `mark: bar`",
    ("area", "x2"): "Write the range as `y` and `y2`",
    ("point", "y2"): "Draw the range as a layer of its own, `mark: rule`",
    ("point", "x2"): "Draw the range as a layer of its own, `mark: rule`",
    ("number", "x"): "Remove it; `by` and `compare` say which period is told",
    ("number", "color"): "Remove it; a metric's `better` decides the colour",
}


def check_layer(checked: Checked) -> None:
    """One layer by itself."""
    _check_known(checked)
    if checked.mark == "number":
        _check_number(checked)
    if checked.mark not in DRAWN or not checked.asked.complete or has_unknown(checked):
        return
    if checked.mark == "rule":
        _check_rule(checked)
        return
    _check_quantity(checked)
    _check_range(checked)
    check_from_zero(checked, [checked])


def _check_known(checked: Checked) -> None:
    known = _CHANNELS[checked.mark]
    for channel, node in checked.channels.items():
        if channel in known:
            continue
        expected = ", ".join(f"`{each}`" for each in known) if known else "no `encoding`: a table shows every column of the panel"
        default = "Remove it" if channel != "size" else "Remove it, or choose `mark: point`"
        fix = _INSTEAD.get((checked.mark, channel), default)
        checked.refuse(node, f"{checked.a_mark} has no `{channel}`", expected=expected, got=channel, fix=fix)


def _check_number(checked: Checked) -> None:
    node = checked.channels.get("y")
    for key, child in node.entries().items() if node is not None else ():
        if key not in ("field", "format"):
            checked.refuse(child, f"A number has no `{key}`", expected="`field` and `format`", got=key, fix="Remove it")
    name = checked.columns.y
    if node is not None and checked.holds(name) is not None and not checked.is_metric(name):
        checked.refuse(node.entries().get("field", node), "A number tells a metric", expected="a metric of the panel", got=name)


def has_unknown(checked: Checked) -> bool:
    """Whether some channel names a column that is not there: that was reported."""
    encodings = [each for found in checked.layer.encoding.values() for each in found]
    return any(each.field and checked.holds(each.field) is None for each in encodings) or _is_broken(checked)


def _is_broken(checked: Checked) -> bool:
    return "encoding" in checked.node.broken or any(node.broken for node in checked.channels.values())


# ── one layer ────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_quantity(checked: Checked) -> None:
    """Marks stand at a quantity: up the chart, or along it when names are up the side."""
    if checked.is_constant("x") or checked.is_constant("y"):
        return
    mark, x, y = checked.mark, checked.x, checked.y
    if x is None:
        fix = "Add `by`, or choose `mark: number`"
        checked.refuse(
            checked.channels.get("y", checked.node), f"{checked.a_mark} runs along something, and the panel has no `by`", fix=fix
        )
        return
    if y == "number" or (checked.lies and _lies_well(checked)):
        return
    expected = "a quantity on `y`" + (", or names on `y` and a quantity on `x`" if mark in ("bar", "point") else "")
    fix = "Change `x` and `y`" if x == "number" and mark in ("line", "area") else "Put a metric on `y`"
    if mark == "bar" and checked.lies:
        fix = "Add `x2`, where each bar ends"
    got = f"{HOLDS[y]} on `y`" if y is not None else "nothing on `y`"
    at = checked.channels.get("y") or checked.channels.get("x") or checked.node
    checked.refuse(at, f"{checked.a_mark} has no quantity to show", expected=expected, got=got, fix=fix)


def _lies_well(checked: Checked) -> bool:
    if checked.mark == "bar":
        return checked.x == "number" or "x2" in checked.channels
    return checked.mark == "point"


def _check_range(checked: Checked) -> None:
    x2, y2 = checked.channels.get("x2"), checked.channels.get("y2")
    known = _CHANNELS[checked.mark]
    if x2 is not None and y2 is not None and "x2" in known:
        detail = f"{checked.a_mark} is a range along `x` or along `y`, not both"
        checked.refuse(y2, detail, expected="`x2` or `y2`", got="both", fix="Remove one of them")
        return
    if x2 is not None and "x2" in known:
        _check_end(checked, "x", "x2", x2, checked.x)
    if y2 is not None and "y2" in known:
        _check_end(checked, "y", "y2", y2, checked.y)


def _check_end(checked: Checked, begin: Channel, end: Channel, node: Node, kind: Kind | None) -> None:
    """Both ends of a range hold the same, and not names."""
    if begin not in checked.channels or kind is None:
        return
    encoding = checked.encoding(end)
    other = checked.holds(encoding.field) if encoding is not None and encoding.field else kind
    if kind == "category":
        checked.refuse(node, f"`{begin}` holds names, which have no ranges", expected="a quantity or times", fix=f"Remove `{end}`")
    elif other is not None and other != kind:
        checked.refuse(
            node, f"`{begin}` holds {HOLDS[kind]} and `{end}` {HOLDS[other]}", expected=f"{HOLDS[kind]} on both", got=HOLDS[other]
        )
    else:
        check_place(checked, end, kind)
        _check_called(checked, begin, node)


def _check_called(checked: Checked, begin: Channel, other: Node) -> None:
    """A range, or a mark on the axis, has one name: the title of where it begins."""
    first, second = checked.channels[begin].get("title"), other.get("title")
    stands_alone = checked.mark == "bar" and begin == "x" and not checked.lies
    if first is not None and second is not None and not stands_alone:
        detail = f"It is called by the title of `{begin}`"
        checked.refuse(second, detail, expected="one title", got="two", fix="Remove one of them")


def check_from_zero(checked: Checked, drawn: Sequence[Checked]) -> None:
    """The quantity's axis begins at zero as soon as one layer is bars or a surface from zero."""
    channel: Channel = "x" if checked.lies else "y"
    node = checked.channels.get(channel)
    scale = node.get("scale") if node is not None else None
    plain = next((each for each in drawn if each.is_plain), None)
    if scale is None or plain is None or (len(drawn) > 1 and checked.is_plain):
        return
    zero = scale.get("zero")
    what, size = ("Bars begin", "their length") if plain.mark == "bar" else ("A surface begins", "its height")
    fix = "Remove it, or choose `mark: point` or `mark: line`"
    if zero is not None and zero.value is False:
        checked.refuse(zero, f"{what} at zero: {size} is what is seen", expected="`zero: true`", got="false", fix=fix)
    if scale.word("type") == "log":
        checked.refuse(scale.entries()["type"], f"{what} at zero, which a logarithmic scale has not", expected="linear", got="log", fix=fix)


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_rule(checked: Checked) -> None:
    fixed: list[Channel] = [channel for channel in ("x", "y") if checked.is_constant(channel)]
    if fixed:
        _check_reference(checked, fixed[0])
        return
    if not {"x", "y"} & set(checked.channels):
        return
    _check_range(checked)
    ranged = {"x2", "y2"} & set(checked.channels)
    size, y = checked.channels.get("size"), checked.channels.get("y")
    if {"x", "y"} <= set(checked.channels) and not ranged:
        detail = "A rule with both `x` and `y` has no length"
        checked.refuse(y or checked.node, detail, expected="`x2` or `y2`", fix="Add one of them, remove `y`, or choose `mark: point`")
    if size is not None and not checked.is_flags:
        detail = "`size` chooses among marks on the axis, and this rule has `y`"
        checked.refuse(size, detail, expected="`x` and `size`", fix="Remove `size`, or choose `mark: point`")
    if size is not None and checked.is_flags:
        _check_called(checked, "x" if "x" in checked.channels else "y", size)
    if size is not None and checked.is_constant("size"):
        checked.refuse(size, "A rule's `size` chooses where marks stand", expected="a column", fix="Write `field: …`, or remove it")
    if "y2" in checked.channels and checked.x is None:
        checked.refuse(checked.channels["y2"], "These ranges stand nowhere", expected="`x`, or an entry in `by`", fix="Add `x`")
    if checked.y == "time" and y is not None:
        checked.refuse(y, "Times run along `x`", expected="a quantity or names", got="times", fix="Write `x` instead of `y`")
    title = y.get("title") if y is not None and checked.y == "number" and "x2" in checked.channels else None
    if title is not None:
        checked.refuse(title, "A rule along `x` is called by the title of `x`", expected="a title of `x`", fix="Move it there")


def _check_reference(checked: Checked, channel: Channel) -> None:
    """A rule at a constant says nothing of the rows."""
    for other, node in checked.channels.items():
        if other == channel or (other == "color" and checked.is_constant("color")):
            continue
        detail = f"A rule at a constant `{channel}` goes all the way"
        checked.refuse(node, detail, expected=f"`{channel}`, and `color` with a `value`", got=other, fix="Remove it, or give it a layer")
