"""Secrets with a form: keys of well-known services, tokens, private keys, passwords in addresses, and assignments of something random.

A secret may be long; what tells it is its beginning, so a stream can stop there and drop the rest.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterator

from seawall.model_proxy.screen.finds import Found, apart
from seawall.model_proxy.screen.finds import raw as raw_of
from seawall.model_proxy.screen.finds import shape as shape_of

_KINDS = {
    "seawall-key": r"sw[lk]?[-_](?:live_|test_|key_)?[A-Za-z0-9_-]{24,}",
    "anthropic-key": r"sk-ant-[A-Za-z0-9_-]{20,}",
    "openai-key": r"sk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}",
    "github-token": r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}",
    "gitlab-token": r"glpat-[A-Za-z0-9_-]{20,}",
    "aws-key": r"A(?:KIA|SIA)[0-9A-Z]{16}(?![0-9A-Za-z])",
    "google-key": r"AIza[0-9A-Za-z_-]{35}",
    "google-oauth": r"ya29\.[0-9A-Za-z_-]{20,}",
    "slack-token": r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    "stripe-key": r"[sr]k_(?:live|test)_[0-9A-Za-z]{16,}",
    "npm-token": r"npm_[A-Za-z0-9]{30,}",
    "pypi-token": r"pypi-[A-Za-z0-9_-]{32,}",
    "huggingface-token": r"hf_[A-Za-z0-9]{30,}",
    "sendgrid-key": r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "digitalocean-token": r"do[opr]_v1_[0-9a-f]{64}",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,}\.(?:eyJ)?[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
}
_TOKEN = re.compile("|".join(f"(?P<{name.replace('-', '_')}>{pattern})" for name, pattern in _KINDS.items()))
PEM_BEGIN = "-----BEGIN "
_PEM_HEAD = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END_MAX = 80
_TOKEN_REST = re.compile(r"[A-Za-z0-9_.-]*")
_VALUE = re.compile(r"[!#-&*-+.-:=?-Z\\^_a-z|~-]*")
_STEP = 32 << 10
_ADDRESS = re.compile(r"://[!#-&(-+.=?A-Z\\^_`a-z|~0-9-]{1,64}:([!#-&(-+.0-9:=?A-Z\\^_`a-z|~-]{3,128})@")
_BEGIN = re.compile(
    r"(?<![A-Za-z0-9])(?:sw[lk]?[-_]|[sr]k[-_]|gh[pousr]_|github_pat_|glpat-|A(?:KIA|SIA|Iza)|ya29\.|xox[abeprs]-|npm_|pypi-|hf_|SG\.|do[opr]_v1_)"
)
"""Every token but a JWT begins so."""
_BEGIN_MAX = 5
"""Characters of a beginning that ends with a dot."""
_RUN = b"a" * 15
"""Every token but a JWT has so many characters of a token in a row."""
_RUNS = bytes.maketrans(
    bytes(range(256)), bytes(97 if chr(code) in string.ascii_letters + string.digits + "_-" else 32 for code in range(256))
)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_CLAIMS_MIN = 8
"""Characters of a JWT's second part."""
_NAMES = {
    b"key": (b"key",), b"ken": (b"token", b"kennwort"), b"wd": (b"pwd", b"passw"), b"wor": (b"passw", b"kennwort"),
    b"phr": (b"passphrase",), b"cret": (b"secret",), b"cred": (b"credential",), b"beare": (b"bearer",),
}  # fmt: skip
"""Names by a piece of them with rare letters."""
_ASSIGNED = re.compile(
    r"(?:passw(?:or)?d|passwor[dt]|passphrase|kennwort|pwd|secret|token|key|bearer|credential)s?"
    r"[\"'`*]{0,3}(?:[ ]{0,2}(?:=>|:=|=|:)[ ]{0,2}|[ ](?:is|ist|lautet)[: ]{1,2}|[ ])[\"'`*]{0,3}"
    r"(?P<value>[!#-&*-+.-:=?-Z\\^_a-z|~-]{8,128})",
    re.IGNORECASE,
)
"""Of a value the first characters: they tell whether it was made or said, however far it goes on, and are seen in a window, too."""
_NAMED = re.compile(rb"k(?:ey|en)|w(?:d|or)|phr|cre[dt]|beare")
_OF_KEYS = (b"api", b"access", b"private", b"auth")
"""`key` alone names no secret."""
_BITS_MIN = 2.8
_PLACEHOLDERS = re.compile(
    r"(?i)\$\{|\*{3}|x{4}|example|changeme|placeholder|your[_-]|<|\.\.\.|%\(|process\.env|os\.environ|getenv|settings\.|config\."
)


def find(text: str, raw: bytes, shape: bytes, *, mixed: bool = False) -> list[Found]:
    """Every secret, in order, not overlapping; `raw`, `shape`: of the text (`finds.raw`, `finds.shape`). `mixed`: it is a slice of a text
    in which letters stand next to digits."""
    found: list[Found] = []
    if PEM_BEGIN in text:
        found += [Found("secret.private-key", start, end) for start, end in private_keys(text)]
    if "://" in text and "@" in text:
        found += [Found("secret.password", *match.span(1)) for match in _ADDRESS.finditer(text)]
    jwt = "eyJ" in text
    if mixed or b"a0" in shape or b"0a" in shape or jwt or "AKIA" in text:
        runs = raw.translate(_RUNS)
        if _RUN in runs:
            found += _tokens(text, runs)
        if jwt:
            found += _jwts(text)
        found += _assigned(text, raw)
    return apart(found) if found else found


