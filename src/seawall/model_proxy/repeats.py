"""Texts that were embedded before, and those that stand twice in a request: a provider is asked only for the rest.

What is remembered belongs to those with the same rights in a tenant, and to one model by every name it has, with the request's other
members (dimensions, encoding). Numbers come back as they came. The header `Seawall-Cache` counts as for the exact cache.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.model_proxy.answering import Unreadable
from seawall.model_proxy.cache.keys import IRRELEVANT, mode_of
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Target

_encode = msgspec.json.Encoder(order="deterministic").encode
_NUMBERS, _TEXT = b"n", b"t"


class Repeats:
    """Looks requests up in a memo."""

    def __init__(self, memo: EmbeddingMemo) -> None:
        self._memo = memo

    def look(self, call: Call, target: Target) -> Remembered | None:
        """What is known of a request; None when it is not one for texts, or must not be remembered."""
        mode, texts = mode_of(call), _texts(call.body.get("input"))
        if mode == "off" or not texts or call.caller is None:
            return None
        rest = {name: value for name, value in call.body.items() if name not in IRRELEVANT and name not in ("input", "model")}
        whose = f"{call.caller.tenant}\0{call.caller.fingerprint}"
        version = _encode((target.provider, target.model, call.data_class, rest)).decode()
        found = self._memo.find(whose, target.id, version, texts) if mode == "on" else [None] * len(texts)
        known = {text: vector for text, vector in zip(texts, found, strict=True) if vector is not None}
        return Remembered(self._memo, (whose, target.id, version), target.model, texts, known)


class Remembered:
    """One request: `missing` is what its provider must be asked for, each text once."""

    def __init__(self, memo: EmbeddingMemo, place: tuple[str, str, str], model: str, texts: Sequence[str], known: dict[str, bytes]) -> None:
        self._memo = memo
        self._place = place
        self._model = model
        self._texts = texts
        self._known = known
        self.missing = [text for text in dict.fromkeys(texts) if text not in known]

    def body(self) -> dict[str, Any]:
        """The answer to a request of which nothing is missing; it used nothing."""
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return {"object": "list", "data": self._data({}), "model": self._model, "usage": usage}

    def merged(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer for all texts, of that for the missing ones (in order, a vector for each); its usage stays what was asked for."""
        given = dict(zip(self.missing, _vectors(answer), strict=True))
        return {**answer, "data": self._data(given)}

    def keep(self, answer: dict[str, Any]) -> None:
        """Remember an answer for the missing texts."""
        packed = [(text, _packed(vector)) for text, vector in zip(self.missing, _vectors(answer), strict=True)]
        kept = [(text, vector) for text, vector in packed if vector]
        self._memo.keep(*self._place, [text for text, _ in kept], [vector for _, vector in kept])

    def _data(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        vectors = given | {text: _unpacked(vector) for text, vector in self._known.items()}
        return [{"object": "embedding", "index": index, "embedding": vectors[text]} for index, text in enumerate(self._texts)]


def _texts(given: object) -> list[str]:
    if isinstance(given, str):
        return [given]
    return given if isinstance(given, list) and all(isinstance(one, str) for one in given) else []


def _vectors(answer: dict[str, Any]) -> list[Any]:
    try:
        return [one["embedding"] for one in answer["data"]]
    except KeyError:
        raise Unreadable("The provider's answer does not have an embedding for each text") from None


def _packed(embedding: object) -> bytes:
    """Empty for what is no vector."""
    if isinstance(embedding, str):
        return _TEXT + embedding.encode("utf-8", "surrogatepass")
    if isinstance(embedding, list) and all(isinstance(one, float) for one in embedding):
        return _NUMBERS + array("d", embedding).tobytes()
    return b""


def _unpacked(vector: bytes) -> str | list[float]:
    if vector[:1] == _TEXT:
        return vector[1:].decode("utf-8", "surrogatepass")
    return array("d", vector[1:]).tolist()
