"""Which models there are, in the shapes of OpenAI's `/v1/models`. A default table until apps bring routes of their own.

https://platform.openai.com/docs/api-reference/models
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.model_proxy.config import Config


class ModelCard(msgspec.Struct, frozen=True):
    """One model as its users know it."""

    id: str
    created: int
    """Seconds since 1970."""
    owned_by: str
    object: Literal["model"] = "model"


class ModelList(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/models`."""

    data: tuple[ModelCard, ...]
    object: Literal["list"] = "list"


DEFAULT_MODELS: tuple[ModelCard, ...] = (
    ModelCard(id="small", created=1_760_000_000, owned_by="seawall"),
    ModelCard(id="large", created=1_760_000_000, owned_by="seawall"),
)
"""The two tiers every prompt may name."""
CREATED = 1_760_000_000
"""Seconds since 1970. models.yaml does not say since when a model is there, and SDKs want a number."""


def cards(config: Config) -> tuple[ModelCard, ...]:
    """Routes, then models, in the order of models.yaml."""
    routes = [ModelCard(id=name, created=CREATED, owned_by="seawall") for name in config.routes if name not in config.models]
    return (*routes, *(ModelCard(id=name, created=CREATED, owned_by=model.target.provider) for name, model in config.models.items()))
