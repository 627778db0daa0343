"""A prompt as an immutable value: a typed function that a model computes. `prompts.py` makes it and has checked it."""

from __future__ import annotations

from typing import Any, Literal

from seawall.app.model_words import Value

Role = Literal["system", "user", "assistant"]


class Part(Value, frozen=True):
    """Words as they stand, or the place of a value in the input."""

    text: str = ""
    path: tuple[str, ...] = ()
    """Keys that lead to the value; empty: the part is `text`."""


class Message(Value, frozen=True):
    """One message, made of parts."""

    role: Role
    parts: tuple[Part, ...]


class Example(Value, frozen=True):
    """A call and what it should answer; shown to the model, and held to both schemas."""

    input: Any
    output: Any


class Variant(Value, frozen=True):
    """One way to ask. What it leaves out is as the prompt has it."""

    name: str
    weight: int = 100
    messages: tuple[Message, ...] = ()
    model: str = ""
    """A model or route; empty: the prompt's tier."""
    temperature: float | None = None
    max_tokens: int = 0


class Prompt(Value, frozen=True):
    """All of it."""

    name: str
    title: dict[str, str]
    """By language."""
    input: dict[str, Any]
    output: dict[str, Any]
    messages: tuple[Message, ...]
    version: str
    """SHA-256 of its file, 16 hexadecimal digits."""
    examples: tuple[Example, ...] = ()
    variants: tuple[Variant, ...] = ()
    tier: Literal["small", "large"] = "small"
    temperature: float = 0.0
    max_tokens: int = 512
    batch: bool = False
    """Calls that come within milliseconds are asked as one."""
    cache: bool = True
    data_class: Literal["public", "internal", "confidential", "restricted"] = "internal"
    check: str = ""
    """An artifact check by name."""
    roles: tuple[str, ...] = ()
    """Who may call it; empty: every role."""
