"""Texts in several languages and number formats, read from shaped nodes."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from seawall.app.model import DEFAULT_LOCALE, DataType, Format, Text
from seawall.app.yaml_tree import Node

_STYLES: dict[str, str] = {
    "Integer": "integer",
    "Decimal": "number",
    "Float": "number",
    "Date": "date",
    "DateTime": "datetime",
    "DateTimeTz": "datetime",
}


def text_of(node: Node | None, default: str = "") -> Text:
    """A text, plain (English) or by language; `default` in English when absent or blank."""
    if node is None:
        written = {}
    elif isinstance(node.value, dict):
        written = {locale: child.text() for locale, child in node.value.items()}
    else:
        written = {DEFAULT_LOCALE: node.text()}
    said = {locale: text for locale, text in written.items() if text.strip()}
    return Text(said or ({DEFAULT_LOCALE: default} if default else {}))


def spoken(name: str) -> str:
    """A name as a title: `net_sales` → `Net sales`."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def format_of(node: Node | None, datatype: DataType = "Opaque") -> Format:
    """A format as written, else the one that fits the type."""
    default = cast(Any, _STYLES.get(datatype, "text"))
    if node is None or node.value is None:
        return Format(style=default)
    if isinstance(node.value, str):
        return Format(style=cast(Any, node.value))
    known = {key: child.value for key, child in node.entries().items() if key in Format.__struct_fields__ and child.value is not None}
    return msgspec.convert({"style": default if default != "text" else "number", **known, "decimals": node.whole("decimals")}, Format)
