"""Find every fault of an app in one run. What passes here is the only thing the rest of Seawall ever sees."""

from __future__ import annotations

from pathlib import Path

from seawall.app.access import read_policies, read_roles
from seawall.app.echoes import lost_in_app, lost_in_model, without_echoes
from seawall.app.faults import Fault, Report, TooManyFaults
from seawall.app.folder import APP_FILE, AppFolder, read_folder
from seawall.app.locales import read_locales
from seawall.app.model import App, Bundle, Role
from seawall.app.names import RESERVED_PATHS
from seawall.app.pages import read_pages
from seawall.app.prompt import Prompt
from seawall.app.prompts import read_prompts
from seawall.app.semantics import read_semantics
from seawall.app.shape import app_validator, ossie_validator, shaped
from seawall.app.vocabulary import Vocabulary
from seawall.app.words import spoken, text_of
from seawall.app.yaml_reader import MalformedYaml, parse_yaml
from seawall.app.yaml_tree import Mark, Node


def check(folder: Path) -> tuple[Bundle | None, tuple[Fault, ...]]:
    """The bundle, or None and every fault. Never raises for anything a folder may hold."""
    report, lost = Report(), set[str]()
    try:
        files = read_folder(folder, report)
        app = _app(files, report, lost)
    except TooManyFaults:
        return None, without_echoes(report.faults(), lost)
    if app is None or len(report):
        return None, without_echoes(report.faults(), lost)
    return Bundle(app, files.digest(), files.hashes()), ()


def _app(files: AppFolder, report: Report, lost: set[str]) -> App | None:
    """The app as far as it can be read. `lost` receives what could not be (`echoes.py`)."""
    words = _words(files, report, lost)
    data = files.files.get(APP_FILE)
    tree = _tree(APP_FILE, data, report) if data is not None else None
    if tree is None:
        return None
    root = shaped(tree, app_validator(), report)
    lost.update(lost_in_app(root))
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
        locales=read_locales(root, report),
        prepare=prepare.text() if prepare else "",
        prompts=_prompts(files, roles, report),
    )


def _words(files: AppFolder, report: Report, lost: set[str]) -> Vocabulary:
    """What the semantic models declare."""
    trees = [_tree(path, data, report) for path, data in files.semantic().items()]
    models = [shaped(tree, ossie_validator(), report) if tree is not None else None for tree in trees]
    for model in models or [None]:
        lost.update(lost_in_model(model))
    if not trees and APP_FILE in files.files:
        fix = "Declare datasets and metrics in semantic/NAME.yaml"
        report.add(Mark("semantic"), "missing_file", "The folder semantic/ has no .yaml file", fix=fix)
    return read_semantics([model for model in models if model is not None], report)


def _prompts(files: AppFolder, roles: dict[str, Role], report: Report) -> dict[str, Prompt]:
    trees = {path: node for path, data in files.prompts().items() if (node := _tree(path, data, report)) is not None}
    return read_prompts(trees, files.hashes(), roles, report)


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
