"""Whether something has the form of a JSON Schema, decided in milliseconds where the metaschema takes seconds.

As draft 2020-12 has it for the keywords we hold values to; https://json-schema.org/draft/2020-12/meta/applicator and its kin.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Kind = Literal["array", "boolean", "integer", "null", "number", "object", "string"]
Count = Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)]
Number = int | float
Several = Annotated[list["Shape | bool"], Meta(min_length=1)]


class Shape(
    msgspec.Struct, rename={"ref": "$ref", "defs": "$defs", "not_": "not", "if_": "if", "else_": "else"}, frozen=True, kw_only=True
):
    """A schema that is an object. Members it does not name may be anything."""

    ref: str = ""
    defs: dict[str, Shape | bool] = {}
    type: Kind | Annotated[list[Kind], Meta(min_length=1)] = "object"
    enum: list[Any] = []
    properties: dict[str, Shape | bool] = {}
    patternProperties: dict[str, Shape | bool] = {}  # noqa: N815 -- JSON Schema's names
    dependentSchemas: dict[str, Shape | bool] = {}  # noqa: N815
    dependentRequired: dict[str, list[str]] = {}  # noqa: N815
    additionalProperties: Shape | bool = True  # noqa: N815
    unevaluatedProperties: Shape | bool = True  # noqa: N815
    unevaluatedItems: Shape | bool = True  # noqa: N815
    propertyNames: Shape | bool = True  # noqa: N815
    items: Shape | bool = True
    contains: Shape | bool = True
    not_: Shape | bool = True
    if_: Shape | bool = True
    then: Shape | bool = True
    else_: Shape | bool = True
    prefixItems: Several = []  # noqa: N815
    allOf: Several = []  # noqa: N815
    anyOf: Several = []  # noqa: N815
    oneOf: Several = []  # noqa: N815
    required: list[str] = []
    pattern: str = ""
    format: str = ""
    minLength: Count = 0  # noqa: N815
    maxLength: Count = 0  # noqa: N815
    minItems: Count = 0  # noqa: N815
    maxItems: Count = 0  # noqa: N815
    minContains: Count = 0  # noqa: N815
    maxContains: Count = 0  # noqa: N815
    minProperties: Count = 0  # noqa: N815
    maxProperties: Count = 0  # noqa: N815
    uniqueItems: bool = False  # noqa: N815
    minimum: Number = 0
    maximum: Number = 0
    exclusiveMinimum: Number = 0  # noqa: N815
    exclusiveMaximum: Number = 0  # noqa: N815
    multipleOf: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] = 1  # noqa: N815


def misshapen(schema: dict[str, Any]) -> str:
    """What is wrong with its form; "" when nothing is."""
    try:
        msgspec.convert(schema, Shape)
    except msgspec.ValidationError as error:
        return str(error)
    return ""
