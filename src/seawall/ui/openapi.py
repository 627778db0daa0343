"""The data API of one app as OpenAPI 3.1, generated from the bundle: it says what may be asked, never what is in the data.

It names what the principal who asks may see, and nothing else (https://spec.openapis.org/oas/v3.1.0): the rest answers 404, worded
like an unknown name, and is not in the document either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seawall.app.model import App, Bundle, DataType, MetricQuery, Page, PageFilter, Panel
from seawall.ask.vectors.similar import SIMILARITY
from seawall.core.problem import MEDIA_TYPE
from seawall.ui.ask.described import ask_paths, ask_schemas
from seawall.ui.negotiate import FORMATS
from seawall.ui.params import CURSOR_LENGTH_MAX, LIMIT_MAX, VALUE_LENGTH_MAX, VALUES_MAX

Json = dict[str, Any]

_JSON_TYPES: dict[DataType, Json] = {
    "String": {"type": "string"},
    "Integer": {"type": "integer"},
    "Decimal": {"type": "number"},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "Time": {"type": "string", "format": "time"},
    "DateTime": {"type": "string", "format": "date-time"},
    "DateTimeTz": {"type": "string", "format": "date-time"},
    "Opaque": {},
}
_ERRORS = {"400": "A parameter is unknown or has the wrong type", "401": "Not signed in", "404": "No such panel, or none you may see"} | {
    "406": "No offered format is accepted",
    "429": "As many files as may be are being sent: come again after `Retry-After`",
    "503": "The data cannot be reached now",
    "504": "The deadline passed",
}


def openapi(bundle: Bundle, pages: Mapping[str, Page], *, server_url: str, asks: bool = False) -> Json:
    """The document of the app as far as `pages` show it, and of questions in words where it `asks`.

    Its version is the bundle's digest: the same folder describes the same API.
    """
    app, panels = bundle.app, [(page, panel) for page in pages.values() for panel in page.panels.values()]
    return {
        "openapi": "3.1.0",
        "info": {"title": app.title.in_locale("en") or app.name, "version": bundle.digest[:12], "summary": "The data behind every panel"},
        "servers": [{"url": server_url}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": {path: {"get": operation} for page, panel in panels for path, operation in _paths(app, page, panel)}
        | (ask_paths(app, pages) if asks else {}),
        "components": {
            "schemas": {"Problem": _problem(), "Field": _field()}
            | {f"{panel.name}.row": _row(app, panel) for _, panel in panels}
            | (ask_schemas() if asks else {}),
            "responses": {f"Problem{status}": _problem_response(words) for status, words in _ERRORS.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "seawall_token"},
            },
        },
    }


def _paths(app: App, page: Page, panel: Panel) -> Iterator[tuple[str, Json]]:
    path = f"/{app.name}/api/panels/{panel.name}"
    yield path, _operation(app, page, panel)
    if not isinstance(panel.query, MetricQuery):
        yield f"{path}/rows/{{key}}", _row_operation(page, panel)


def _row_operation(page: Page, panel: Panel) -> Json:
    key: Json = {"type": "string", "maxLength": CURSOR_LENGTH_MAX}
    formats: Json = {"enum": ["json", "html"]}
    body: Json = {
        "type": "object",
        "required": ["panel", "watermark", "fields", "row"],
        "properties": {
            **_read_from(panel),
            "fields": {"type": "array", "items": {"$ref": "#/components/schemas/Field"}},
            "row": {"type": "object", "description": "Field name to value; a hidden or missing value is null"},
        },
    }
    answer: Json = {
        "description": "The row in full: the panel's columns, then the other fields of its dataset",
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "content": {FORMATS["json"]: {"schema": body}, "text/html": {"schema": {"type": "string"}}},
    }
    return {
        "operationId": f"{panel.name}.row",
        "summary": f"One row of {panel.title.in_locale('en') or panel.name}",
        "tags": [page.name],
        "parameters": [
            {"name": "key", "in": "path", "required": True, "schema": key, "description": "One of the `keys` of the panel's answer"},
            {"name": "format", "in": "query", "schema": formats, "description": "`html`: as the page shows it"},
        ],
        "responses": {"200": answer, "304": {"description": "Unchanged since the ETag given"}}
        | {status: {"$ref": f"#/components/responses/Problem{status}"} for status in _ERRORS if status not in ("406", "429")},
    }


def _operation(app: App, page: Page, panel: Panel) -> Json:
    filters = [_filter_parameter(app, page.filters[name]) for name in panel.filters if name in page.filters]
    return {
        "operationId": panel.name,
        "summary": panel.title.in_locale("en") or panel.name,
        "description": panel.description.in_locale("en"),
        "tags": [page.name],
        "parameters": [*filters, *_paging(panel)],
        "responses": {"200": _answer(panel), "304": {"description": "Unchanged since the ETag given"}}
        | {status: {"$ref": f"#/components/responses/Problem{status}"} for status in _ERRORS},
    }


def _filter_parameter(app: App, filter_: PageFilter) -> Json:
    text: Json = {"type": "string", "maxLength": VALUE_LENGTH_MAX}
    parameter: Json = {"name": filter_.name, "in": "query", "description": filter_.label.in_locale("en") or filter_.name}
    if filter_.control == "multiselect":
        schema: Json = {"type": "array", "items": text, "maxItems": VALUES_MAX}
        return parameter | {"schema": schema, "style": "form", "explode": True}
    if filter_.control == "period":
        return parameter | {"schema": text, "example": "2017-01-01..2017-03-31"}
    if filter_.control == "select" and filter_.field:
        return parameter | {"schema": _JSON_TYPES[app.semantics.field(filter_.field).datatype] or text}
    return parameter | {"schema": text}


def _paging(panel: Panel) -> list[Json]:
    format_: Json = {"name": "format", "in": "query", "description": "Instead of Accept", "schema": {"enum": list(FORMATS)}}
    limit: Json = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX}}
    if isinstance(panel.query, MetricQuery):
        return [format_ | {"schema": {"enum": [*FORMATS, "html"]}, "description": "Instead of Accept; `html` is a page with a table"}]
    after: Json = {"name": "after", "in": "query", "schema": {"type": "string", "maxLength": CURSOR_LENGTH_MAX}}
    return [after | {"description": "The `next` cursor of the page before"}, limit, format_]


def _read_from(panel: Panel) -> Json:
    """Properties of every answer: what was read, and of when."""
    return {
        "panel": {"const": panel.name},
        "watermark": {"type": "string", "description": "The generation of data that was read"},
        "as_of": {"type": ["string", "null"], "format": "date"},
    }


def _answer(panel: Panel) -> Json:
    rows: Json = {"type": "array", "items": {"$ref": f"#/components/schemas/{panel.name}.row"}}
    body: Json = {
        "type": "object",
        "required": ["panel", "watermark", "columns", "rows"],
        "properties": {
            **_read_from(panel),
            "columns": {"type": "array", "items": {"type": "object"}},
            "rows": rows,
            "next": {"type": ["string", "null"], "description": "The cursor of the next page"},
            "total": {"type": ["integer", "null"]},
            "total_exact": {"type": ["boolean", "null"]},
            **_degraded(panel),
            "keys": {"type": ["array", "null"], "items": {"type": "string"}, "description": "What names each row in `/rows/{key}`"},
        },
    }
    told = [*FORMATS.values(), "text/html"] if isinstance(panel.query, MetricQuery) else list(FORMATS.values())
    files = {media_type: {"schema": {"type": "string"}} for media_type in told if media_type != FORMATS["json"]}
    return {
        "description": "The rows you may see",
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "content": {FORMATS["json"]: {"schema": body}} | files,
    }


def _degraded(panel: Panel) -> Json:
    """Of panels of similar rows."""
    if panel.similar is None:
        return {}
    return {"degraded": {"type": ["string", "null"], "description": "`words`: similar rows are found by words for now"}}


def _row(app: App, panel: Panel) -> Json:
    properties = {name: _nullable(_JSON_TYPES[datatype]) for name, datatype in _columns(app, panel).items()}
    told = {SIMILARITY: {"type": "number", "description": "With something chosen: 1 is alike"}} if panel.similar else {}
    return {"type": "object", "properties": properties | told, "required": list(properties)}


def _columns(app: App, panel: Panel) -> dict[str, DataType]:
    query, semantics = panel.query, app.semantics
    if not isinstance(query, MetricQuery):
        return {name: semantics.field(name if "." in name else f"{query.dataset}.{name}").datatype for name in query.columns}
    dimensions: dict[str, DataType] = {
        dimension.name: semantics.field(dimension.field).datatype if dimension.field and not dimension.grain else "Date"
        for dimension in query.by
    }
    return dimensions | {name: semantics.metrics[name].datatype for name in query.metrics}


def _field() -> Json:
    texts = ("name", "dataset", "label", "definition", "datatype")
    properties = {name: {"type": "string"} for name in texts} | {"masked": {"type": "boolean"}}
    return {"type": "object", "description": "A field of a row", "required": list(properties), "properties": properties}


def _nullable(schema: Json) -> Json:
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else {}


def _problem() -> Json:
    texts = ("type", "title", "detail", "instance", "expected", "got", "fix")
    return {
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status"],
        "properties": {name: {"type": "string"} for name in texts} | {"status": {"type": "integer"}},
    }


def _problem_response(words: str) -> Json:
    return {"description": words, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
