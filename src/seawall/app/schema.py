"""The JSON Schema of app.yaml: what `seawall check` holds an app to, and what editors complete from.

One schema serves both, so they cannot disagree. `x-code` names the fault that breaking a rule is reported as; other
readers ignore it. What a schema cannot say (names that must exist, keysets that must be unique) `check.py` adds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args, get_type_hints

from seawall.app import durations, model, names

Schema = dict[str, Any]

SCHEMA_ID = "https://seawall.dev/schemas/app.schema.json"
COLUMNS_MAX = 60
PANELS_MAX = 60
PAGES_MAX = 60
ROW_PANELS_MAX = 6
LIMIT_MAX = 10_000


def app_schema() -> Schema:
    """The schema, as JSON Schema 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Seawall app",
        **_requiring(
            "name roles policies pages",
            _map_of(
                "An app: who may see what, and the pages that show it.",
                name=_text("The app's name in URLs: `/{app}/{page}`.", pattern=names.APP, code="bad_name"),
                title=_ref("text", "The app's name for people. Default: made from `name`."),
                locales=_list_of(
                    "Languages the app is written in; the first is the default.",
                    _text("A language tag such as `en` or `de-AT`.", pattern=names.LOCALE, code="bad_value"),
                    at_least=1,
                    at_most=20,
                ),
                data=_map_of(
                    "Where its data comes from.",
                    prepare=_text(
                        "A data preparation that fills its tables. Without one, the data is already there.",
                        pattern=names.KEY,
                        code="bad_value",
                    ),
                ),
                roles=_named("Roles that users carry.", _ref("role"), at_least=1, at_most=100),
                policies=_named(
                    "Who may see what, a rule for each dataset. A dataset without one does not publish.", _ref("policy"), at_most=500
                ),
                pages=_named("Pages, by their name in the URL.", _ref("page"), at_least=1, at_most=PAGES_MAX, pattern=names.APP),
            ),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    return {"text": _text_schema(), **_access_definitions(), **_page_definitions(), **_query_definitions(), **_chart_definitions()}


def _access_definitions() -> Schema:
    return {
        "role": _map_of(
            "A role; `{}` is enough.",
            extends=_one_or_many("Roles it includes.", "a role or a list of roles"),
        ),
        "policy": _map_of(
            "The rule of one dataset; `{}` lets every role see every row.",
            roles=_list_of("Who may read the dataset at all. Default: every role.", _text("A role.")),
            rows=_list_of("Rows are visible where all of these hold.", _ref("row_policy"), at_most=20),
            mask={
                "description": "Fields hidden from everyone but the roles named.",
                "type": "object",
                "maxProperties": 200,
                "additionalProperties": _map_of(
                    "Who sees the field.", unless=_one_or_many("Roles that see it.", "a role or a list of roles")
                ),
            },
        ),
        "row_policy": _requiring(
            "member op",
            _map_of(
                "A typed condition on rows.",
                member=_text("A field of the dataset, or `dataset.field` of one it leads to."),
                op=_ref("operator"),
                attribute=_text(
                    "A claim about the user: `user.NAME`. Without it the user sees no row.", pattern=names.ATTRIBUTE, code="bad_attribute"
                ),
                value=_scalar("A constant to compare with."),
                values=_list_of("Constants, for `in` and `not_in`.", _scalar("A constant."), at_least=1, at_most=1000),
                unless=_one_or_many("Roles the condition does not apply to.", "a role or a list of roles"),
            ),
        ),
    }


def _page_definitions() -> Schema:
    return {
        "page": _requiring(
            "panels layout",
            _map_of(
                "A page of panels.",
                title=_ref("text", "Shown at the top and in the navigation. Default: made from the name."),
                description=_ref("text", "A sentence below the title."),
                filters=_named("Controls over the page's panels; values live in the URL.", _ref("filter"), at_most=20),
                panels=_named("Panels, by a name that is unique in the app.", _ref("panel"), at_least=1, at_most=PANELS_MAX),
                layout=_list_of(
                    "Rows of panel names, top to bottom; the panels of a row share its width.",
                    _list_of("One row.", _text("A panel's name."), at_least=1, at_most=ROW_PANELS_MAX),
                    at_least=1,
                    at_most=PANELS_MAX,
                ),
            ),
        ),
        "filter": _map_of(
            "A control.",
            field=_text("The field it filters. A `period` without one means each dataset's own time."),
            label=_ref("text", "Default: the field's label."),
            control=_choice("What users see. Default: `select`.", ("select", "multiselect", "text", "range", "period")),
            options=_whole("How many choices to offer at most. Default: 100.", 1, 1000),
        ),
    }


def _query_definitions() -> Schema:
    return {
        "panel": _map_of(
            "One answer: metrics by fields, or rows of a dataset.",
            title=_ref("text", "Default: made from the name."),
            description=_ref("text", "What it shows, for people and models."),
            metric=_text("One metric."),
            metrics=_list_of("Several metrics.", _text("A metric."), at_least=1, at_most=20),
            by=_union(
                "What to group by.",
                "a grain, a field, a mapping with `field` and `grain`, or a list of these",
                *_dimension_item()["anyOf"],
                {"type": "array", "items": _dimension_item(), "minItems": 1, "maxItems": 6},
            ),
            where=_list_of("Conditions, all of which must hold.", _ref("condition"), at_most=30),
            order=_list_of("Columns to sort by; a leading `-` sorts descending.", _text("A column."), at_least=1, at_most=10),
            limit=_whole("How many rows at most.", 1, LIMIT_MAX),
            last=_whole("Only the last N complete periods before the data's date.", 1, 1000),
            compare=_choice("Compare a big number with an earlier period.", ("previous", "year_ago")),
            finding=_choice("The headline sentence to make from the rows.", ("top_share", "latest_change", "peak", "largest_mover")),
            dataset=_text("Show rows of this dataset."),
            columns=_list_of("Fields to show. Default: all of the dataset's.", _text("A field."), at_least=1, at_most=COLUMNS_MAX),
            keyset=_list_of(
                "The sort, unique together, that pages are cut by; `-` sorts descending. Default: the primary key.",
                _text("A field."),
                at_least=1,
                at_most=6,
            ),
            count=_choice("Whether and how rows are counted. Default: `none`.", ("none", "estimate", "exact")),
            page_size=_whole("Rows on a page. Default: 100.", 1, 1000),
            filters=_list_of("The page's filters that touch it. Default: all whose field it can reach.", _text("A filter."), at_most=20),
            chart=_ref("chart", "How it is drawn. Default: a number, a line over time, or bars."),
            fresh_for=_duration("How long an answer over unchanged data counts as fresh. Default: 24h."),
            deadline=_duration("How long the panel may take before the next rung is shown."),
            on_outage=_ref("outage"),
        ),
        "operator": _choice("How to compare.", get_args(model.Operator), code="bad_condition"),
        "condition": _union(
            "A condition, `department != FUEL` or as a mapping.",
            "a text like `department != FUEL`, or a mapping with `field`, `op` and `value`",
            {"type": "string", "minLength": 1, "maxLength": 1000},
            _requiring(
                "op",
                _map_of(
                    "A condition.",
                    field=_text("A field. With `during`, it may be left out: each dataset's own time."),
                    op=_ref("operator"),
                    value=_scalar("What to compare with."),
                    values=_list_of("What to compare with, for `in` and `not_in`.", _scalar("A value."), at_least=1, at_most=1000),
                ),
            ),
        ),
        "outage": _map_of(
            "What may be shown when no fresh answer can be had.",
            serve=_choice("The first rung below fresh. Default: `stale`.", ("stale", "summary", "explanation")),
            max_age=_duration("How old a stale answer may be. Default: 24h."),
            **{"else": _choice("The rung after that. Default: `summary`.", ("summary", "explanation"))},
        ),
    }


def _dimension_item() -> Schema:
    mapping = _map_of(
        "A field cut to a grain.",
        field=_text("A field. Without one: each dataset's own time."),
        grain=_choice("The period to cut to.", names.GRAINS),
        **{"as": _text("The column's name. Default: the field's or the grain's.", pattern=names.KEY, code="bad_name")},
    )
    return _union("What to group by.", "a grain, a field, or a mapping with `field` and `grain`", _text("A grain or a field."), mapping)


def _chart_definitions() -> Schema:
    channels = {channel: _ref("channel") for channel in get_args(model.Channel) if channel != "tooltip"}
    tooltip = _union(
        "Shown on hover and focus.",
        "a channel or a list of channels",
        _ref("channel"),
        {"type": "array", "items": _ref("channel"), "maxItems": 12},
    )
    encoding = _map_of(
        "What is drawn where. Default: x is the first of `by`, y the first metric, color the second of `by`.",
        **channels,
        tooltip=tooltip,
    )
    encoding["x-code"] = "unknown_channel"
    mark = _choice("What is drawn.", get_args(model.Mark), code="unknown_mark")
    return {
        "chart": _map_of(
            "A chart, in a subset of Vega-Lite: one mark, or layers of marks.",
            mark=mark,
            encoding=encoding,
            layer=_list_of(
                "Marks over each other, the first one lowest.",
                _requiring("mark", _map_of("One mark.", mark=mark, encoding=encoding)),
                at_least=1,
                at_most=8,
            ),
            height=_whole("Pixels. Default: 240.", 80, 1200),
        ),
        "channel": _map_of(
            "One channel.",
            field=_text("A column of the panel: a metric, a field or a grain."),
            type=_choice("How values are scaled. Default: by the column's type.", get_args(model.FieldType)),
            title=_ref("text", "Over the axis or legend. Default: the column's label."),
            format=_ref("format"),
            scale=_map_of(
                "The scale.",
                zero={"type": "boolean", "description": "Whether it includes zero."},
                type=_choice("Its kind.", ("linear", "log", "time", "band")),
            ),
            axis={"type": ["boolean", "null"], "description": "`false` or `null` hides the axis."},
            legend={"type": ["boolean", "null"], "description": "`false` or `null` hides the legend."},
            sort=_choice("The order of values.", ("ascending", "descending", "none")),
            value={"type": ["number", "string"], "description": "A constant instead of a field."},
        ),
        "format": format_schema(),
    }


def format_schema() -> Schema:
    """How values are shown; also used in semantic models."""
    styles = get_args(get_type_hints(model.Format)["style"])
    return _union(
        "How values are shown.",
        "a style like `percent`, or a mapping with `style`",
        _choice("A style.", styles),
        _map_of(
            "A style with details.",
            style=_choice("What kind of value it is.", styles),
            currency=_text("An ISO 4217 code, for the style `currency`.", pattern=names.CURRENCY, code="bad_value"),
            unit=_text("A unit written after the value."),
            decimals=_whole("How many decimals at most.", 0, 12),
            compact={"type": "boolean", "description": "1.2M rather than 1,234,567."},
        ),
    )


# ── extensions in semantic models ────────────────────────────────────────────────────────────────────────────────


def extension_schemas() -> dict[str, Schema]:
    """What the JSON of a SEAWALL custom extension may hold, by what it extends."""
    text = _ref("text")
    kinds = {
        "dataset": _map_of(
            "A dataset.", engine=_choice("Where it is kept.", ("warehouse", "operational")), time=_text("Its time field."), label=text
        ),
        "field": _map_of(
            "A field.", format=_ref("format"), label=text, week_starts=_choice("Where weeks are cut.", ("monday", "sunday", "saturday"))
        ),
        "metric": _map_of(
            "A metric.", format=_ref("format"), label=text, description=text, better=_choice("Good news.", ("up", "down", "neither"))
        ),
        "relationship": _map_of("A relationship.", preferred={"type": "boolean"}),
        "semantic_model": _map_of("A semantic model."),
    }
    definitions = {"text": _text_schema(), "format": format_schema()}
    return {kind: {**schema, "$defs": definitions} for kind, schema in kinds.items()}


# ── building blocks ──────────────────────────────────────────────────────────────────────────────────────────────


def _map_of(about: str, /, **properties: Schema) -> Schema:
    return {"type": "object", "description": about, "properties": properties, "additionalProperties": False}


def _requiring(keys: str, schema: Schema) -> Schema:
    return {**schema, "required": keys.split()}


def _named(description: str, item: Schema, *, at_least: int = 0, at_most: int = 1000, pattern: str = names.KEY) -> Schema:
    schema: Schema = {"type": "object", "description": description, "maxProperties": at_most}
    if at_least:
        schema["minProperties"] = at_least
    return {**schema, "propertyNames": {"pattern": pattern, "x-code": "bad_name"}, "additionalProperties": item}


def _list_of(description: str, item: Schema, *, at_least: int = 0, at_most: int = 1000) -> Schema:
    schema: Schema = {"type": "array", "description": description, "items": item, "maxItems": at_most}
    return {**schema, "minItems": at_least} if at_least else schema


def _text(description: str, *, pattern: str = "", code: str = "") -> Schema:
    schema: Schema = {"type": "string", "description": description, "maxLength": 4000}
    if pattern:
        schema |= {"pattern": pattern, "x-code": code}
    return schema


def _text_schema() -> Schema:
    return _union(
        "A text, or a text for each language.",
        "a text, or a mapping from languages to texts",
        {"type": "string", "maxLength": 4000},
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": names.LOCALE, "x-code": "bad_value"},
            "additionalProperties": {"type": "string", "maxLength": 4000},
        },
    )


def _choice(description: str, values: Iterable[str], *, code: str = "") -> Schema:
    schema: Schema = {"description": description, "enum": list(values)}
    return {**schema, "x-code": code} if code else schema


def _whole(description: str, least: int, most: int) -> Schema:
    return {"type": "integer", "description": description, "minimum": least, "maximum": most}


def _duration(description: str) -> Schema:
    return _text(description, pattern=durations.PATTERN, code="bad_duration")


def _scalar(description: str) -> Schema:
    return {"type": ["string", "number", "boolean"], "description": description}


def _one_or_many(description: str, expected: str) -> Schema:
    return _union(description, expected, {"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 100})


def _union(description: str, expected: str, *branches: Schema) -> Schema:
    return {"description": description, "x-expected": expected, "anyOf": list(branches)}


def _ref(name: str, description: str = "") -> Schema:
    return {"$ref": f"#/$defs/{name}", "description": description} if description else {"$ref": f"#/$defs/{name}"}
