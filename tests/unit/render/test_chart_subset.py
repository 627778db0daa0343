"""Whatever the schema accepts of a chart is drawn: the schema is walked, mark by mark, channel by channel, key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.render.factory import context
from tests.unit.render.subset import DEFINITIONS, drawn, plain, read, rows

from seawall.app.model import Encoding
from seawall.ui.render.panel import panel_fragment

ACCENT = {"value": "accent"}
WEEK, REVENUE, LOW, HIGH, REGION = ({"field": name} for name in ("week", "revenue", "low", "high", "region"))
ENDED, COST, PROMOTED = {"field": "ended"}, {"field": "cost"}, {"field": "promoted"}
LINE = {"mark": "line", "encoding": {"x": WEEK, "y": REVENUE, "color": ACCENT}}
BARS = {"mark": "bar", "encoding": {"x": REVENUE, "y": REGION, "color": ACCENT}}

SOUND: dict[str, dict[str, Any]] = {
    "lines": {"mark": "line", "encoding": {"x": WEEK, "y": REVENUE, "color": REGION}},
    "a line": LINE,
    "a line over names": {"mark": "line", "encoding": {"x": REGION, "y": REVENUE, "color": ACCENT}},
    "a line over a quantity": {"mark": "line", "encoding": {"x": COST, "y": REVENUE, "color": ACCENT}},
    "stacked bars": {"mark": "bar", "encoding": {"x": WEEK, "y": REVENUE, "color": REGION}},
    "bars over names": {"mark": "bar", "encoding": {"x": REGION, "y": REVENUE, "color": ACCENT}},
    "bars over a quantity": {"mark": "bar", "encoding": {"x": COST, "y": REVENUE, "color": ACCENT}},
    "bars as wide as a time": {"mark": "bar", "encoding": {"x": WEEK, "x2": ENDED, "y": REVENUE, "color": ACCENT}},
    "bars as wide as a quantity": {"mark": "bar", "encoding": {"x": LOW, "x2": HIGH, "y": REVENUE, "color": ACCENT}},
    "ranges": {"mark": "bar", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH, "color": REGION}},
    "bars on their side": BARS,
    "stacked bars on their side": {"mark": "bar", "encoding": {"x": REVENUE, "y": {"field": "week", "type": "nominal"}, "color": REGION}},
    "ranges on their side": {"mark": "bar", "encoding": {"x": LOW, "x2": HIGH, "y": REGION, "color": ACCENT}},
    "times on their side": {"mark": "bar", "encoding": {"x": WEEK, "x2": ENDED, "y": REGION, "color": ACCENT}},
    "surfaces": {"mark": "area", "encoding": {"x": WEEK, "y": REVENUE, "color": REGION}},
    "a band": {"mark": "area", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH, "color": ACCENT}},
    "bands": {"mark": "area", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH, "color": REGION}},
    "dots over time": {"mark": "point", "encoding": {"x": WEEK, "y": REVENUE, "color": REGION, "size": COST}},
    "a cloud": {"mark": "point", "encoding": {"x": COST, "y": REVENUE, "color": REGION, "size": HIGH}},
    "dots beside names": {"mark": "point", "encoding": {"x": REVENUE, "y": REGION, "color": ACCENT, "size": COST}},
    "dots of times beside names": {"mark": "point", "encoding": {"x": ENDED, "y": REGION, "color": ACCENT}},
    "references": {"mark": "rule", "encoding": {"y": REVENUE}},
    "marks on the axis": {"mark": "rule", "encoding": {"x": {"field": "week", "title": "Sale"}}},
    "ranges on the axis": {"mark": "rule", "encoding": {"x": WEEK, "x2": ENDED}},
    "chosen marks on the axis": {"mark": "rule", "encoding": {"x": {"field": "week", "title": "Sale"}, "size": PROMOTED}},
    "marks beside names": {"mark": "rule", "encoding": {"y": {"field": "region", "title": "Sale"}}},
    "error bars": {"mark": "rule", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH}},
    "coloured error bars": {"mark": "rule", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH, "color": REGION}},
    "error bars on their side": {"mark": "rule", "encoding": {"x": LOW, "x2": HIGH, "y": REGION}},
    "ranges at a height": {"mark": "rule", "encoding": {"x": WEEK, "x2": ENDED, "y": REVENUE}},
    "a number": {"mark": "number", "encoding": {"y": REVENUE}},
    "a table": {"mark": "table"},
}
"""Every form a mark has, by itself."""

OVER: dict[str, list[dict[str, Any]]] = {
    "a line across": [LINE, {"mark": "rule", "encoding": {"y": {"value": 90}}}],
    "a line down": [LINE, {"mark": "rule", "encoding": {"x": {"value": "2017-01-13"}}}],
    "a line over bars on their side": [BARS, {"mark": "rule", "encoding": {"x": {"value": 200}}}],
    "a line along bars on their side": [BARS, {"mark": "rule", "encoding": {"y": {"value": "East"}}}],
    "two lines": [LINE, {"mark": "line", "encoding": {"x": WEEK, "y": COST, "color": ACCENT}}],
    "dots over bars on their side": [BARS, {"mark": "point", "encoding": {"x": COST, "y": REGION, "color": ACCENT}}],
    "a band under a line": [{"mark": "area", "encoding": {"x": WEEK, "y": LOW, "y2": HIGH, "color": ACCENT}}, LINE],
}
"""Layers over each other; the last one is changed."""

ADDED = {"x": WEEK, "x2": ENDED, "y": COST, "y2": HIGH, "color": REGION, "size": COST}
"""What is written on a channel that a chart does not have."""
VALUES: dict[str, list[Any]] = {
    "field": ["cost", "region"],
    "title": ["Words of its own"],
    "format": ["percent", "month", {"style": "currency", "currency": "EUR"}],
    "value": [77, "2017-01-20", "South", "green", "grey"],
}
"""What is tried where the schema lists no values."""
FREE = ("title", "format", "field", "value")
"""Keys of which no value is what would be drawn anyway."""


def keys_of(definition: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Every key of a channel with the values to try: `title`, `scale.zero`."""
    for name, schema in definition["properties"].items():
        if "properties" in schema:
            yield from keys_of(schema, f"{name}.")
        elif "enum" in schema and name != "value":
            yield prefix + name, schema["enum"]
        elif "boolean" in schema.get("type", ()):
            yield prefix + name, [True, False]
        else:
            yield prefix + name, VALUES[name]


