"""Secrets with a form: keys of well-known services, tokens, private keys, passwords in addresses, and assignments of something random.

A secret may be long; what tells it is its beginning, so a stream can stop there and drop the rest.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from seawall.model_proxy.screen.finds import Found, apart

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
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|.*\Z)", re.DOTALL
)
_ADDRESS = re.compile(r"://[!#-&(-+.=?A-Z\\^_`a-z|~0-9-]{1,64}:([!#-&(-+.0-9:=?A-Z\\^_`a-z|~-]{3,128})@")
_ASSIGNED = re.compile(
    r"(?:passw(?:or)?d|passwor[dt]|passphrase|kennwort|pwd|secret|token|"
    r"(?:api|access|private|auth)[_ -]?key|bearer|credential)s?"
    r"[\"'`*]{0,3}(?:[ ]{0,2}(?:=>|:=|=|:)[ ]{0,2}|[ ](?:is|ist|lautet)[: ]{1,2}|[ ])[\"'`*]{0,3}(?P<value>[!#-&*-+.-:=?-Z\\^_a-z|~-]{8,})",
    re.IGNORECASE,
)
_NAMES = ("passw", "passphrase", "kennwort", "pwd", "secret", "token", "key", "bearer", "credential")
_BITS_MIN = 2.8
_PLACEHOLDERS = re.compile(
    r"(?i)\$\{|\*{3}|x{4}|example|changeme|placeholder|your[_-]|<|\.\.\.|%\(|process\.env|os\.environ|getenv|settings\.|config\."
)


def find(text: str, shape: bytes) -> list[Found]:
    """Every secret, in order, not overlapping; `shape`: of the text (`finds.shape`)."""
    found: list[Found] = []
    if PEM_BEGIN in text:
        found += [Found("secret.private-key", *match.span()) for match in _PEM.finditer(text)]
    if "://" in text and "@" in text:
        found += [Found("secret.password", *match.span(1)) for match in _ADDRESS.finditer(text)]
    if b"a0" in shape or b"0a" in shape or "eyJ" in text or "AKIA" in text:
        found += _tokens(text)
        lower = text.lower()
        if any(name in lower for name in _NAMES):
            found += [Found("secret.assigned", *match.span("value")) for match in _ASSIGNED.finditer(text) if _random(match["value"])]
    return apart(found) if found else found


def _tokens(text: str) -> Iterator[Found]:
    for match in _TOKEN.finditer(text):
        before = text[max(0, match.start() - 1) : match.start()]
        if not (before.isascii() and before.isalnum()):
            yield Found(f"secret.{(match.lastgroup or '').replace('_', '-')}", *match.span())


def _random(value: str) -> bool:
    """Whether a value looks made rather than said: letters and digits mixed, few of them alike, no placeholder."""
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))) or _PLACEHOLDERS.search(value):
        return False
    counts = Counter(value[:64]).values()
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts) >= _BITS_MIN
