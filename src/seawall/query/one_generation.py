"""Reading one generation, whatever becomes current meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from seawall.query.generations import Generation, GenerationReader, NoGeneration


class OnlyGeneration:
    """A reader of one generation, as if no other ever became current; of None, as if there was none yet."""

    def __init__(self, reader: GenerationReader, generation: Generation | None) -> None:
        self._reader = reader
        self._generation = generation

    def current(self, app: str) -> Generation:
        """The one. NoGeneration for None."""
        if self._generation is None:
            raise NoGeneration
        return self._generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        """As the reader it was made from knows it."""
        return self._reader.locate(id)