def channels() -> dict[str, dict[str, Any]]:
    """The channels the schema knows."""
    known = DEFINITIONS["chart"]["properties"]["encoding"]["properties"]
    return {
        name: DEFINITIONS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else DEFINITIONS[name] for name, schema in known.items()
    }


def free_columns(encoding: dict[str, Any]) -> list[str]:
    """Columns that are on no channel: a tooltip tells the others anyway."""
    used = {channel.get("field") for channel in encoding.values()}
    return [name for name in ("cost", "high", "revenue", "region", "ended", "low") if name not in used]


def channel_of(encoding: dict[str, Any], channel: str, mark: str) -> dict[str, Any]:
    """A channel as it is written, or as it could be added."""
    if channel == "tooltip":
        return {"field": free_columns(encoding)[0]}
    return dict(encoding.get(channel, PROMOTED if (channel, mark) == ("size", "rule") else ADDED[channel]))


def with_key(channel: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A channel with one key set; a constant and a column take each other's place."""
    made = {name: child for name, child in channel.items() if key not in ("value", "field") or name not in ("value", "field")}
    outer, _, inner = key.partition(".")
    made[outer] = {**made.get(outer, {}), inner: value} if inner else value
    return made


def unseen(written: dict[str, Any], layers: list[dict[str, Any]], draw: Callable[[dict[str, Any]], str] = drawn) -> Iterator[str]:
    """Keys of the last layer that are accepted and change nothing, although another value is what it has anyway."""

    def chart(encoding: dict[str, Any]) -> dict[str, Any]:
        last = {**written, "encoding": encoding} if encoding else {"mark": written["mark"]}
        return {"layer": [*layers, last]} if layers else last

    encoding = written.get("encoding", {})
    for channel, definition in channels().items():
        if channel not in encoding:
            added = chart({**encoding, channel: channel_of(encoding, channel, written["mark"])})
            if read(added)[1]:
                continue
            if draw(added) == draw(chart(encoding)):
                yield f"{channel} in {plain(added)}"
        plainly = channel_of(encoding, channel, written["mark"])
        base = chart({**encoding, channel: plainly})
        before = draw(base)
        for key, values in keys_of(definition):
            told = values if (channel, key) != ("tooltip", "field") else free_columns(encoding)
            tried = [(value, chart({**encoding, channel: with_key(plainly, key, value)})) for value in told]
            sound = [(value, each) for value, each in tried if each != base and not read(each)[1]]
            same = [value for value, each in sound if draw(each) == before]
            if len(same) > (key not in FREE):
                yield f"{channel}.{key}: {same} in {plain(base)}"


@pytest.mark.parametrize("name", SOUND)
def test_what_is_accepted_of_a_mark_changes_what_is_drawn(name: str) -> None:
    """Of every key of every channel at most one value leaves the picture as it is: the one it has anyway. The others are refused."""
    assert list(unseen(SOUND[name], [])) == []


@pytest.mark.parametrize("name", OVER)
def test_what_is_accepted_of_a_layer_changes_what_is_drawn(name: str) -> None:
    """The same of a layer over others, with which it shares its axes."""
    *below, last = OVER[name]
    assert list(unseen(last, below)) == []


@pytest.mark.parametrize("name", SOUND)
def test_every_form_of_a_mark_is_drawn(name: str) -> None:
    """None of them says that there is no data."""
    assert "No data" not in drawn(SOUND[name])


def forgetting(key: str) -> Callable[[dict[str, Any]], str]:
    """A drawing that does not know a key of channels, or a whole channel."""

    def draw(written: dict[str, Any]) -> str:
        panel, _ = read(written)
        layers = tuple(msgspec.structs.replace(each, encoding=_without(each.encoding, key)) for each in panel.chart.layers)
        known = msgspec.structs.replace(panel, chart=msgspec.structs.replace(panel.chart, layers=layers))
        return str(panel_fragment(known, rows(), context()))

    return draw


def _without(encoding: dict[Any, tuple[Encoding, ...]], key: str) -> dict[Any, tuple[Encoding, ...]]:
    if key not in Encoding.__struct_fields__:
        return {channel: found for channel, found in encoding.items() if channel != key}
    plain = getattr(Encoding(), key)
    return {channel: tuple(msgspec.structs.replace(each, **{key: plain}) for each in found) for channel, found in encoding.items()}


@pytest.mark.parametrize(
    ("key", "name"),
    [("legend", "lines"), ("axis", "bars on their side"), ("title", "a line"), ("format", "a cloud"), ("sort", "bars over names"),
     ("scale_zero", "a line"), ("scale_type", "a cloud"), ("x2", "ranges on their side"), ("size", "a cloud"), ("tooltip", "lines")],
)  # fmt: skip
def test_the_walk_notices_what_is_forgotten(key: str, name: str) -> None:
    """A drawing without one of the keys does not pass."""
    assert list(unseen(SOUND[name], [], forgetting(key)))
