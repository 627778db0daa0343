"""docs/reference/telemetry.md names every span, event and boundary there is, with the keys they carry, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from seawall.telemetry.boundaries import DEPTH

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "telemetry.md").read_text()
TOLD = re.compile(r"\b(?:event|span|begin|guarded)\(")
NOT_ATTRIBUTES = {"traceparent", "kind", "parent"}


def rows(heading: str) -> dict[str, list[str]]:
    """First cell → the other cells, of the table under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")]
    assert len({line[0] for line in lines}) == len(lines), "a row is there twice"
    return {line[0].strip("`"): line[1:] for line in lines}


@cache
def source() -> dict[str, list[ast.Call]]:
    """Every call that has an argument, by the function's name, in the modules that tell anything."""
    found: dict[str, list[ast.Call]] = defaultdict(list)
    for path in sorted((ROOT / "src" / "seawall").rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if TOLD.search(text) else ():
            if isinstance(node, ast.Call) and node.args:
                found[getattr(node.func, "id", getattr(node.func, "attr", ""))].append(node)
    return found


def calls(function: str) -> Iterator[tuple[str, ast.Call]]:
    """The first argument and the call, wherever `function` is called in the source; what a name is made of is written NAME."""
    for node in source()[function]:
        first = node.args[0]
        if isinstance(first, ast.Constant):
            yield str(first.value), node
        elif isinstance(first, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "NAME" for part in first.values), node


def keys(call: ast.Call) -> set[str]:
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_every_event_is_documented_with_its_keys() -> None:
    """Names and keys in the code are those of the table."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, call in calls("event"):
        found[name] |= keys(call)
    assert {name: quoted(cells[0]) for name, cells in rows("Events").items()} == found


def test_event_names_are_dotted() -> None:
    """A noun, a dot, and what became of it."""
    for name in rows("Events"):
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name), name


def test_every_span_is_documented() -> None:
    """Names, boundaries, kinds and attributes in the code are those of the table."""
    found: dict[str, tuple[str, str, set[str]]] = {}
    for name, call in (*calls("span"), *calls("begin")):
        if len(call.args) < 2:
            continue  # a regular expression's match has a span, too
        kind = next((one.value.value for one in call.keywords if one.arg == "kind" and isinstance(one.value, ast.Constant)), "internal")
        boundary = call.args[1].value if isinstance(call.args[1], ast.Constant) else ""
        known = found.get(name, ("", "", set()))[2]
        found[name] = (str(boundary), str(kind), known | keys(call) - NOT_ATTRIBUTES)
    for name, _ in calls("guarded"):
        found[name] = ("ui", "server", set())
    documented = {name: (boundary, kind, quoted(more)) for name, (boundary, kind, more, _) in rows("Spans").items()}
    assert documented == found


def test_every_boundary_is_documented() -> None:
    """With its depth; a span is of one of them."""
    assert {name: int(cells[0]) for name, cells in rows("Boundaries").items()} == DEPTH
    assert {cells[0] for cells in rows("Spans").values()} <= set(DEPTH)
