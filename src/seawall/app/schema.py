"""The JSON Schema of app.yaml: what `seawall check` holds an app to, and what editors complete from.

One schema serves both, so they cannot disagree. `x-code` names the fault that breaking a rule is reported as; other
readers ignore it. What a schema cannot say (names that must exist, keysets that must be unique) `check.py` adds.
"""

from __future__ import annotations

from typing import get_args

from seawall.app import durations, model, names
from seawall.app.schema_chart import chart_definitions
from seawall.app.schema_parts import (
    Schema,
    choice,
    duration,
    list_of,
    map_of,
    named,
    one_or_many,
    ref,
    requiring,
    scalar,
    text,
    text_schema,
    union,
    whole,
)  # fmt: skip
from seawall.app.schema_semantic import format_schema

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
        **requiring(
            "name roles policies pages",
            map_of(
                "An app: who may see what, and the pages that show it.",
                name=text("The app's name in URLs: `/{app}/{page}`.", pattern=names.APP, code="bad_name"),
                title=ref("text", "The app's name for people. Default: made from `name`."),
                locales=list_of(
                    "Languages the app is written in; the first is the default.",
                    text("A language tag such as `en` or `de-AT`.", pattern=names.LOCALE, code="bad_value"),
                    at_least=1,
                    at_most=20,
                ),
                data=map_of(
                    "Where its data comes from.",
                    prepare=text(
                        "A data preparation that fills its tables. Without one, the data is already there.",
                        pattern=names.KEY,
                        code="bad_value",
                    ),
                ),
                roles=named("Roles that users carry.", ref("role"), at_least=1, at_most=100),
                policies=named(
                    "Who may see what, a rule for each dataset. A dataset without one does not publish.", ref("policy"), at_most=500
                ),
                pages=named("Pages, by their name in the URL.", ref("page"), at_least=1, at_most=PAGES_MAX, pattern=names.APP),
            ),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    return {
        "text": text_schema(),
        **_access_definitions(),
        **_page_definitions(),
        **_query_definitions(),
        **chart_definitions(),
        "format": format_schema(),
    }


def _access_definitions() -> Schema:
    return {
        "role": map_of(
            "A role; `{}` is enough.",
            extends=one_or_many("Roles it includes.", "a role or a list of roles"),
        ),
        "policy": map_of(
            "The rule of one dataset; `{}` lets every role see every row.",
            roles=list_of("Who may read the dataset at all. Default: every role.", text("A role."), at_least=1),
            rows=list_of("Rows are visible where all of these hold.", ref("row_policy"), at_most=20),
            mask={
                "description": "Fields hidden from everyone but the roles named.",
                "type": "object",
                "maxProperties": 200,
                "additionalProperties": map_of(
                    "Who sees the field.", unless=one_or_many("Roles that see it.", "a role or a list of roles")
                ),
            },
        ),
        "row_policy": requiring(
            "member op",
            map_of(
                "A typed condition on rows.",
                member=text("A field of the dataset, or `dataset.field` of one it leads to."),
                op=ref("operator"),
                attribute=text(
                    "A claim about the user: `user.NAME`. Without it the user sees no row.", pattern=names.ATTRIBUTE, code="bad_attribute"
                ),
                value=scalar("A constant to compare with."),
                values=list_of("Constants, for `in` and `not_in`.", scalar("A constant."), at_least=1, at_most=1000),
                unless=one_or_many("Roles the condition does not apply to.", "a role or a list of roles"),
            ),
        ),
    }


def _page_definitions() -> Schema:
    return {
        "page": requiring(
            "panels layout",
            map_of(
                "A page of panels.",
                title=ref("text", "Shown at the top and in the navigation. Default: made from the name."),
                description=ref("text", "A sentence below the title."),
                filters=named("Controls over the page's panels; values live in the URL.", ref("filter"), at_most=20),
                panels=named("Panels, by a name that is unique in the app.", ref("panel"), at_least=1, at_most=PANELS_MAX),
                layout=list_of(
                    "Rows of panel names, top to bottom; the panels of a row share its width.",
                    list_of("One row.", text("A panel's name."), at_least=1, at_most=ROW_PANELS_MAX),
                    at_least=1,
                    at_most=PANELS_MAX,
                ),
            ),
        ),
        "filter": map_of(
            "A control.",
            field=text("The field it filters. A `period` without one means each dataset's own time."),
            label=ref("text", "Default: the field's label."),
            control=choice("What users see. Default: `select`.", ("select", "multiselect", "text", "range", "period")),
            options=whole("How many choices to offer at most. Default: 100.", 1, 1000),
        ),
    }


def _query_definitions() -> Schema:
    return {
        "panel": map_of(
            "One answer: metrics by fields, or rows of a dataset.",
            title=ref("text", "Default: made from the name."),
            description=ref("text", "What it shows, for people and models."),
            metric=text("One metric."),
            metrics=list_of("Several metrics.", text("A metric."), at_least=1, at_most=20),
            by=union(
                "What to group by.",
                "a grain, a field, a mapping with `field` and `grain`, or a list of these",
                *_dimension_item()["anyOf"],
                {"type": "array", "items": _dimension_item(), "minItems": 1, "maxItems": 6},
            ),
            where=list_of("Conditions, all of which must hold.", ref("condition"), at_most=30),
            order=list_of("Columns to sort by; a leading `-` sorts descending.", text("A column."), at_least=1, at_most=10),
            limit=whole("How many rows at most.", 1, LIMIT_MAX),
            last=whole("Only the last N complete periods before the data's date.", 1, 1000),
            compare=choice(
                "What a big number is compared with. With a grain in `by` the number is that of the last whole period, whatever `last` is, "
                "and `previous` is the one period before it; `year_ago` is that period a year before (of a day or a week: 52 weeks before, "
                "so that weekdays match). Without a grain it is all of the days asked about, "
                "against as many days before or those of a year ago.",
                ("previous", "year_ago"),
            ),
            finding=choice(
                "The headline sentence to make from the rows. `top_share` needs a metric made of sums and counts, `latest_change` a grain.",
                ("top_share", "latest_change", "peak", "largest_mover"),
            ),
            dataset=text("Show rows of this dataset."),
            columns=list_of("Fields to show. Default: all of the dataset's.", text("A field."), at_least=1, at_most=COLUMNS_MAX),
            keyset=list_of(
                "The sort, unique together, that pages are cut by; `-` sorts descending. Default: the primary key.",
                text("A field."),
                at_least=1,
                at_most=6,
            ),
            count=choice("Whether and how rows are counted. Default: `none`.", ("none", "estimate", "exact")),
            page_size=whole("Rows on a page. Default: 100.", 1, 1000),
            similar=ref("similar"),
            filters=list_of("The page's filters that touch it. Default: all whose field it can reach.", text("A filter."), at_most=20),
            chart=ref(
                "chart",
                "How it is drawn. Default: a number, a line over time, or bars; where none of them shows it all, a table.",
            ),
            fresh_for=duration(
                "How long an answer over unchanged data counts as fresh. Default: 24h, over operational tables 10s.", pattern=durations.SOME
            ),
            deadline=duration("How long the panel may take before the next rung is shown.", pattern=durations.SOME),
            on_outage=ref("outage"),
        ),
        "similar": requiring(
            "text row",
            map_of(
                "Rows like a chosen one or like some words, nearest first, by a vector index of the texts that describe rows. Without "
                "either all rows are listed.",
                text=list_of(
                    "Text fields of the dataset that describe a row, the most telling first.", text("A field."), at_least=1, at_most=8
                ),
                row=text("The page's filter that chooses a row: its field is the dataset's key."),
                words=text("The page's filter that holds words to look for."),
            ),
        ),
        "operator": choice("How to compare.", get_args(model.Operator), code="bad_condition"),
        "condition": union(
            "A condition, `department != FUEL` or as a mapping.",
            "a text like `department != FUEL`, or a mapping with `field`, `op` and `value`",
            {"type": "string", "minLength": 1, "maxLength": 1000},
            requiring(
                "op",
                map_of(
                    "A condition.",
                    field=text("A field. With `during`, it may be left out: each dataset's own time."),
                    op=ref("operator"),
                    value=scalar("What to compare with."),
                    values=list_of("What to compare with, for `in` and `not_in`.", scalar("A value."), at_least=1, at_most=1000),
                ),
            ),
        ),
        "outage": map_of(
            "What may be shown when no fresh answer can be had.",
            serve=choice("The first rung below fresh. Default: `stale`.", ("stale", "summary", "explanation")),
            max_age=duration("How old a stale answer may be. Default: 24h."),
            **{"else": choice("The rung after that. Default: `summary`.", ("summary", "explanation"))},
        ),
    }


def _dimension_item() -> Schema:
    mapping = map_of(
        "A field cut to a grain.",
        field=text("A field. Without one: each dataset's own time."),
        grain=choice("The period to cut to.", names.GRAINS),
        **{"as": text("The column's name. Default: the field's or the grain's.", pattern=names.KEY, code="bad_name")},
    )
    return union("What to group by.", "a grain, a field, or a mapping with `field` and `grain`", text("A grain or a field."), mapping)
