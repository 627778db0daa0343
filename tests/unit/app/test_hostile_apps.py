"""Whatever a folder holds, the loader reports faults and never raises, hangs or follows what is written there."""

from __future__ import annotations

import copy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.app.samples import APP, SEMANTIC, write_app

from seawall.app.check import check
from seawall.app.codes import CODES
from seawall.app.faults import FAULTS_MAX

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.sampled_from(
    [
        "a",
        "stores.region",
        "sales",
        "revenue",
        "week",
        "viewer",
        "user.regions",
        "in",
        "eq",
        "24h",
        "line",
        "-revenue",
        "'",
        '"',
        "<<",
        "é\n",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | WORDS, inner, max_size=4), max_leaves=8
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a tree."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, child in children for place in places(child, (*path, key)))]


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The tree with `value` at `path`."""
    if not path:
        return value
    tree = copy.deepcopy(tree)
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return tree


def checked(app: str | bytes, semantic: str | bytes = SEMANTIC) -> None:
    """Check an app; every fault must be one that is documented, with a place."""
    with tempfile.TemporaryDirectory() as folder:
        root = write_app(Path(folder))
        (root / "app.yaml").write_bytes(app if isinstance(app, bytes) else app.encode("utf-8", "surrogatepass"))
        (root / "semantic" / "shop.yaml").write_bytes(
            semantic if isinstance(semantic, bytes) else semantic.encode("utf-8", "surrogatepass")
        )
        bundle, faults = check(root)
    assert (bundle is None) == bool(faults)
    for fault in faults:
        assert fault.code in CODES
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.fix, fault


@SETTINGS
@given(path=st.sampled_from(places(yaml.safe_load(APP))), value=VALUES)
def test_any_value_anywhere_in_app_yaml_is_reported_not_raised(path: tuple[Any, ...], value: Any) -> None:
    """Replacing any part of a sound app by anything gives faults or a sound app."""
    checked(yaml.dump(put(yaml.safe_load(APP), path, value), allow_unicode=True))


@SETTINGS
@given(path=st.sampled_from(places(yaml.safe_load(SEMANTIC))), value=VALUES)
def test_any_value_anywhere_in_a_semantic_model_is_reported_not_raised(path: tuple[Any, ...], value: Any) -> None:
    """Replacing any part of a sound model by anything gives faults or a sound app."""
    checked(APP, yaml.dump(put(yaml.safe_load(SEMANTIC), path, value), allow_unicode=True))


@SETTINGS
@given(tree=VALUES)
def test_any_tree_at_all_is_reported_not_raised(tree: Any) -> None:
    """A random tree in place of either file gives faults."""
    text = yaml.dump(tree, allow_unicode=True)
    checked(text, text)


@SETTINGS
@given(data=st.binary(max_size=200), at=st.integers(0, len(APP) - 1))
def test_any_bytes_are_reported_not_raised(data: bytes, at: int) -> None:
    """Random bytes, alone and spliced into a sound app, give faults or a sound app."""
    checked(data)
    checked(APP.encode()[:at] + data + APP.encode()[at:])


def bomb() -> str:
    """Nine levels of ten aliases each: a gigabyte when written out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    return "\n".join(lines)


def test_an_app_made_of_faults_ends_soon(tmp_path: Path) -> None:
    """After 500 faults the check stops: tens of thousands of slips must not cost hours."""
    slips = ", ".join(f'"feild{i} = 1"' for i in range(30))
    panels = "".join(f"      p{i}: {{metric: revenue, where: [{slips}]}}\n" for i in range(50))
    faults = check(write_app(tmp_path, app=APP.replace("      total:", panels + "      total:")))[1]
    assert len(faults) == FAULTS_MAX


HOSTILE = {
    "an alias inside what it stands for": ("a: &a [*a]", "yaml_feature"),
    "a million opening brackets": ("[" * 1_000_000, "too_large"),
    "a million dashes": ("- " * 500_000, "too_large"),
    "nested mappings": ("{a: " * 100_000, "too_large"),
    "a Python object": ("a: !!python/object/apply:os.system [id]", "yaml_feature"),
    "two documents": ("a: 1\n---\nb: 2\n", "yaml_feature"),
    "a list as a key": ("? [a, b]\n: c\n", "yaml_feature"),
    "a control character": ("name: a\x07b", "malformed_yaml"),
    "two megabytes": ("a: b\n" * 400_000, "too_large"),
    "one long line": ("a: " + "x" * 1_000_000, "unknown_key"),
    "nothing": ("", "wrong_type"),
}


BOUNDED = """
import resource, sys
from pathlib import Path
from seawall.app.check import check
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
print(*sorted({fault.code for fault in check(Path(sys.argv[1]))[1] if fault.file == "app.yaml"}))
"""


def test_aliases_that_expand_without_end_are_refused_in_bounds(tmp_path: Path) -> None:
    """In half a gigabyte, of a process of its own: were the bound gone this test fails, and the machine does not suffer."""
    folder = write_app(tmp_path, app=bomb())
    done = subprocess.run([sys.executable, "-c", BOUNDED, str(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr[-500:]) == ("too_large\n", "")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_at_once(tmp_path: Path, name: str) -> None:
    """Text made to exhaust or trick a reader gives one fault, in a time that does not show."""
    text, code = HOSTILE[name]
    faults = check(write_app(tmp_path, app=text))[1]
    assert code in {fault.code for fault in faults if fault.file == "app.yaml"}, [str(fault)[:200] for fault in faults]
