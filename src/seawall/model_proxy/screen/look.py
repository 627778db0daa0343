"""Personal data and secrets in one look."""

from __future__ import annotations

from collections.abc import Callable

from seawall.model_proxy.screen import pii, secrets
from seawall.model_proxy.screen.finds import Found, apart, raw, shape
from seawall.model_proxy.screen.slices import LONG, SLICE, STRETCH, slices, windows

_LOUD = bytes(chr(code) in "0123456789@:-JK" for code in range(256))
"""Of whatever the finders look for first (a digit, `@`, `::`, `-----BEGIN`, `eyJ`, `AKIA`) a character is missing among these."""

_SILENCE = bytes(4096)

Over = Callable[[str, int, int, int, int], Found | None]
BEFORE = 128
"""Characters before a secret that tell whether it is one."""


def is_quiet(text: str) -> bool:
    """Whether a text, or any part of it, is sure to hold nothing personal or secret; most are. A pass in C."""
    if len(text) > LONG:
        return all(is_quiet(text[at : at + SLICE]) for at in range(0, len(text), SLICE))
    drawn = raw(text).translate(_LOUD)
    return drawn == (_SILENCE[: len(drawn)] if len(drawn) <= len(_SILENCE) else bytes(len(drawn)))


def look(text: str, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """What is personal or secret in a text, in order, apart; of two that overlap the secret counts."""
    if len(text) > LONG:
        return _look_long(text, pii_wanted=pii_wanted, secrets_wanted=secrets_wanted)
    plain = raw(text)
    drawn = plain.translate(_LOUD)
    if drawn == (_SILENCE[: len(drawn)] if len(drawn) <= len(_SILENCE) else bytes(len(drawn))):
        return []
    return closely(text, plain, pii_wanted=pii_wanted, secrets_wanted=secrets_wanted)


def closely(text: str, plain: bytes, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """The same of a text that may hold something; `plain`: of it (`finds.raw`)."""
    form = shape(plain)
    found: list[Found] = secrets.find(text, plain, form) if secrets_wanted else []
    if pii_wanted:
        personal = pii.find(text, plain, form)
        return _both(found, personal) if found and personal else found or personal
    return found


def _look_long(text: str, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """The same, slice by slice. What the finders ask of a whole text first is asked of the whole."""
    mixed = secrets_wanted and any(secrets.is_mixed(text[at : at + SLICE]) for at in range(0, len(text), SLICE - 4))
    short = "::" in text

    def read(start: int, end: int) -> list[Found]:
        part = text[start:end]
        if is_quiet(part):
            return []
        plain = raw(part)
        form = shape(plain)
        kept = secrets.find(part, plain, form, mixed=mixed) if secrets_wanted else []
        personal = pii.find(part, plain, form, short=short) if pii_wanted else []
        near = _both(kept, personal) if kept and personal else kept or personal
        return [Found(one.id, one.start + start, one.end + start) for one in near]

    over = secrets.jwt_over if secrets_wanted else None
    found: list[Found] = []
    for start, end in slices(text, secrets.private_keys(text)):
        found += read(start, end) if end - start <= STRETCH else _through(text, start, end, read, over)
    return found


def _through(text: str, start: int, end: int, read: Callable[[int, int], list[Found]], over: Over | None) -> list[Found]:
    """A stretch without a place to cut, window by window. What goes on beyond its window is followed to its end."""
    found: list[Found] = []
    known = gone = last = before = start
    run = start
    """Where the characters of a token end that go on beyond the window."""
    for at, stop, upto in windows(start, end):
        if gone >= stop:
            continue  # all of it is the last finding's
        near = read(max(at, gone), stop)
        if over is not None:
            run = run if run > stop else secrets.run_end(text, stop, end)
            long = over(text, max(at, gone), stop, run, end) if run > stop else None
            if long is not None and not any(one.start <= long.start < one.end for one in near):
                near = [*(one for one in near if one.start < long.start), long]
        for one in near:
            late = one.end > before and one.start >= max(last, at + BEFORE)  # the window before, in whose part it begins, did not hold it
            if one.start >= upto or (one.start < known and not late):
                continue  # another window knows it
            if one.end > stop:
                gone = one.end
            elif one.end == stop < end:
                one = Found(one.id, one.start, secrets.goes_on(text, one, end))
                gone = one.end
            found.append(one)
            known = last = one.end
        known, before = max(known, upto), stop
    return found


def _both(found: list[Found], personal: list[Found]) -> list[Found]:
    return apart([*found, *(one for one in personal if not any(one.start < other.end and other.start < one.end for other in found))])
