"""`/{app}/api/ask` as OpenAPI 3.1: what may be sent and what is told. Of the app's vocabulary it names what a visible panel names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seawall.app.model import App, MetricQuery, Page
from seawall.ask.params import NAMES, NUMBER_MAX
from seawall.ask.question import Question
from seawall.ask.told import Told
from seawall.ui.negotiate import FORMATS

Json = dict[str, Any]
TEXT_MAX = 500
REF = "#/components/schemas/ask.{name}"
_SEVERAL = frozenset({"metric", "by", "where", "period", "order"})
_NUMBERS = frozenset({"limit", "last"})
_GET_ERRORS = ("400", "401", "404", "406", "503", "504")


def ask_paths(app: App, pages: Mapping[str, Page]) -> dict[str, Json]:
    """The two operations."""
    return {f"/{app.name}/api/ask": {"post": _post(app), "get": _get(_example(pages))}}


def ask_schemas() -> dict[str, Json]:
    """What they refer to, by name."""
    _, parts = msgspec.json.schema_components([Told, Question], ref_template=REF)
    return {f"ask.{name}": schema for name, schema in parts.items()}


def _example(pages: Mapping[str, Page]) -> str:
    queries = [panel.query for page in pages.values() for panel in page.panels.values() if isinstance(panel.query, MetricQuery)]
    return next((name for query in queries for name in query.metrics), "")


def _post(app: App) -> Json:
    told, before = {"$ref": REF.format(name="Told")}, {"$ref": REF.format(name="Question")}
    body: Json = {
        "type": "object",
        "required": ["question"],
        "additionalProperties": False,
        "properties": {
            "question": {"type": "string", "maxLength": TEXT_MAX, "description": "In words"},
            "before": before | {"description": "The `question` of the answer before, which the words may refine"},
            "locale": {"enum": list(app.locales)},
        },
    }
    refused = {"description": "Not understood, and the format asked for cannot say so", "content": _problem()}
    return {
        "operationId": "ask",
        "summary": "Ask a question in words",
        "description": "Only reads. Either `question` with its rows, or `refusal`, with why and what could be asked instead.",
        "tags": ["ask"],
        "requestBody": {"required": True, "content": {FORMATS["json"]: {"schema": body}}},
        "responses": {"200": _answer(told), "413": {"description": "The question is too large", "content": _problem()}, "422": refused}
        | _errors(),
    }


def _get(example: str) -> Json:
    parameters = [_parameter(name) for name in NAMES]
    if example:
        parameters[0]["example"] = example
    formats: Json = {"name": "format", "in": "query", "schema": {"enum": [*FORMATS, "html"]}, "description": "Instead of Accept"}
    rows: Json = {
        "type": "object",
        "required": ["panel", "watermark", "columns", "rows"],
        "properties": {
            "panel": {"const": "ask"},
            "watermark": {"type": "string"},
            "columns": {"type": "array", "items": {"type": "object"}},
            "rows": {"type": "array", "items": {"type": "object"}},
        },
    }
    return {
        "operationId": "answer",
        "summary": "The rows of a question in parameters, as `url` of an answer names them",
        "tags": ["ask"],
        "parameters": [*parameters, formats],
        "responses": {"200": _answer(rows), "304": {"description": "Unchanged since the ETag given"}} | _errors(),
    }


def _parameter(name: str) -> Json:
    text: Json = {"type": "string", "maxLength": 1_000}
    if name in _NUMBERS:
        return {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}}
    if name not in _SEVERAL:
        return {"name": name, "in": "query", "schema": text}
    return {"name": name, "in": "query", "schema": {"type": "array", "items": text}, "style": "form", "explode": True}


def _answer(schema: Json) -> Json:
    files = {media_type: {"schema": {"type": "string"}} for media_type in FORMATS.values() if media_type != FORMATS["json"]}
    return {"description": "The rows you may see", "content": {FORMATS["json"]: {"schema": schema}} | files}


def _errors() -> Json:
    return {status: {"$ref": f"#/components/responses/Problem{status}"} for status in _GET_ERRORS}


def _problem() -> Json:
    return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
