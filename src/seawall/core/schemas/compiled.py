"""A schema ready for use: its plan for reading step by step, and the `jsonschema` validator that has the last word.

Nothing is fetched: references lead within the schema. Schemas may come from anyone, so their size is bounded, patterns are linear-time,
and what a plan cannot decide early is decided by the validator at the value's end. `intake.py` says what is taken at all,
`compiler.py` makes the plan.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator

import msgspec
from referencing import Registry
from referencing.exceptions import Unresolvable

from seawall.core.schemas.compiler import Compiler
from seawall.core.schemas.errors import UnsupportedSchema, Violation, pointer
from seawall.core.schemas.intake import COMPILE_STEPS_MAX, Schema, check_schema
from seawall.core.schemas.plan import kind_of
from seawall.core.schemas.validator import FORMAT_CHECKER, SafeValidator
from seawall.core.schemas.work import TooMuch, begin

__all__ = ["COMPILE_STEPS_MAX", "CompiledSchema", "Schema", "compiled", "kept", "kind_of"]

BYTES_MAX = 128 << 10
KEPT_MAX = 256
KEPT_STEPS_MAX = 500_000
"""Schemas that are kept ready, and the work of making them, which their size in memory goes with."""


class CompiledSchema:
    """`plan` to read by, `fault` for a whole value."""

    __slots__ = ("_validator", "plan", "schema", "steps")

    def __init__(self, schema: Schema) -> None:
        begin()
        patterns = check_schema(schema)
        self.schema = schema
        self._validator = SafeValidator(schema, format_checker=FORMAT_CHECKER, registry=Registry())
        try:
            compiler = Compiler(schema, self._validator, patterns)
            self.plan = compiler.whole()
        except RecursionError as error:
            raise UnsupportedSchema("The schema's references follow one another too often") from error
        self.steps = compiler.steps
        """Work that making it took."""

    def fault(self, value: object) -> Violation | None:
        """The first thing wrong with a whole value, by the validator."""
        return next(self.faults(value), None)

    def faults(self, value: object) -> Iterator[Violation]:
        """Everything wrong with it."""
        begin()
        try:
            for error in self._validator.iter_errors(value):
                yield Violation(pointer(error.absolute_path), error.message[:300])
        except (RecursionError, Unresolvable, TooMuch) as error:
            yield Violation("", f"the schema cannot be followed: {type(error).__name__}")

    def is_valid(self, value: object) -> bool:
        """Whether a whole value keeps the schema."""
        return self.fault(value) is None


def compiled(schema: Schema) -> CompiledSchema:
    """The schema ready for use, kept by its text's digest. UnsupportedSchema."""
    text = msgspec.json.encode(schema)
    return found if (found := _KEPT.find(text)) is not None else _KEPT.make(text)


def kept(schema: Schema) -> CompiledSchema | None:
    """The schema, if it is kept ready: making one may take 100 ms."""
    return _KEPT.find(msgspec.json.encode(schema))


class _Kept:
    """Schemas that were used last, by digest; bounded in number and in the work that went into them. Used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, CompiledSchema] = OrderedDict()
        self._steps = 0
        self._lock = threading.Lock()

    def find(self, text: bytes) -> CompiledSchema | None:
        """One that is kept."""
        key = hashlib.blake2b(text, digest_size=32).digest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def make(self, text: bytes) -> CompiledSchema:
        """One that is not. UnsupportedSchema."""
        if len(text) > BYTES_MAX:
            raise UnsupportedSchema("The schema is too large", expected=f"at most {BYTES_MAX >> 10} KB", got=f"{len(text) >> 10} KB")
        made = CompiledSchema(msgspec.json.decode(text))
        key = hashlib.blake2b(text, digest_size=32).digest()
        with self._lock:
            before = self._kept.pop(key, None)
            self._steps += made.steps - (before.steps if before is not None else 0)
            self._kept[key] = made
            while len(self._kept) > KEPT_MAX or (self._steps > KEPT_STEPS_MAX and len(self._kept) > 1):
                self._steps -= self._kept.popitem(last=False)[1].steps
        return made


_KEPT = _Kept()
