"""The OpenAPI document of an app."""

import msgspec
from jsonschema import Draft202012Validator
from tests.unit.shipped import shipped
from tests.unit.ui_server.sample import House, sample_bundle

from seawall.ui.openapi import openapi

BUNDLE = sample_bundle()
DOCUMENT = openapi(BUNDLE, BUNDLE.app.pages, server_url="http://localhost:8420", asks=True)


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        found = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return found + [ref for inner in value.values() for ref in references(inner)]
    return [ref for inner in value for ref in references(inner)] if isinstance(value, list) else []


def test_every_panel_is_described() -> None:
    """What the page shows, the API offers, and answers to questions."""
    panels = {f"/shop/api/panels/{name}" for name in ("sales", "units", "secret", "rows", "rows/rows/{key}")}
    assert set(DOCUMENT["paths"]) == panels | {"/shop/api/ask"}


def test_every_schema_is_a_json_schema() -> None:
    """OpenAPI 3.1 schemas are JSON Schema 2020-12."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for path in DOCUMENT["paths"].values():
        for parameter in path["get"]["parameters"]:
            Draft202012Validator.check_schema(parameter["schema"])
        Draft202012Validator.check_schema(path["get"]["responses"]["200"]["content"]["application/json"]["schema"])


def test_every_reference_resolves() -> None:
    """No client generator trips over a name that is not there."""
    assert "#/components/schemas/rows.row" in references(DOCUMENT)
    for reference in references(DOCUMENT):
        found = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_rows_are_typed_by_the_semantics() -> None:
    """Types come from the fields and metrics, nullable because a policy may mask."""
    row = DOCUMENT["components"]["schemas"]["rows.row"]
    assert row["properties"]["amount"] == {"type": ["number", "null"]}
    assert list(row["properties"]) == ["id", "department", "amount"]


def test_the_document_is_the_same_for_the_same_bundle() -> None:
    """It may be cached by its ETag."""
    again = openapi(sample_bundle(), sample_bundle().app.pages, server_url="http://localhost:8420", asks=True)
    assert msgspec.json.encode(DOCUMENT) == msgspec.json.encode(again)


def test_the_reference_app_is_described() -> None:
    """Its table shows fields of other datasets beside its own."""
    bundle = shipped("merchandising")
    document = openapi(bundle, bundle.app.pages, server_url="http://localhost:8420")
    row = document["components"]["schemas"]["rows.row"]["properties"]
    assert (row["stores.store_group"], row["quantity"]) == ({"type": ["string", "null"]}, {"type": ["integer", "null"]})


async def test_it_names_only_what_one_may_see(house: House) -> None:
    """A panel beyond one's rights is not in the document; equal views share an ETag, different ones do not."""
    told = []
    for roles, attributes in ((("viewer",), {"stores": ("S1",)}), (("viewer",), {"stores": ("S2",)}), (("boss",), {})):
        async with house.client(*roles, **attributes) as client:
            told.append(await client.get("/shop/openapi.json"))
    viewer, other, boss = told
    assert "secret" not in viewer.text
    assert "/shop/api/panels/secret" in boss.json()["paths"]
    assert viewer.headers["etag"] == other.headers["etag"] != boss.headers["etag"]
    assert {"Authorization", "Cookie"} <= set(viewer.headers["vary"].split(", "))
