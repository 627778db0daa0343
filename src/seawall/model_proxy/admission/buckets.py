"""One step of a limit's shared state: what a replica gives back, takes, and how many answers it may have in progress.

A limit of N a minute is a bucket that holds N and fills by N/60 a second; levels are kept in thousandths, as whole numbers. Slots for
streams are held by replica with an expiry. Pure; `leases.lua` is the same in Valkey's own language, and a test holds the one to the other.
"""

from __future__ import annotations

import msgspec

from seawall.model_proxy.call import Limits

MILLI = 1000
MINUTE_MS = 60_000
SHORT_MS = 5_000
"""How long replicas keep no spare slots after one was refused somewhere."""
STATE_SECONDS = 120
"""A subject nobody asked about for this long is as good as new: its buckets are full."""


class Ask(msgspec.Struct, frozen=True):
    """What a replica wants of one subject (a user, a tenant, a key, a model)."""

    subject: str
    """With a `{tag}`: subjects of one request share a cluster slot."""
    limits: Limits
    need_requests: int = 0
    """Less than this is of no use; 0: whatever there is."""
    want_requests: int = 0
    give_requests: int = 0
    """What goes back first."""
    need_tokens: int = 0
    want_tokens: int = 0
    give_tokens: int = 0
    held: int = 0
    """Streams in progress here."""
    need_streams: int = 0
    """Those and what is waiting to begin."""
    want_streams: int = 0
    """And some to spare."""


class Grant(msgspec.Struct, frozen=True):
    """What it gets, and what is left for everybody, in thousandths."""

    requests: int
    requests_left: int
    tokens: int
    tokens_left: int
    streams: int
    """Slots it has now, at least `held`."""
    short: bool = False
    """Somebody was refused a slot lately: keep none to spare."""


class State(msgspec.Struct):
    """A subject's. Levels in thousandths, times in milliseconds."""

    at: int
    requests: int
    tokens: int
    slots: dict[str, tuple[int, int]] = {}
    """Holder → (slots, until)."""
    short_at: int = -SHORT_MS


def fresh(limits: Limits, now_ms: int) -> State:
    """Full buckets, nobody holds a slot."""
    return State(now_ms, limits.requests_per_minute * MILLI, limits.tokens_per_minute * MILLI)


def take(state: State, ask: Ask, holder: str, now_ms: int, ttl_ms: int) -> Grant:
    """Change `state` and say what was granted."""
    elapsed = min(max(0, now_ms - state.at), STATE_SECONDS * MILLI)
    state.at = max(state.at, now_ms)
    limits = ask.limits
    state.requests = _filled(state.requests, limits.requests_per_minute, elapsed, ask.give_requests)
    state.tokens = _filled(state.tokens, limits.tokens_per_minute, elapsed, ask.give_tokens)
    requests = _granted(state.requests, ask.need_requests, ask.want_requests)
    tokens = _granted(state.tokens, ask.need_tokens, ask.want_tokens)
    state.requests -= requests * MILLI
    state.tokens -= tokens * MILLI
    streams = _slots(state, ask, holder, now_ms, ttl_ms)
    return Grant(requests, state.requests, tokens, state.tokens, streams, now_ms - state.short_at < SHORT_MS)


def _filled(level: int, limit: int, elapsed_ms: int, given: int) -> int:
    return min(limit * MILLI, level + elapsed_ms * limit // (MINUTE_MS // MILLI) + given * MILLI)


def _granted(level: int, need: int, want: int) -> int:
    """At most half of what is left, so that replicas share what is scarce; but what is needed, if it is there."""
    whole = level // MILLI
    granted = min(want, max(need, whole // 2), max(0, whole))
    return granted if granted >= need else 0


def _slots(state: State, ask: Ask, holder: str, now_ms: int, ttl_ms: int) -> int:
    state.slots = {one: held for one, held in state.slots.items() if held[1] > now_ms}
    others = sum(count for one, (count, _) in state.slots.items() if one != holder)
    room = ask.limits.streams - others
    spare = max(0, room - ask.need_streams) // 2
    granted = max(ask.held, min(ask.want_streams, ask.need_streams + spare, room))
    if granted < ask.need_streams:
        state.short_at = now_ms
    state.slots.pop(holder, None)
    if granted:
        state.slots[holder] = (granted, now_ms + ttl_ms)
    return granted
