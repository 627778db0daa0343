"""The data API through the gateway: formats by `Accept` and `format=`, refusals in the words of problem details, pages by cursor."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from decimal import Decimal

import pytest
from tests.acceptance.conftest import Seawall
from tests.acceptance.data_api import MEDIA_TYPES, PROBLEM, DataApi, rows_of, warehouse
from tests.acceptance.visitors import settled

KEYSET = ("sold_at", "basket_id", "product_id")
WALK_ROWS = 3_000
PAGE_ROWS = 500


@pytest.fixture(scope="module")
def api(seawall: Seawall):
    """Somebody who may see everything."""
    settled(seawall)
    with DataApi(seawall, "merchandising") as made:
        yield made


def plain(value: object) -> str:
    """A value as CSV and JSON write it, as one text, so that formats can be compared."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    text = str(value).replace("T", " ").removesuffix(".000000")
    try:
        return str(Decimal(text).normalize())
    except ArithmeticError:
        return text


@pytest.mark.parametrize("panel", ["departments", "rows"])
@pytest.mark.parametrize("how", ["accept", "parameter"])
@pytest.mark.parametrize("format", list(MEDIA_TYPES))
def test_every_format_says_the_same(api: DataApi, panel: str, how: str, format: str) -> None:
    """By `Accept` or by `format=`: its media type, and the same columns and rows."""
    limit = 50 if panel == "rows" else None
    if how == "accept":
        api_headers = {"Accept": MEDIA_TYPES[format].partition(";")[0]}
        answer = api.get(f"/merchandising/api/panels/{panel}", params={"limit": limit} if limit else {}, headers=api_headers)
    else:
        answer = api.panel(panel, limit=limit, format=format)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPES[format])
    named = f'attachment; filename="merchandising-{panel}.{format}"'
    assert answer.headers.get("content-disposition", "") == ("" if format == "json" else named)
    found, expected = rows_of(format, answer.content), api.rows(panel, limit=limit)
    assert [list(row) for row in found] == [list(row) for row in expected]
    assert [[plain(value) for value in row.values()] for row in found] == [[plain(value) for value in row.values()] for row in expected]


@pytest.mark.parametrize("format", ["json", "csv"])
def test_decimals_are_numbers_as_people_write_them(api: DataApi, format: str) -> None:
    """Not quoted, and without zeros that say nothing."""
    text = api.panel("departments", format=format).text
    numbers = re.findall(r"(?<=[:,])-?[0-9]+(?:\.[0-9]+)?(?=[,}\n])", text)
    assert len(numbers) > 10
    assert not [number for number in numbers if "." in number and number.endswith("0")]


@pytest.mark.parametrize("encoding", ["zstd", "gzip, br, zstd", "*"])
@pytest.mark.parametrize("format", list(MEDIA_TYPES))
def test_answers_are_never_in_zstd_frames(api: DataApi, format: str, encoding: str) -> None:
    """Clients that read no more than the first frame of a body read them, too."""
    answer = api.get("/merchandising/api/panels/rows", params={"limit": "50", "format": format}, headers={"Accept-Encoding": encoding})
    assert answer.headers.get("content-encoding", "identity") in ("identity", "gzip", "br")


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/xml, image/*", "application/json;q=0"])
def test_other_formats_are_not_acceptable(api: DataApi, accept: str) -> None:
    """406, with those that are."""
    answer = api.get("/merchandising/api/panels/sales", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (406, PROBLEM)
    assert all(media_type.partition(";")[0] in answer.json()["expected"] for media_type in MEDIA_TYPES.values())


@pytest.mark.parametrize(
    ("panel", "params", "status", "slug", "says"),
    [
        ("rows", {"amount": "cheap"}, 400, "invalid-input", "'amount'"),
        ("rows", {"basket": "x"}, 400, "invalid-input", "'basket'"),
        ("rows", {"period": "2017-02-30..2017-03-01"}, 400, "invalid-input", "'period'"),
        ("rows", {"limit": "10001"}, 400, "invalid-input", "'limit'"),
        ("rows", {"limit": "-1"}, 400, "invalid-input", "'limit'"),
        ("rows", {"format": "xlsx"}, 400, "invalid-input", "'format'"),
        ("rows", {"household_id": "1"}, 400, "invalid-input", "'household_id'"),
        ("rows", {"department": ["x"] * 101}, 400, "invalid-input", "'department'"),
        ("rows", {"after": "AAAA"}, 400, "invalid-cursor", "cursor"),
        ("sales", {"amount": "5.."}, 400, "invalid-input", "'amount'"),
        ("sales", {"limit": "5"}, 400, "invalid-input", "no pages"),
        ("sales", {"limit": "5", "format": "csv"}, 400, "invalid-input", "no pages"),
        ("nothing", {}, 404, "not-found", "'nothing'"),
        ("<script>", {}, 404, "not-found", "'<script>'"),
    ],
)
def test_refusals_are_problem_details(api: DataApi, panel: str, params: dict, status: int, slug: str, says: str) -> None:
    """RFC 9457: status, type and a detail that names what was wrong; never kept by a cache."""
    answer = api.panel(panel, **params)
    assert (answer.status_code, answer.headers["content-type"], answer.headers["cache-control"]) == (status, PROBLEM, "no-store")
    problem = answer.json()
    assert (problem["status"], problem["type"].rpartition("/")[2]) == (status, slug)
    assert says in problem["detail"]


def test_a_cursor_is_good_for_what_it_was_given_out_for(seawall: Seawall, api: DataApi) -> None:
    """Altered anywhere, for another filter or for other rights, it is refused."""
    cursor = api.answer("rows", limit=5)["next"]
    assert api.panel("rows", limit=5, after=cursor).status_code == 200
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in range(0, len(raw), 7):
        altered = bytes(raw[:place]) + bytes([raw[place] ^ 1]) + bytes(raw[place + 1 :])
        assert api.panel("rows", after=base64.urlsafe_b64encode(altered).rstrip(b"=").decode()).status_code == 400
    assert api.panel("rows", after=cursor, department="GROCERY").status_code == 400
    with DataApi(seawall, "merchandising", "viewer", store_groups="East") as viewer:
        assert viewer.panel("rows", after=cursor).json()["type"].endswith("invalid-cursor")


def test_the_pages_of_rows_leave_no_gap_and_repeat_nothing(seawall: Seawall, api: DataApi) -> None:
    """The first rows, page by page, are DuckDB's own in the order asked for, newest first."""
    walked, cursor = [], None
    while len(walked) < WALK_ROWS:
        answer = api.answer("rows", limit=PAGE_ROWS, after=cursor)
        walked += [(datetime.fromisoformat(row["sold_at"]), row["basket_id"], row["product_id"]) for row in answer["rows"]]
        cursor = answer["next"]
    with warehouse(seawall, "merchandising") as files:
        order = "sold_at DESC, basket_id, product_id"
        truth = files.execute(f"SELECT {', '.join(KEYSET)} FROM transactions ORDER BY {order} LIMIT {WALK_ROWS}").fetchall()
    assert walked == truth
    assert len(set(walked)) == WALK_ROWS


def test_the_last_page_has_no_next(api: DataApi) -> None:
    """A walk ends, with as many rows as were promised."""
    basket = api.rows("rows", limit=1)[0]["basket_id"]
    whole = api.counted("rows", basket=basket)
    assert (whole["next"], whole["total"], whole["total_exact"]) == (None, len(whole["rows"]), True)
    none = api.counted("rows", basket=1)
    assert none | {"rows": [], "next": None, "total": 0} == none
