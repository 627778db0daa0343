"""A method an address does not take, through the gateway, which chooses the lane by method."""

from __future__ import annotations

import httpx
import pytest
from tests.acceptance.conftest import Seawall

READS = "GET, HEAD"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/merchandising/demand", READS),
        ("DELETE", "/merchandising/api/panels/sales", READS),
        ("PUT", "/merchandising/openapi.json", READS),
        ("GET", "/merchandising/api/vitals", "POST"),
    ],
)
def test_it_is_told_which_methods_an_address_takes(seawall: Seawall, method: str, path: str, allowed: str) -> None:
    """405 with Allow, as problem details."""
    answer = httpx.request(method, seawall.url + path, headers=seawall.headers(), timeout=30)
    assert (answer.status_code, answer.headers.get("allow")) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/method-not-allowed")
