"""Locks are current, hashed and name no address (ADR 3)."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements"


def wanted(name: str) -> list[Requirement]:
    lines = (REQUIREMENTS / f"{name}.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith(("#", "-"))]


def locked(name: str) -> dict[str, str]:
    text = (REQUIREMENTS / f"{name}.lock").read_text()
    return {canonicalize_name(found[1]): found[2] for found in re.finditer(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)}


@pytest.mark.parametrize("name", ["runtime", "dev", "models"])
def test_every_wish_is_locked_to_a_version_that_grants_it(name: str) -> None:
    """Whoever changes an `.in` file runs `make lock`."""
    versions = locked(name)
    missed = [str(one) for one in wanted(name) if versions.get(canonicalize_name(one.name), "") not in one.specifier]
    assert missed == []


@pytest.mark.parametrize("name", ["runtime", "dev", "models"])
def test_every_package_has_hashes_and_none_an_address(name: str) -> None:
    """Installation refuses what does not have them."""
    text = (REQUIREMENTS / f"{name}.lock").read_text()
    without = [entry.split("==")[0] for entry in re.split(r"\n(?=\S)", text) if "==" in entry and "--hash=sha256:" not in entry]
    assert without == []
    assert "://" not in text


@pytest.mark.parametrize("folder", ["frontend", "tests/sdks"])
def test_node_packages_have_hashes_and_no_address(folder: str) -> None:
    """`npm ci` takes them from whichever registry it is set up with."""
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    locked_ones = {name: one for name, one in packages.items() if name}
    assert locked_ones
    assert [name for name, one in locked_ones.items() if "integrity" not in one or "resolved" in one] == []
