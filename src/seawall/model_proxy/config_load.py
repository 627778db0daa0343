"""models.yaml → `Config`, or every fault in it with file, line, what was expected, what came and how to mend it.

Without a file of its own an instance uses the one that ships here: the embedded models, no key, no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.app.faults import Fault, Report, TooManyFaults
from seawall.app.yaml_reader import MalformedYaml, parse_yaml
from seawall.app.yaml_tree import Mark, Node
from seawall.core.errors import ConfigurationError
from seawall.model_proxy.config import Config, Provider
from seawall.model_proxy.config_providers import read_models, read_providers, read_regions, read_routes
from seawall.model_proxy.config_reader import Reader
from seawall.model_proxy.config_stages import STAGE_KEYS, read_stages

PACKAGED = Path(__file__).with_name("models.yaml")
VARIABLE = "SEAWALL_MODELS"
SECTIONS = ("providers", "models", "routes", "residency", *STAGE_KEYS)


class InvalidModels(ConfigurationError):
    """models.yaml has faults. `seawall models check FILE` lists them."""

    slug = "invalid-models"
    title = "models.yaml is not valid"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        super().__init__(f"models.yaml has {count}; the first is {faults[0]}" if faults else "", fix="Run `seawall models check FILE`")


def models_file(environment: Mapping[str, str]) -> Path:
    """The file an instance uses: `SEAWALL_MODELS`, else the one that ships with Seawall."""
    named = environment.get(VARIABLE, "")
    return Path(named) if named else PACKAGED


def load(path: Path = PACKAGED) -> Config:
    """The configuration in `path`. InvalidModels, carrying every fault, otherwise."""
    config, faults = check(path)
    if config is None:
        raise InvalidModels(faults)
    return config


def check(path: Path, environment: Mapping[str, str] | None = None) -> tuple[Config | None, tuple[Fault, ...]]:
    """The configuration, or None and every fault. With an environment, keys are looked for as well. Never raises."""
    try:
        data = path.read_bytes()
    except OSError as error:
        report = Report()
        detail = f"The file cannot be read: {error.strerror}"
        report.add(Mark(path.name), "missing_file", detail, got=str(path), fix="Name another with --models")
        return None, report.faults()
    return parse(data, path.name, environment, path.absolute().parent)


def parse(
    data: bytes, file: str, environment: Mapping[str, str] | None = None, folder: Path = Path()
) -> tuple[Config | None, tuple[Fault, ...]]:
    """The same for the bytes of a file; files it names are relative to `folder`."""
    report = Report()
    try:
        config = _read(data, file, report, environment, folder)
    except TooManyFaults:
        config = None
    except MalformedYaml as error:
        report.add(error.mark, error.code, error.detail, fix=error.hint)
        config = None
    return (None if len(report) else config), report.faults()


def _read(data: bytes, file: str, report: Report, environment: Mapping[str, str] | None, folder: Path) -> Config:
    root, duplicates = parse_yaml(data, file)
    for again in duplicates:
        detail, first = f"The key `{again.key[:60]}` is there twice", f"first on line {again.first.line}"
        report.add(again.mark, "duplicate_key", detail, got=first, fix="Keep one of them")
    reader = Reader(report)
    root = reader.mapping(root, SECTIONS, required=("providers", "models"))
    providers = {name: _anchored(provider, folder) for name, provider in read_providers(root, reader).items()}
    models = read_models(root, reader, providers)
    routes = read_routes(root, reader, models, providers)
    tenants = root.get("residency") or Node({}, root.mark)
    residency = {tenant: read_regions(tenants, tenant, reader, providers) for tenant, _ in reader.named(root, "residency")}
    if environment is not None:
        _look_for_keys(root, providers, environment, report)
    return Config(providers, models, routes, residency=residency, **read_stages(root, reader))


def _anchored(provider: Provider, folder: Path) -> Provider:
    """With the path of its key's file made whole."""
    if provider.key is None or not provider.key.file:
        return provider
    return msgspec.structs.replace(provider, key=msgspec.structs.replace(provider.key, file=str(folder / provider.key.file)))


def _look_for_keys(root: Node, providers: Mapping[str, Provider], environment: Mapping[str, str], report: Report) -> None:
    for name, node in (root.get("providers") or root).entries().items():
        provider = providers.get(name)
        if provider is None or provider.key is None:
            continue
        try:
            provider.key.read(environment)
        except ConfigurationError as error:
            report.add(node.get("key") or node, "missing_key", error.detail, expected=error.expected, fix=error.fix)
