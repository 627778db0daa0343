"""Personal data with a form: e-mail, phone, card, IBAN, IP address, national ids that have check digits.

Names and addresses have none and are left to models. Numbers are believed only with their check digits or a telling form, since
dashboards are full of numbers. A text without `@` and digits costs a microsecond a KB.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterator

from seawall.model_proxy.screen import checksums
from seawall.model_proxy.screen.finds import Found, apart

LENGTH_MAX = 96
"""Characters of the longest finding."""
_LOCAL = string.ascii_letters + string.digits + "._%+-'"
_LOCAL_MAX = 48
_WORD = string.ascii_letters + string.digits + "_"
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?\.){1,3}[A-Za-z]{2,12}(?![A-Za-z0-9])")
_NUMBER = re.compile(r"[0-9](?<![0-9A-Za-z_][0-9])(?:[ \-./()]{0,2}[0-9]){6,24}")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}[0-9]{2}(?:[ ][A-Z0-9]{4}){2,7}(?:[ ][A-Z0-9]{1,3})?|[A-Za-z]{2}[0-9]{2}[A-Za-z0-9]{11,30})(?![A-Za-z0-9])"
)
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_IPV6 = re.compile(r"[0-9A-Fa-f:]{0,4}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}")
_SSN = re.compile(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}")
_DNI = re.compile(r"(?<!\w)(?:[0-9]{8}|[XYZ][0-9]{7})-?[A-HJ-NP-TV-Z](?!\w)", re.ASCII)
_DATE = re.compile(r"(?:(?:19|20)[0-9]{2}([-./])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-./])[0-9]{1,2}\2(?:19|20)[0-9]{2})(?![0-9])")
_NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\)[ ]?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}")
_TRUNK = re.compile(r"0[1-9][0-9]{1,4}[ \-/.][0-9][0-9 \-/.]{4,12}[0-9]")
_ONLY_DIGITS = {code: None for code in range(128) if not chr(code).isdigit()}
_CARDS = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:2[2-9]|[3-6][0-9]|7[01])[0-9]{13}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35[0-9]{14}"
)


_DIGITS_MIN = 7
_SHORT_MAX = 8
"""Digits of a number that is personal only if `+`, `(` or a zero begins it."""
_SEPARATORS = b" -./()"
_TRUNKS = re.compile(rb"0(?<![0-9A-Za-z_]0)(?:0|[1-9][0-9]{1,4}[ \-/.])[0-9]")
_DOTTED = re.compile(rb"0\.0{1,3}\.0{1,3}\.0")
_COLONS = re.compile(rb":0{1,4}(?::0{1,4}){5}")
_HEX = string.hexdigits + ":"
_IPV6_MAX = 40


def _drawn(**kept: str) -> bytes:
    """A table that draws characters as others (`to`: which), and those not named as `x`."""
    drawn = {character: to for to, characters in kept.items() for character in characters}
    return bytes(ord(drawn.get(chr(code), "x")) for code in range(256))


_PLUS = _drawn(**{"0": string.digits, "+": "+"})
_DOTS = _drawn(**{"0": string.digits, ".": "."})
_HEXES = _drawn(**{"0": string.hexdigits, ":": ":"})


def find(text: str, raw: bytes, shape: bytes, *, short: bool = False) -> list[Found]:
    """Everything personal, in order, not overlapping; `raw`, `shape`: of the text (`finds.raw`, `finds.shape`). `short`: it is a slice of
    a text in which there is `::`, so addresses of IPv6 are looked for around that alone."""
    found: list[Found] = []
    if "@" in text:
        found += _emails(text)
    if b"0" in shape:
        found += _numbers(text, raw, shape)
    if ":" in text and ("::" in text or (not short and text.count(":") > 6 and _COLONS.search(raw.translate(_HEXES)))):
        found += _ipv6(text)
    return apart(found) if found else found


def _emails(text: str) -> Iterator[Found]:
    at = text.find("@")
    while at >= 0:
        left = text[max(0, at - _LOCAL_MAX) : at]
        local = left[len(left.rstrip(_LOCAL)) :].lstrip(".-'%+")
        domain = _DOMAIN.match(text, at + 1)
        if local and domain:
            yield Found("pii.email", at - len(local), domain.end())
        at = text.find("@", at + 1)


def _numbers(text: str, raw: bytes, shape: bytes) -> Iterator[Found]:
    """Each kind is looked for only where its shape is."""
    if b"aa00" in shape:
        yield from _ibans(text, shape)
    if text.count(".") > 2 and _DOTTED.search(raw.translate(_DOTS)):
        yield from (Found("pii.ip", *match.span()) for match in _IPV4.finditer(text) if _alone(text, match) and _is_address(match[0]))
    if shape.count(b"0") < _DIGITS_MIN:
        return
    if b"0000000" in shape:
        yield from _dnis(text, shape)
    joined = raw.translate(_PLUS, _SEPARATORS)
    if b"0" * (_SHORT_MAX + 1) in joined or b"+0" in joined or _TRUNKS.search(raw):
        for match in _NUMBER.finditer(text):
            start = match.start() - _opening(text, match.start())
            long = match.end() - match.start() > _SHORT_MAX or start < match.start() or text[start] == "0"
            if long and _alone(text, match) and (kind := _kind(text[start : match.end()])):
                yield Found(kind, start, match.end())


def _ibans(text: str, shape: bytes) -> Iterator[Found]:
    at = shape.find(b"aa00")
    while at >= 0:
        match, end = None if shape[max(0, at - 1) : at].isalnum() else _IBAN.match(text, at), at + 1
        if match:
            compact = match[0].replace(" ", "")
            if 15 <= len(compact) <= 34 and checksums.iban(compact):
                yield Found("pii.iban", *match.span())
                end = match.end()
        at = shape.find(b"aa00", end)


def _dnis(text: str, shape: bytes) -> Iterator[Found]:
    for end in (b"0000000a", b"0000000 a"):
        at = shape.find(end)
        while at >= 0:
            match = _DNI.match(text, max(0, at - 1))
            if match and checksums.dni(match[0].replace("-", "")):
                yield Found("pii.national-id", *match.span())
            at = shape.find(end, at + len(end))


def _opening(text: str, start: int) -> int:
    """How many characters of `+`, `(` or `(+` stand before a number."""
    before = text[max(0, start - 2) : start]
    return 2 if before == "(+" else 1 if before[-1:] in ("+", "(") else 0


def _alone(text: str, match: re.Match[str]) -> bool:
    """Whether a number is not part of a longer word or number."""
    before, after = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
    inside = before[-1:] in _WORD or (before[-1:] == "." and before[:-1] in _WORD)
    return not (before and inside) and not (after and (after[:1] in _WORD or (after[:1] == "." and after[1:].isdigit())))


def _ipv6(text: str) -> Iterator[Found]:
    """Around each `::`, or anywhere where there is none."""
    at = text.find("::")
    if at < 0:
        yield from _addresses(text, 0, len(text))
    while at >= 0:
        left, right = text[max(0, at - _IPV6_MAX) : at], text[at : at + _IPV6_MAX]
        end = at + len(right) - len(right.lstrip(_HEX))
        yield from _addresses(text, at - len(left) + len(left.rstrip(_HEX)), end)
        at = text.find("::", max(end, at + 2))


def _addresses(text: str, start: int, end: int) -> Iterator[Found]:
    return (
        Found("pii.ip", *match.span())
        for match in _IPV6.finditer(text, start, end)
        if len(match[0]) > 4 and _alone(text, match) and _is_address(match[0])
    )


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _kind(number: str) -> str:
    """What a number with its separators is, or nothing."""
    digits = number.translate(_ONLY_DIGITS)
    if len(digits) >= 14 and _CARDS.fullmatch(digits) and checksums.luhn(digits):
        return "pii.card"
    if _is_national_id(number, digits):
        return "pii.national-id"
    return "pii.phone" if _is_phone(number, digits) else ""


def _is_national_id(number: str, digits: str) -> bool:
    count, bare = len(digits), number == digits
    if count == 9:
        return _SSN.fullmatch(number) is not None
    if count == 10:
        return number.count(" ") == 2 and number[3] == number[7] == " " and checksums.nhs(digits)
    if count == 11:
        dotted = len(number) == 14 and number[3] == number[7] == "." and number[11] == "-"
        return (dotted and checksums.cpf(digits)) or (bare and (checksums.steuer_id(digits) or checksums.pesel(digits)))
    if count == 13:
        return number.count(".") == 3 and checksums.ahv(digits)
    return count == 15 and checksums.nir(digits)


def _is_phone(number: str, digits: str) -> bool:
    if not 7 <= len(digits) <= 15 or _DATE.match(number):
        return False
    if number[0] == "+" or number.startswith("(+") or (number.startswith("00") and len(digits) > 9 and digits[2] != "0"):
        return len(digits) > 7
    return number != digits and bool(_NORTH_AMERICAN.fullmatch(number) or _TRUNK.fullmatch(number))
