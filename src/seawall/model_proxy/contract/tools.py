"""Arguments of strict tools, held to their schemas while they stream and when they are whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seawall.core.schemas.compiled import CompiledSchema
from seawall.core.schemas.errors import Violation
from seawall.model_proxy.call import Piece
from seawall.model_proxy.contract.fixers import fixed
from seawall.model_proxy.contract.reader import Reader


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Tool(msgspec.Struct, frozen=True):
    index: int = 0
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    tool_calls: list[_Tool] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []


_chunks = msgspec.json.Decoder(_Chunk)


class StreamedTools:
    """Follows the tool calls of one stream."""

    __slots__ = ("_readers", "_schemas")

    def __init__(self, schemas: Mapping[str, CompiledSchema]) -> None:
        self._schemas = schemas
        self._readers: dict[int, Reader] = {}

    def feed(self, piece: Piece) -> bool:
        """Take a piece in; whether all arguments so far are known to be right. Violation."""
        for choice in _chunks.decode(piece.data).choices:
            for tool in choice.delta.tool_calls or ():
                if tool.function is None:
                    continue
                schema = self._schemas.get(tool.function.name or "")
                if schema is not None and tool.index not in self._readers:
                    self._readers[tool.index] = Reader(schema.plan)
                reader = self._readers.get(tool.index)
                if reader is not None and tool.function.arguments:
                    reader.feed(tool.function.arguments)
        return all(reader.released() == reader.length for reader in self._readers.values())

    def finish(self) -> None:
        """The stream ends. Violation."""
        for reader in self._readers.values():
            reader.finish()


def checked_calls(calls: list[Any], schemas: Mapping[str, CompiledSchema]) -> list[Any]:
    """A whole message's tool calls with arguments mended where that is plain; the same list when nothing was. Violation."""
    changed = False
    out: list[Any] = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        schema = schemas.get(function.get("name", "")) if isinstance(function, dict) else None
        if schema is not None and isinstance(function, dict):
            said = str(function.get("arguments") or "")
            text = fixed(said, schema)
            if text is None:
                raise Violation("", f"the arguments of the call of `{str(function.get('name'))[:60]}` do not keep its parameters' schema")
            if text != said:
                changed = True
                call = {**call, "function": {**function, "arguments": text}}
        out.append(call)
    return out if changed else calls
