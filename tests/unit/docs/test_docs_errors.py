"""docs/reference/errors.md names every slug there is, with the status and exit code the code gives, and no other."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import seawall
from seawall.cli.main import exit_status
from seawall.core.errors import InvalidInput, SeawallError
from seawall.core.problem import Problem
from seawall.gateway.replies import REPLIES
from seawall.ui.problems import as_json

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "errors.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """Slug → the other cells, of the table under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {
        match[1]: [cell.strip() for cell in match[2].split("|")] for match in re.finditer(r"^\| `([^`]+)` \|(.+)\|$", section, re.MULTILINE)
    }


def tree(root: type[SeawallError] = SeawallError) -> Iterator[type[SeawallError]]:
    """Every class of the error tree. All modules are imported for it."""
    for module in pkgutil.walk_packages(seawall.__path__, "seawall."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = [root]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(one for one in found.__subclasses__() if one.__module__.startswith("seawall."))


def blank(error: type[SeawallError]) -> SeawallError:
    """An instance, whatever its constructor asks for."""
    made = error.__new__(error)
    SeawallError.__init__(made)
    return made


def test_every_slug_is_documented() -> None:
    """The tree's slugs and the table's are the same, in order of the alphabet."""
    documented = list(rows("All of them"))
    assert documented == sorted({error.slug for error in tree()})


def test_statuses_are_those_of_the_code() -> None:
    """Where the table gives an HTTP status or an exit status it is the one users get."""
    table = rows("All of them")
    for error in tree():
        http, exits, _ = table[error.slug]
        if error.__module__.startswith("seawall.model_proxy."):
            status = error.status  # answered in OpenAI's shape, with the status as it is
        else:
            status, _, _ = as_json(blank(error), "/")
        assert http in ("—", str(status)), f"{error.slug}: {status}"
        assert exits in ("—", str(exit_status(blank(error)))), f"{error.slug}: exits with {exit_status(blank(error))}"
        assert (http, exits) != ("—", "—"), error.slug


def test_the_gateways_refusals_are_documented() -> None:
    """Same slugs, same statuses."""
    assert {slug: int(cells[0]) for slug, cells in rows("What the gateway refuses").items()} == {one.slug: one.status for one in REPLIES}


def test_the_example_is_a_problem() -> None:
    """It has the members of the real thing."""
    shown = json.loads(PAGE.partition("```json\n")[2].partition("```")[0])
    status, _, body = as_json(InvalidInput(shown["detail"], expected=shown["expected"], got=shown["got"]), shown["instance"])
    assert json.loads(body) == shown
    assert status == shown["status"]
    assert set(shown) <= set(Problem.__struct_fields__)
