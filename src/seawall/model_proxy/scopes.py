"""What a key may be used for: `chat`, `embeddings`, `models`, `eval`, `prompts:APP/PROMPT`, with `*` for any prompt or any app.

A token without scopes is a person's and may do what people may: everything but `eval`, which replaces answers by recorded ones and so
has to be asked for by name. A key is made with scopes (`DEFAULT_SCOPES`); one that has none, however it came about, may do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from seawall.core.errors import InvalidInput
from seawall.model_proxy.errors import OutOfScope

EVAL = "eval"
WORDS = ("chat", "embeddings", "models", EVAL)
DEFAULT_SCOPES = ("chat", "embeddings", "models")
_PROMPTS = re.compile(r"prompts:(\*|[A-Za-z0-9_-]{1,100}/(\*|[A-Za-z0-9_-]{1,100}))")


def parse_scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """The scopes, each once. InvalidInput for a word that is none."""
    found = tuple(dict.fromkeys(texts))
    for text in found:
        if text not in WORDS and _PROMPTS.fullmatch(text) is None:
            raise InvalidInput(
                "There is no such scope",
                expected=f"{', '.join(WORDS)}, prompts:APP/PROMPT, prompts:APP/* or prompts:*",
                got=repr(text[:60]),
            )
    return found


@lru_cache(maxsize=4096)
def allows(scopes: tuple[str, ...], wanted: str) -> bool:
    """Whether somebody with `scopes` may do `wanted`: a word, or `prompts:APP/PROMPT`."""
    if not scopes:
        return wanted != EVAL
    if wanted in scopes:
        return True
    app, slash, _ = wanted.partition("/")
    return bool(slash) and (f"{app}/*" in scopes or "prompts:*" in scopes)


def require(scopes: Sequence[str], wanted: str) -> None:
    """OutOfScope unless `allows`."""
    if not allows(tuple(scopes), wanted):
        raise OutOfScope(
            f"This key may not be used for {wanted[:200]}",
            expected=f"the scope {wanted[:200]}",
            got=", ".join(scopes) or "a token without scopes",
            fix=f"Make one that may: seawall key create --scope {wanted[:200]}",
        )
