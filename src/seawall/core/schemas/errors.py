"""What can be wrong with a schema, and with a value held to one."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.core.errors import InvalidInput


class UnsupportedSchema(InvalidInput):
    """The schema is not one that answers can be held to."""

    slug = "unsupported-schema"


class Violation(Exception):
    """A value breaks its schema, or a text is not JSON. `path` is a JSON pointer; `fixable` says that a fixer may mend it."""

    def __init__(self, path: str, sentence: str, *, fixable: bool = False) -> None:
        self.path, self.sentence, self.fixable = path, sentence, fixable
        super().__init__(f"{path or '/'}: {sentence}")


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer. RFC 6901"""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
