"""The classifier of injections: a logistic regression over MiniLM's embeddings, trained on the corpus by `train.py`.

It reads what a text means, so it finds what no rule has words for, and takes about 11 ms a sentence (3 ms for a few words). Texts are read
sentence by sentence; the most suspicious one counts. It reads a whole call up to a length, and
says when there is more. How well it does is measured on held-out texts: docs/reference/screening.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.minilm import VERSION, Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SENTENCE_END = re.compile(r"[.!?。！？]+[\s\"')\]]+|\n+|[。！？]")
WEIGHTS = Path(__file__).parent / "weights.json"
STRETCH = 200
"""Characters of a text that are judged at once, at most."""
STRETCH_MIN = 24
"""Shorter sentences are judged together with the next."""
STRETCHES_MAX = 256
CHARACTERS_MAX = 64 << 10
"""Of one request. Of more the beginning and the end are read, and the policy says what becomes of it (`unread`)."""


class Weights(msgspec.Struct, frozen=True):
    """A trained regression."""

    embedding: str
    """The version of the embedding model it was trained on."""
    threshold: float
    """Of the logit."""
    bias: float
    weights: tuple[float, ...]


def load(path: Path = WEIGHTS) -> Weights:
    """ConfigurationError when they were trained on another embedding model."""
    weights = msgspec.json.decode(path.read_bytes(), type=Weights)
    if weights.embedding != VERSION:
        raise ConfigurationError("The classifier's weights are for another model", expected=VERSION, got=weights.embedding)
    return weights


def stretches(text: str) -> list[str]:
    """A text's sentences: an order among many ordinary ones is judged by itself. Very long ones are cut."""
    found: list[str] = []
    begin = 0
    for match in _SENTENCE_END.finditer(text):
        if match.end() - begin >= STRETCH_MIN:
            found += _cut(text[begin : match.end()])
            begin = match.end()
    return [part for part in (*found, *_cut(text[begin:])) if part.strip()]


def _cut(text: str) -> list[str]:
    return [text[at : at + STRETCH] for at in range(0, len(text), STRETCH)]


def _parts(texts: Sequence[str]) -> list[str]:
    """Different stretches, of the first and the last texts where there are too many characters."""
    half = CHARACTERS_MAX // 2
    if sum(map(len, texts)) > CHARACTERS_MAX:
        texts = [*_first(texts, half), *reversed([text[::-1] for text in _first([text[::-1] for text in reversed(texts)], half)])]
    return list(dict.fromkeys(part for text in texts for part in stretches(text)))


def _first(texts: Sequence[str], characters: int) -> list[str]:
    found: list[str] = []
    for text in texts:
        if characters <= 0:
            break
        found.append(text[:characters])
        characters -= len(text)
    return found


def _ends(parts: list[str]) -> list[str]:
    half = STRETCHES_MAX // 2
    return parts if len(parts) <= STRETCHES_MAX else parts[:half] + parts[-half:]


class InjectionClassifier:
    """`screen.Classifier`."""

    def __init__(self, embedder: Embedder, weights: Weights | None = None) -> None:
        self._embedder = embedder
        self._weights = weights or load()

    def unread(self, texts: Sequence[str]) -> bool:
        """Whether there is more than it reads."""
        return sum(map(len, texts)) > CHARACTERS_MAX or len(_parts(texts)) > STRETCHES_MAX

    async def injected(self, texts: Sequence[str]) -> bool:
        """Whether one of the texts gives the model orders."""
        for part in _ends(_parts(texts)):  # one by one, so that other requests' texts come between
            if (logits(self._weights, await self._embedder.embed([part])) >= self._weights.threshold).any():
                return True
            await asyncio.sleep(0)
        return False


def logits(weights: Weights, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The regression's answer for each row."""
    import numpy as np

    answer: NDArray[np.float64] = rows.astype(np.float64) @ np.asarray(weights.weights) + weights.bias
    return answer
