"""The prompts of the apps that are served: who may call them, which way they are asked, the messages they become.

Rendering is memoised. A text of the input goes in as it is and everything else as JSON, each as a content part of its own that is marked
as data, so that what it says is screened as what it is and is never taken for the template's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from seawall.app.model import Bundle
from seawall.app.prompt import Message, Prompt, Variant
from seawall.core.principal import Principal
from seawall.core.schemas.compiled import CompiledSchema, compiled
from seawall.model_proxy.cache.memo import TemplateMemo
from seawall.model_proxy.contract.contract import Artifact
from seawall.model_proxy.route.sticky import Weighted, choose, weighted
from seawall.model_proxy.scopes import allows
from seawall.telemetry.events import event

DATA = {"source": "data"}
_encode = msgspec.json.Encoder().encode


class Ready(msgspec.Struct, frozen=True):
    """A prompt, ready to be called."""

    app: str
    prompt: Prompt
    input: CompiledSchema
    output: CompiledSchema
    variants: Mapping[str, Variant]
    weights: tuple[Weighted, ...]
    allowed: frozenset[str]
    """Roles whose holders may call it; empty: everybody."""
    artifact: Artifact | None = None

    @property
    def path(self) -> str:
        """`app/prompt`."""
        return f"{self.app}/{self.prompt.name}"

    def may(self, principal: Principal) -> bool:
        """Whether somebody may call it."""
        return (not self.allowed or not self.allowed.isdisjoint(principal.roles)) and allows(principal.scopes, f"prompts:{self.path}")

    def variant(self, user: str) -> Variant:
        """The way this user's calls are asked."""
        return self.variants[choose(user.encode(), self.weights).name] if self.weights else Variant("default")


class Library:
    """All of them, by app and name. A prompt whose artifact check nobody registered is left out, and an event says so."""

    def __init__(self, bundles: Iterable[Bundle], artifacts: Mapping[str, Artifact]) -> None:
        self._prompts: dict[tuple[str, str], Ready] = {}
        self._rendered: TemplateMemo[bytes] = TemplateMemo()
        for bundle in bundles:
            for prompt in bundle.app.prompts.values():
                if prompt.check and prompt.check not in artifacts:
                    event("prompt.left_out", app=bundle.app.name, prompt=prompt.name, check=prompt.check)
                    continue
                self._prompts[bundle.app.name, prompt.name] = _ready(bundle, prompt, artifacts.get(prompt.check))

    def find(self, app: str, name: str) -> Ready | None:
        """A prompt; None when there is none."""
        return self._prompts.get((app, name))

    def of(self, principal: Principal) -> tuple[Ready, ...]:
        """Those that somebody may call."""
        return tuple(ready for ready in self._prompts.values() if ready.may(principal))

    def messages(self, ready: Ready, variant: Variant, value: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the model is asked; a list of its own for each call, since screening changes it."""
        version = f"{ready.path}\0{ready.prompt.version}\0{variant.name}"
        found = self._rendered.render(version, value, lambda: _encode(rendered(ready.prompt, variant, value)))
        messages: list[dict[str, Any]] = msgspec.json.decode(found)
        return messages


def rendered(prompt: Prompt, variant: Variant, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages: those of the template up to the last user's, the examples as talk, then the last."""
    written = _merged(prompt.messages, variant.messages)
    last = next((at for at in range(len(written) - 1, -1, -1) if written[at].role == "user"), len(written))
    asked = [_message(message, value) for message in written]
    shown: list[dict[str, Any]] = []
    for example in prompt.examples:
        question = _message(written[last], example.input) if last < len(written) else {"role": "user", "content": _text(example.input)}
        shown += [_plain(question), {"role": "assistant", "content": _text(example.output)}]
    return [*asked[:last], *shown, *asked[last:]] if last < len(written) else [*asked, *shown, {"role": "user", "content": [_data(value)]}]


def _merged(messages: Sequence[Message], instead: Sequence[Message]) -> list[Message]:
    """The prompt's messages, those of a variant in place of the last of the same role."""
    merged = list(messages)
    for message in instead:
        at = next((index for index in range(len(merged) - 1, -1, -1) if merged[index].role == message.role), None)
        if at is None:
            merged.insert(0 if message.role == "system" else len(merged), message)
        else:
            merged[at] = message
    return merged


def _message(message: Message, value: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON value
    parts = [_data(_at(value, part.path)) if part.path else {"type": "text", "text": part.text} for part in message.parts]
    if all(not part.path for part in message.parts):
        return {"role": message.role, "content": "".join(part.text for part in message.parts)}
    return {"role": message.role, "content": parts}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """An example's question: the app wrote it, so it is no data from outside."""
    content = message["content"]
    return message if isinstance(content, str) else {**message, "content": "".join(part["text"] for part in content)}


def _data(value: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON value
    return {"type": "text", "text": _text(value), "seawall": DATA}


def _text(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    return value if isinstance(value, str) else _encode(value).decode()


def _at(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- any JSON value
    """The value at a path; null where the input leaves it out."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _ready(bundle: Bundle, prompt: Prompt, artifact: Artifact | None) -> Ready:
    path = f"{bundle.app.name}/{prompt.name}"
    weights = weighted(f"prompt {path}", {variant.name: variant.weight for variant in prompt.variants})
    return Ready(
        bundle.app.name,
        prompt,
        compiled(prompt.input),
        compiled(prompt.output),
        {variant.name: variant for variant in prompt.variants},
        weights,
        frozenset(_including(prompt.roles, bundle)),
        artifact,
    )


def _including(roles: Sequence[str], bundle: Bundle) -> Iterable[str]:
    """The roles, and those that include them."""
    found = set(roles)
    while found and (more := {name for name, role in bundle.app.roles.items() if name not in found and found & set(role.extends)}):
        found |= more
    return found
