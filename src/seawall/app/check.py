"""Find every fault of an app in one run. What passes here is the only thing the rest of Seawall ever sees."""

from __future__ import annotations

from pathlib import Path

from seawall.app.access import read_policies, read_roles
from seawall.app.faults import Fault, Report, TooManyFaults
from seawall.app.folder import APP_FILE, AppFolder, read_folder
from seawall.app.model import DEFAULT_LOCALE, App, Bundle, Role
from seawall.app.names import RESERVED_PATHS
from seawall.app.pages import read_pages
from seawall.app.prompt import Prompt
from seawall.app.prompts import read_prompts
from seawall.app.semantics import read_semantics
from seawall.app.shape import app_validator, shaped
from seawall.app.suggest import suggestion
from seawall.app.words import spoken, text_of
from seawall.app.yaml_reader import MalformedYaml, parse_yaml
from seawall.app.yaml_tree import Mark, Node, walk


def check(folder: Path) -> tuple[Bundle | None, tuple[Fault, ...]]:
    """The bundle, or None and every fault. Never raises for anything a folder may hold."""
    report = Report()
    try:
        files = read_folder(folder, report)
        app = _app(files, report)
    except TooManyFaults:
        return None, report.faults()
    if app is None or len(report):
        return None, _without_echoes(report.faults())
    return Bundle(app, files.digest(), files.hashes()), ()


def _app(files: AppFolder, report: Report) -> App | None:
    models = [node for path, data in files.semantic().items() if (node := _tree(path, data, report)) is not None]
    words = read_semantics(models, report)
    data = files.files.get(APP_FILE)
    if not files.semantic() and data is not None:
        report.add(
            Mark("semantic"),
            "missing_file",
            "The folder semantic/ has no .yaml file",
            fix="Declare datasets and metrics in semantic/NAME.yaml",
        )
    tree = _tree(APP_FILE, data, report) if data is not None else None
    if tree is None:
        return None
    root = shaped(tree, app_validator(), report)
    roles = read_roles(root.get("roles"), report)
    policies = read_policies(root.get("policies"), roles, words)
    name, prepare = root.get("name"), (root.get("data") or Node({}, root.mark)).get("prepare")
    if name is not None and name.text() in RESERVED_PATHS:
        report.add(
            name,
            "reserved_name",
            f"An app may not be called `{name.text()}`",
            expected=f"none of {', '.join(RESERVED_PATHS)}",
            fix="Rename it",
        )
    return App(
        name=name.text() if name else "",
        title=text_of(root.get("title"), spoken(name.text()) if name else ""),
        semantics=words.semantics,
        roles=roles,
        policies=policies,
        pages=read_pages(root.get("pages"), policies, words),
        locales=_locales(root, report),
        prepare=prepare.text() if prepare else "",
        prompts=_prompts(files, roles, report),
    )


def _prompts(files: AppFolder, roles: dict[str, Role], report: Report) -> dict[str, Prompt]:
    trees = {path: node for path, data in files.prompts().items() if (node := _tree(path, data, report)) is not None}
    return read_prompts(trees, files.hashes(), roles, report)


_UNREAD = frozenset({"malformed_yaml", "yaml_feature", "too_large", "wrong_type", "unreadable_file", "misplaced_file", "missing_file"})
_ECHOES = frozenset({"unknown_dataset", "unknown_field", "unknown_metric", "unknown_column", "needs_time", "not_groupable"})


def _without_echoes(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """When a semantic model could not be read at all, nothing is said about app.yaml not finding what it declares."""
    unread = any(fault.file.startswith("semantic") and not fault.where and fault.code in _UNREAD for fault in faults)
    return tuple(fault for fault in faults if not (unread and fault.file == APP_FILE and fault.code in _ECHOES))


def _tree(path: str, data: bytes, report: Report) -> Node | None:
    """The file's tree; malformed YAML and duplicate keys are reported."""
    try:
        node, duplicates = parse_yaml(data, path)
    except MalformedYaml as error:
        report.add(error.mark, error.code, error.detail, fix=error.hint)
        return None
    for again in duplicates:
        detail = f"The key `{again.key[:60]}` is there twice"
        report.add(again.mark, "duplicate_key", detail, got=f"first on line {again.first.line}", fix="Keep one of them")
    if not isinstance(node.value, dict):
        report.add(node, "wrong_type", "The file is not a mapping", expected="keys and values", fix="Write `key: value` lines")
        return None
    return node


_TEXT_KEYS = ("title", "description", "label")


def _locales(root: Node, report: Report) -> tuple[str, ...]:
    """The app's languages; texts in others are reported."""
    node = root.get("locales")
    if node is not None and node.broken:
        return (DEFAULT_LOCALE,)
    locales = tuple(child.text() for child in node.items()) if node is not None else (DEFAULT_LOCALE,)
    for place in walk(root):
        if place.where.rpartition(".")[2] in _TEXT_KEYS and place.key is not None:
            for locale, child in place.entries().items():
                _check_locale(locale, child, locales, report)
    return locales


def _check_locale(locale: str, node: Node, locales: tuple[str, ...], report: Report) -> None:
    if locale not in locales and isinstance(node.value, str):
        fix = f"Add `{locale}` to `locales`" if len(locale) < 12 else suggestion(locale, locales)
        report.add(
            node.key_mark(),
            "unknown_locale",
            f"`{locale[:20]}` is not a language of the app",
            where=node.where,
            expected=", ".join(locales),
            got=locale,
            fix=fix,
        )
