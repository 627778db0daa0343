"""What layers over one pair of axes can share, and what they say once for all of them. The rest is refused."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.app.chart_channels import check_place
from seawall.app.chart_columns import Kind
from seawall.app.chart_layer import Checked
from seawall.app.chart_marks import DRAWN, check_from_zero, has_unknown
from seawall.app.styles import HOLDS
from seawall.app.yaml_tree import Node

_ORDER = {"x": ("title", "format", "axis", "sort"), "y": ("axis", "sort"), "color": ("title", "sort")}
"""What layers say once for all of them."""


def check_together(layers: Sequence[Checked]) -> None:
    """All layers of one chart: they share their axes."""
    drawn = [each for each in layers if each.mark in DRAWN and each.channels]
    if not drawn or any(not each.asked.complete or has_unknown(each) for each in drawn):
        return
    _check_said_once(drawn)
    _check_kinds(drawn)
    if len(drawn) > 1:
        for each in drawn:
            check_from_zero(each, drawn)


def _check_said_once(drawn: Sequence[Checked]) -> None:
    """What belongs to a shared axis or legend is said once, or everywhere the same."""
    for channel, keys in _ORDER.items():
        speakers = [each for each in drawn if channel in each.channels and not _stands(each, channel)]
        for key in keys:
            silent = key == "title" and channel == "x"
            _same(channel, key, [(each, each.channels[channel].get(key)) for each in speakers if not (silent and each.is_called_by_x)])
        for key in ("zero", "type") if channel != "color" else ():
            scales = [(each, each.channels[channel].get("scale")) for each in speakers]
            _same(channel, f"scale.{key}", [(each, scale.get(key) if scale is not None else None) for each, scale in scales])


def _stands(checked: Checked, channel: str) -> bool:
    return channel != "color" and checked.channels[channel].get("value") is not None


def _same(channel: str, key: str, said: Sequence[tuple[Checked, Node | None]]) -> None:
    first: Node | None = None
    for checked, node in said:
        if node is None or (key == "format" and checked.lies):
            continue
        if first is not None and node.plain() != first.plain():
            shared = "legend" if channel == "color" else "axis"
            expected = f"what line {first.mark.line} says, or nothing"
            checked.refuse(
                node, f"The layers share one {shared}, and `{key}` of `{channel}` is said differently", expected=expected, fix="Remove one"
            )
        first = first or node


def _check_kinds(drawn: Sequence[Checked]) -> None:
    """Layers over each other have the same kinds of axes."""
    lies = any(each.lies for each in drawn)
    placed = [each for each in drawn if not (each.is_constant("x") or each.is_constant("y"))]
    if not placed:
        fix = "Add a layer that draws the panel's rows"
        drawn[0].refuse(drawn[0].channels.get("y") or drawn[0].channels["x"], "A constant alone tells nothing of the rows", fix=fix)
        return
    for each in placed:
        if lies and not each.lies:
            at = each.channels.get("y") or each.channels.get("x") or each.node
            expected = "names on `y`, as in the other layers"
            each.refuse(at, "The chart lies on its side, and this layer does not", expected=expected, fix="Change `x` and `y`")
            return
    for channel, kinds in (("x", [(each, each.x) for each in placed]), ("y", [(each, each.y) for each in placed])):
        first = next((kind for _, kind in kinds if kind is not None), None)
        _check_same_kind(channel, first, [(each, kind) for each, kind in kinds if kind is not None and channel in each.channels])
        for each in drawn:
            if each.is_constant("x" if channel == "x" else "y"):
                check_place(each, "x" if channel == "x" else "y", first)


def _check_same_kind(channel: str, first: Kind | None, kinds: Sequence[tuple[Checked, Kind]]) -> None:
    for each, kind in kinds:
        if first is not None and kind != first:
            detail = f"The layers share one axis, and `{channel}` holds {HOLDS[kind]} here and {HOLDS[first]} in another"
            each.refuse(each.channels[channel], detail, expected=HOLDS[first], got=HOLDS[kind], fix="Write the same `type` in every layer")
            return
