"""A cascade for one app: what its bundle keeps for it (confidence, examples), and the services that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from seawall.app.model import Bundle
from seawall.ask.calibration import NOBODY, Calibration
from seawall.ask.cascade import Cascade, Confidence
from seawall.ask.golden import read
from seawall.ask.large import Chat, Example, LargeTier
from seawall.ask.lexicons import KeptLexicons
from seawall.ask.reading import Similar, lexicon_of
from seawall.ask.semantic_cache import SemanticCache
from seawall.ask.similar import Embeds, Nearest, Vectors
from seawall.core.deadline import Deadline
from seawall.core.errors import ConfigurationError
from seawall.query.cache import Cache
from seawall.query.service import QueryService

CONFIDENCE_FILE = "golden/confidence.json"
EXAMPLES_FILE = "golden/dev.jsonl"
"""Never the held-out questions: those are for judging."""
DEFAULT = Path(__file__).with_name("confidence.json")
"""Fitted on the reference app, for apps that have no golden questions of their own."""


class Client(Chat, Embeds, Protocol):
    """The part of `ModelProxyClient` that is used."""


def open_cascade(
    bundle: Bundle, folder: Path, service: QueryService, *, client: Client | None = None, cache: Cache | None = None, large: bool = True
) -> tuple[Cascade, KeptLexicons]:
    """The cascade and the lexicons it builds, which the caller closes. Without a client only the parser answers."""
    lexicons = KeptLexicons(service, lexicon_of)
    similar = _similar(client) if client is not None else None
    cascade = Cascade(
        bundle,
        service,
        lexicons,
        confidence_of(bundle, folder),
        cache=SemanticCache(cache) if cache is not None else None,
        large=LargeTier(client) if client is not None and large else None,
        examples=examples_of(bundle, folder),
        similar=similar,
    )
    return cascade, lexicons


def confidence_of(bundle: Bundle, folder: Path) -> Confidence:
    """What the bundle keeps, or what ships with Seawall. ConfigurationError when it cannot be read."""
    data = _held(bundle, folder, CONFIDENCE_FILE)
    if data is None:
        data = DEFAULT.read_bytes() if DEFAULT.is_file() else b""
    if not data:
        return Confidence(Calibration({}, 0.0, NOBODY))
    try:
        return msgspec.json.decode(data, type=Confidence)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{CONFIDENCE_FILE} cannot be read", got=str(error)[:200], fix=f"Make it anew with `seawall golden fit {folder.name}`"
        ) from error


def examples_of(bundle: Bundle, folder: Path) -> tuple[Example, ...]:
    """Golden questions that are not follow-ups, for prompts."""
    if _held(bundle, folder, EXAMPLES_FILE) is None:
        return ()
    return tuple(Example(one.question, one.expect) for one in read(folder / EXAMPLES_FILE) if not one.after and one.question.strip())


def _held(bundle: Bundle, folder: Path, name: str) -> bytes | None:
    """A file's bytes, when they are those the bundle was built with."""
    wanted = bundle.files.get(name)
    if not wanted:
        return None
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == wanted else None


def _similar(client: Embeds) -> Callable[[str, Deadline], Similar]:
    vectors = Vectors(client)
    return lambda token, deadline: Nearest(vectors, token, deadline)
