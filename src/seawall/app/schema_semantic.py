"""What Seawall adds to semantic models: the schemas of its extensions, and of formats, which app.yaml uses too."""

from __future__ import annotations

from typing import get_args, get_type_hints

from seawall.app import model, names
from seawall.app.schema_parts import Schema, choice, map_of, ref, text, text_schema, union, whole


def format_schema() -> Schema:
    """How values are shown; also used in semantic models."""
    styles = get_args(get_type_hints(model.Format)["style"])
    return union(
        "How values are shown.",
        "a style like `percent`, or a mapping with `style`",
        choice("A style.", styles),
        map_of(
            "A style with details.",
            style=choice("What kind of value it is.", styles),
            currency=text("An ISO 4217 code, for the style `currency`.", pattern=names.CURRENCY, code="bad_value"),
            unit=text("A unit written after the value."),
            decimals=whole("How many decimals at most.", 0, 12),
            compact={"type": "boolean", "description": "1.2M rather than 1,234,567."},
        ),
    )


def extension_schemas() -> dict[str, Schema]:
    """What the JSON of a SEAWALL custom extension may hold, by what it extends."""
    words = ref("text")
    kinds = {
        "dataset": map_of(
            "A dataset.",
            engine=choice(
                "Where it is kept: in Parquet generations, or in Postgres, in the schema `app_NAME`.", ("warehouse", "operational")
            ),
            time=text("Its time field."),
            label=words,
        ),
        "field": map_of(
            "A field.",
            format=ref("format"),
            label=words,
            description=words,
            week_starts=choice("Where weeks are cut.", ("monday", "sunday", "saturday")),
        ),
        "metric": map_of(
            "A metric.", format=ref("format"), label=words, description=words, better=choice("Good news.", ("up", "down", "neither"))
        ),
        "relationship": map_of("A relationship.", preferred={"type": "boolean"}),
        "semantic_model": map_of("A semantic model."),
    }
    definitions = {"text": text_schema(), "format": format_schema()}
    return {kind: {**schema, "$defs": definitions} for kind, schema in kinds.items()}
