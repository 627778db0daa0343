"""What an exact answer depends on, and which calls may be answered from the cache at all.

The rule: a call is cached when its answer would be the same again, that is for embeddings and for chat completions that say
`temperature: 0`. The header `Seawall-Cache` overrides: `force` caches any completion, `no-cache` asks anew and keeps the answer, `no-store`
neither reads nor keeps. Evaluation lanes are never answered from here: they have snapshots; nor are prompts with `cache: false`.
Calls that are not cached do not coalesce either: who asks twice for a random answer gets two.

A key is SHA-256 over everything the answer depends on. What is not known to be irrelevant is part of it, so a field we have never
heard of splits keys and never joins them. Masked values are part of it: two texts that look the same with their names masked are
answered with the names put back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import msgspec

from seawall.model_proxy.call import Call

Mode = Literal["off", "on", "refresh"]
IRRELEVANT = frozenset(
    {
        "user",
        "stream",
        "stream_options",
        "metadata",
        "store",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
    }
)
"""Members of a request that change nothing in the answer's content: who is billed or blamed, and in which form the answer is sent."""
HEADER = "seawall-cache"
_FORM = "seawall-exact-1"
"""Changes when the meaning of a key changes, so that nothing made before is found."""
_encode = msgspec.json.Encoder(order="deterministic").encode

Routing = Callable[[Call], str]
"""Which model would answer this caller now: the live table's version of the route and the caller's variant, so a toggle changes keys."""


def asked_model(call: Call) -> str:
    """A `Routing` for a table that never changes: the name asked for."""
    return call.model


def mode_of(call: Call) -> Mode:
    """Whether a call may be answered from the cache, by the rule above."""
    if call.lane == "eval" or not call.keep:
        return "off"
    if said := call.request.headers.get(HEADER):
        words = {word.strip() for word in said.lower().split(",")}
        if "no-store" in words:
            return "off"
        if "no-cache" in words:
            return "refresh"
        if "force" in words:
            return "on"
    if call.surface == "embeddings":
        return "on"
    heat = call.body.get("temperature")
    return "on" if heat == 0 and heat is not False and heat is not None else "off"


def key_of(call: Call, routing: str, policy: str) -> bytes | None:
    """32 bytes that name the answer to this call, or None before it is known who asks. `policy`: the screening that answers have passed."""
    caller = call.caller
    if caller is None:
        return None
    relevant = call.body
    if not IRRELEVANT.isdisjoint(relevant):
        relevant = {name: value for name, value in relevant.items() if name not in IRRELEVANT}
    parts = (
        _FORM,
        call.surface,
        caller.principal.tenant,
        caller.fingerprint,
        call.app,
        call.prompt,
        call.version,
        call.variant,
        call.model,
        routing,
        call.data_class,
        policy,
        dict(call.masks) if call.masks else None,
        relevant,
    )
    return hashlib.sha256(_encode(parts)).digest()
