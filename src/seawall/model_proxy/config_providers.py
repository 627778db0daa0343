"""The parts of models.yaml that say where models are: providers, models, routes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import get_args
from urllib.parse import urlsplit

from seawall.app.yaml_tree import Node
from seawall.model_proxy.call import DATA_CLASSES, Limits, Target, Tier
from seawall.model_proxy.config import (
    LOCAL_REGION,
    KeyReference,
    Model,
    ModelKind,
    Provider,
    ProviderKind,
    ProviderLimits,
    Route,
    Timeouts,
)
from seawall.model_proxy.config_reader import Reader
from seawall.model_proxy.upstream_connection import ANSWER_BYTES_MAX

NANODOLLARS_PER_TOKEN = 1_000
"""1 USD for a million tokens is 1,000 nano-dollars a token."""
LIMIT_KEYS = ("requests_per_minute", "tokens_per_minute", "streams")
_PROVIDER_KEYS = ("kind", "url", "key", "region", "classes", "allow_private", "remote_images", "provider", "limits", "timeouts")
_PROVIDER_LIMITS = ("connections", "requests_per_minute", "tokens_per_minute", "answer_mb", "embeddings_mb", "stream_mb")
_MODEL_KEYS = ("provider", "model", "kind", "tier", "prices", "context", "dimensions", "limits")
_ROUTE_KEYS = ("variants", "fallback", "regions")
KEY_HEADERS = ("authorization", "api-key", "x-api-key")
_WEIGHT_MAX = 1_000_000


def read_providers(root: Node, reader: Reader) -> dict[str, Provider]:
    """`providers`, by id."""
    return {name: _provider(name, node, reader) for name, node in reader.named(root, "providers")}


def _provider(name: str, given: Node, reader: Reader) -> Provider:
    node = reader.mapping(given, _PROVIDER_KEYS, required=("kind",))
    kind: ProviderKind = reader.choice(node, "kind", get_args(ProviderKind), "openai")
    private = reader.flag(node, "allow_private")
    if kind == "any-llm" and node.get("provider") is None:
        reader.report.add(
            node, "missing_key", f"`{node.where}` has no `provider`", expected="the name any-llm knows it by", fix="Add `provider`"
        )
    limits = reader.section(node, "limits", _PROVIDER_LIMITS)
    return Provider(
        id=name,
        kind=kind,
        url=_url(node, kind, reader, private=private),
        key=_key(node, reader),
        region=reader.text(node, "region", LOCAL_REGION if kind == "embedded" else ""),
        classes=reader.choices(node, "classes", DATA_CLASSES, DATA_CLASSES if kind == "embedded" else ("public", "internal")),
        allow_private=private,
        remote_images=_remote_images(node, kind, reader),
        provider=reader.text(node, "provider"),
        limits=ProviderLimits(
            connections=reader.whole(limits, "connections", 64, least=1, most=4096),
            requests_per_minute=reader.whole(limits, "requests_per_minute", 0),
            tokens_per_minute=reader.whole(limits, "tokens_per_minute", 0),
            answer_mb=reader.whole(limits, "answer_mb", 8, least=1, most=ANSWER_BYTES_MAX >> 20),
            embeddings_mb=reader.whole(limits, "embeddings_mb", 32, least=1, most=ANSWER_BYTES_MAX >> 20),
            stream_mb=reader.whole(limits, "stream_mb", 32, least=1, most=ANSWER_BYTES_MAX >> 20),
        ),
        timeouts=_timeouts(node, reader),
    )


def _remote_images(node: Node, kind: ProviderKind, reader: Reader) -> bool:
    """Only who fetches by itself may be asked to: an SDK of any-llm might do it from here."""
    wanted = reader.flag(node, "remote_images")
    if wanted and kind != "openai":
        reader.wrong(node.get("remote_images") or node, "bad_value", "false: only a `kind: openai` fetches by itself", fix="Remove it")
    return wanted and kind == "openai"


def _timeouts(node: Node, reader: Reader) -> Timeouts:
    section, usual = reader.section(node, "timeouts", ("connect", "first_byte", "idle", "total")), Timeouts()
    return Timeouts(
        connect=reader.seconds(section, "connect", usual.connect, least=0.001, most=60.0),
        first_byte=reader.seconds(section, "first_byte", usual.first_byte, least=0.001, most=3600.0),
        idle=reader.seconds(section, "idle", usual.idle, least=0.001, most=3600.0),
        total=reader.seconds(section, "total", usual.total, least=0.001, most=86_400.0),
    )


def _url(node: Node, kind: ProviderKind, reader: Reader, *, private: bool) -> str:
    given = node.get("url")
    if given is None:
        if kind == "openai":
            reader.report.add(node, "missing_key", f"`{node.where}` has no `url`", expected="like https://host/v1", fix="Add `url`")
        return ""
    url = reader.text(node, "url")
    fault = _url_fault(url, private=private) if url else ""
    if kind == "embedded":
        fault = "nothing: the embedded engine has a socket of its own"
    if fault:  # what stands there is not repeated: people put passwords into addresses
        reader.wrong(given, "bad_value", fault, fix="Correct the address", secret=True)
    return url.rstrip("/")


def _url_fault(url: str, *, private: bool) -> str:
    """What was expected; "" when it is as it should be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "an address like https://host/v1"
    if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1:
        return "" if private else "`allow_private: true` beside a unix socket"
    if parts.scheme not in ("http", "https") or not host:
        return "an address like https://host/v1"
    if parts.username is not None or parts.password is not None:
        return "no user or password in the address; use `key`"
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return "an address without query, fragment, blanks or characters beyond ASCII"
    if parts.scheme == "http" and not private:
        return "https, or `allow_private: true` for plain HTTP inside your own network"
    return ""