def is_mixed(text: str) -> bool:
    """Whether keys and passwords are looked for in a text at all."""
    drawn = shape_of(raw_of(text))
    return b"a0" in drawn or b"0a" in drawn or "eyJ" in text or "AKIA" in text


def private_keys(text: str) -> list[tuple[int, int]]:
    """Where private keys begin and end; one without an end goes on to the end of the text."""
    found: list[tuple[int, int]] = []
    at = text.find(PEM_BEGIN)
    while at >= 0:
        next_at = at + 1
        if head := _PEM_HEAD.match(text, at):
            end = _PEM_END.search(text, head.end())
            next_at = end.end() if end else len(text)
            found.append((at, next_at))
        at = text.find(PEM_BEGIN, next_at)
    return found


def goes_on(text: str, found: Found, end: int) -> int:
    """Where a secret ends that was seen up to a border, at the latest at `end`."""
    at = found.end
    if found.id == "secret.private-key":
        near = text.find("-----END ", max(found.start, at - _PEM_END_MAX), end)
        tail = _PEM_END.search(text, near, end) if near >= 0 else None
        return tail.end() if tail else end
    rest = _VALUE if found.id == "secret.assigned" else _TOKEN_REST
    while at < end and (more := rest.match(text, at, min(end, at + _STEP))) and more.end() > at:
        at = more.end()
    return at


def run_end(text: str, at: int, end: int) -> int:
    """Where the characters of a token's part end that `at` stands among."""
    while at < end and (more := _BASE64URL.match(text, at, min(end, at + _STEP))) and more.end() > at:
        at = more.end()
    return at


def jwt_over(text: str, start: int, stop: int, head_end: int, end: int) -> Found | None:
    """A JWT whose header begins in the window `text[start:stop]` and goes on beyond it, to `head_end`."""
    if text[head_end : head_end + 1] != ".":
        return None
    runs = raw_of(text[start:stop]).translate(_RUNS)
    at = text.find("eyJ", start + runs.rfind(b" ") + 1, stop)
    before = text[max(0, at - 1) : at]
    if at < 0 or (before.isascii() and before.isalnum()):
        return None
    claims_end = run_end(text, head_end + 1, end)
    if claims_end - head_end <= _CLAIMS_MIN:
        return None
    signed = text[claims_end : claims_end + 1] == "."
    return Found("secret.jwt", at, run_end(text, claims_end + 1, end) if signed else claims_end)


def _tokens(text: str, runs: bytes) -> Iterator[Found]:
    """Read only where enough characters of a token stand in a row, and once."""
    at = runs.find(_RUN)
    while at >= 0:
        end = runs.find(b" ", at)
        end = len(runs) if end < 0 else end
        begin = None if is_uuid(text, at, end) else _BEGIN.search(text, max(0, at - _BEGIN_MAX), end)
        while begin:
            match, next_at = _TOKEN.match(text, begin.start()), begin.end()
            if match:
                yield _token(match)
                next_at = match.end()
            begin = _BEGIN.search(text, next_at, end)
        at = runs.find(_RUN, end)


def _jwts(text: str) -> Iterator[Found]:
    at = text.find("eyJ")
    while at >= 0:
        run = _BASE64URL.match(text, at)
        end = run.end() if run else at + 1
        before = text[max(0, at - 1) : at]
        if text[end : end + 1] == "." and not (before.isascii() and before.isalnum()) and (match := _TOKEN.match(text, at)):
            yield _token(match)
            end = match.end()
        at = text.find("eyJ", end)


def _token(match: re.Match[str]) -> Found:
    return Found(f"secret.{(match.lastgroup or '').replace('_', '-')}", *match.span())


def is_uuid(text: str, start: int, end: int) -> bool:
    """Whether a run of letters, digits and `-` has the form of a UUID."""
    return end - start == 36 and text[start + 8] == text[start + 13] == text[start + 18] == text[start + 23] == "-"


def _assigned(text: str, raw: bytes) -> Iterator[Found]:
    """What stands after the name of a secret and looks random."""
    lower = raw.lower()
    pieces = _NAMED.findall(lower)
    if not pieces:
        return
    names = {name for piece in set(pieces) for name in _NAMES[piece]}
    read = 0
    for at in sorted([at for name in names for at in _places(lower, name)]):
        if at < read or (lower.startswith(b"key", at) and not _of_keys(lower, at)):
            continue
        match = _ASSIGNED.match(text, at)
        if match is None:
            continue
        start, read = match.span("value")
        if _random(text[start:read]):
            rest = _VALUE.match(text, read)
            read = rest.end() if rest else read
            yield Found("secret.assigned", start, read)
        else:
            read = start  # another name may stand in what is none


def _places(lower: bytes, name: bytes) -> Iterator[int]:
    at = lower.find(name)
    while at >= 0:
        yield at
        at = lower.find(name, at + len(name))


def _of_keys(lower: bytes, at: int) -> bool:
    before = lower[max(0, at - 8) : at]
    return before.endswith(_OF_KEYS) or (before[-1:] in (b"_", b" ", b"-") and before[:-1].endswith(_OF_KEYS))


def _random(value: str) -> bool:
    """Whether a value looks made rather than said: letters and digits mixed, few of them alike, no placeholder."""
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))) or _PLACEHOLDERS.search(value):
        return False
    counts = Counter(value[:64]).values()
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts) >= _BITS_MIN