def _key(node: Node, reader: Reader) -> KeyReference | None:
    given = node.get("key")
    if given is None:
        return None
    if not isinstance(given.value, dict):
        reader.wrong(
            given, "wrong_type", "{env: NAME} or {file: PATH}", fix="Keep the key out of this file and name where it is", secret=True
        )
        return None
    section = reader.mapping(given, ("env", "file", "header"))
    if len({"env", "file"} & section.entries().keys()) != 1:
        reader.wrong(given, "wrong_count", "one of `env` and `file`", secret=True)
    header = reader.choice(section, "header", KEY_HEADERS, "authorization")
    return KeyReference(env=reader.text(section, "env"), file=reader.text(section, "file"), header=header)


def read_limits(node: Node, reader: Reader, usual: Limits) -> Limits:
    """Requests, tokens and streams."""
    return Limits(*(reader.whole(node, key, getattr(usual, key)) for key in LIMIT_KEYS))


def read_models(root: Node, reader: Reader, providers: Mapping[str, Provider]) -> dict[str, Model]:
    """`models`, by id."""
    return {name: _model(name, node, reader, providers) for name, node in reader.named(root, "models")}


def _model(name: str, given: Node, reader: Reader, providers: Mapping[str, Provider]) -> Model:
    node = reader.mapping(given, _MODEL_KEYS, required=("provider", "model"))
    provider = node.get("provider")
    if provider is not None:
        reader.known(provider, "provider", providers)
    prices = reader.section(node, "prices", ("input", "output"))
    kind: ModelKind = reader.choice(node, "kind", get_args(ModelKind), "chat")
    dimensions = node.get("dimensions")
    if dimensions is not None and kind == "chat":
        reader.wrong(dimensions, "bad_value", "nothing: only a `kind: embedding` has dimensions", fix="Remove it, or add `kind: embedding`")
    target = Target(
        id=name,
        provider=reader.text(node, "provider"),
        model=reader.text(node, "model"),
        tier=reader.choice(node, "tier", get_args(Tier), "small"),
        input_price=_price(prices, "input", reader),
        output_price=_price(prices, "output", reader),
        context=reader.whole(node, "context", 8192, least=1, most=100_000_000),
    )
    limits = read_limits(reader.section(node, "limits", LIMIT_KEYS), reader, Limits())
    return Model(target, kind, reader.whole(node, "dimensions", 0, least=1, most=65_536), limits)


def _price(node: Node, key: str, reader: Reader) -> int:
    """Nano-dollars a token, rounded up: what is spent is never booked too low."""
    return math.ceil(round(reader.number(node, key, 0.0, most=1_000_000.0) * NANODOLLARS_PER_TOKEN, 6))


def read_regions(node: Node, key: str, reader: Reader, providers: Mapping[str, Provider]) -> tuple[str, ...]:
    """Regions in which a provider is; others would let nobody answer."""
    known = {provider.region for provider in providers.values() if provider.region}
    return tuple(one.text() for one in reader.texts(node, key) if reader.known(one, "region", known))


def read_routes(root: Node, reader: Reader, models: Mapping[str, Model], providers: Mapping[str, Provider]) -> dict[str, Route]:
    """`routes`, by name, and one for each model."""
    routes = {name: Route(name, {name: 1}) for name in models}
    for name, node in reader.named(root, "routes"):
        if name in models:
            fix = "Rename the route; a model's name is a route of itself"
            reader.report.add(node.key_mark(), "duplicate_name", f"`{name}` is the name of a model", where=node.where, got=name, fix=fix)
        routes[name] = _route(name, node, reader, models, providers)
    return routes


def _route(name: str, given: Node, reader: Reader, models: Mapping[str, Model], providers: Mapping[str, Provider]) -> Route:
    node = reader.mapping(given, _ROUTE_KEYS, required=("variants",))
    variants = _variants(node, reader, models)
    fallback = [one for one in reader.texts(node, "fallback") if reader.known(one, "model", models)]
    regions = read_regions(node, "regions", reader, providers)
    kinds = {models[one].kind for one in [*variants, *(item.text() for item in fallback)]}
    if len(kinds) > 1:
        detail = f"`{node.where}` mixes chat and embedding models"
        reader.report.add(node, "bad_value", detail, expected="models of one kind", fix="Make a route for each kind")
    return Route(name, variants, tuple(dict.fromkeys(one.text() for one in fallback)), regions)


def _variants(node: Node, reader: Reader, models: Collection[str]) -> dict[str, int]:
    given = node.get("variants")
    if given is None:
        return {}
    if not isinstance(given.value, dict):
        reader.wrong(given, "wrong_type", "a mapping from models to weights", fix="Write it like {smollm2-135m: 100}")
        return {}
    found = {}
    for model, weight in given.value.items():
        if reader.known(weight, "model", models, at=weight.key_mark(), got=model):
            found[model] = reader.whole(given, model, 0, most=_WEIGHT_MAX)
    if not any(found.values()) and len(found) == len(given.value):
        reader.wrong(given, "bad_value", "a weight above 0", fix="Give one of the models a weight, like {smollm2-135m: 100}")
    return found
