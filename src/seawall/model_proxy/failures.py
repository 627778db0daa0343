"""Whose fault it is that an attempt failed, what is tried next, and what the client is told.

| what came | fault | elsewhere | again | told as |
|---|---|---|---|---|
| 400, 413, 415, 422 | the caller's | no | no | 400 with the provider's words, cleaned; 413 |
| 401, 402, 403, 429 for want of money | our key's | yes | no | 502, without the provider's words |
| 404, 405, a redirect, another 4xx, a private address | ours: models.yaml | yes | no | 502, 503 |
| an answer larger than `limits` of models.yaml | ours | no | no | 502 |
| 429 | a limit | yes | yes, after `Retry-After` | 429 with `Retry-After` |
| 408, 409, 425, 5xx, no connection, a lost one, silence, what cannot be read | the provider's | yes | yes | 502 |

*Elsewhere*: the next candidate is asked. *Again*: the same one, once no other is left, within the retry budget.
"""

from __future__ import annotations

import random
import re
from typing import Any, Literal

import msgspec

from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.errors import AnswerTooLarge, BadCall, BodyTooLarge, NoProvider, OverLimit, ProviderFailed, ProviderRefusedKey
from seawall.model_proxy.retry import retry_after
from seawall.model_proxy.upstream_errors import TimedOut

Fault = Literal["ours", "key", "limit", "provider", "caller"]
WORDS_MAX = 400
PARAM_MAX = 100
RETRY_AFTER_DEFAULT = 1.0
_CALLERS = frozenset({400, 413, 415, 422})
_KEYS = frozenset({401, 402, 403})
_PASSING = frozenset({408, 409, 425})
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"})
_SECRET = re.compile(
    r"[A-Za-z0-9_.+/=*-]{24,}"  # keys, tokens, anything long without a blank
    r"|\b(?:sk|pk|key|api|token|bearer|gsk|xai|AIza)[-_ ]?[A-Za-z0-9_*-]{6,}"
    r"|\w+://[^\s]*",
    re.IGNORECASE,
)


class Together(msgspec.Struct, frozen=True):
    """One exchange failed for several calls: they pay for one try again, and make it together."""

    calls: int
    draw: float
    """The chance in how long they wait, from 0 to 1."""


class Failure(msgspec.Struct, frozen=True):
    """A failed attempt, judged."""

    fault: Fault
    error: SeawallError
    """What the client is told if nothing else helps."""
    elsewhere: bool = True
    again: bool = False
    status: int = 0
    """What the provider answered; 0: nothing."""
    wait: float | None = None
    """Seconds that the provider asked to be left alone."""
    together: Together | None = None

    @property
    def ill(self) -> bool:
        """Whether it speaks against the provider, for its breaker."""
        return self.fault in ("provider", "key")

    @property
    def calls(self) -> int:
        """How many calls it failed."""
        return self.together.calls if self.together is not None else 1

    def draw(self) -> float:
        """A chance from 0 to 1, the same for all calls that it failed."""
        return self.together.draw if self.together is not None else random.random()  # noqa: S311 -- a pause


class AttemptFailed(Exception):
    """An attempt failed in a way that was judged where it happened. Never leaves the call stage."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error.slug)
        self.failure = failure


def refused(provider: str, status: int, headers: dict[str, str], body: bytes, key: str) -> Failure:
    """An answer that is not one: any status but 2xx."""
    words = _told(body)
    if status == 429 and words.get("code") not in _NO_MONEY and words.get("type") not in _NO_MONEY:
        wait = retry_after(headers)
        shown = RETRY_AFTER_DEFAULT if wait is None else wait
        limit = OverLimit(f"The provider {provider} takes no more calls for now", retry_after=shown, got="429", fix="Try again later")
        return Failure("limit", limit, again=True, status=status, wait=wait)
    if status in _KEYS or status == 429:
        refusal = ProviderRefusedKey(
            f"The provider {provider} refuses our key", got=str(status), fix="Check the provider's `key` and account"
        )
        return Failure("key", refusal, status=status)
    if status in _CALLERS:
        return Failure("caller", _callers(status, words, key), elsewhere=False, status=status)
    if status >= 500 or status in _PASSING:
        failed = ProviderFailed(f"The provider {provider} failed", got=f"HTTP {status}", fix="Try again")
        return Failure("provider", failed, again=True, status=status, wait=retry_after(headers))
    meant = "a redirect, which is never followed" if 300 <= status < 400 else f"HTTP {status}"
    fix = "Check the provider's `url` and the model's name there in models.yaml"
    failed = ProviderFailed(f"The provider {provider} does not take the call", got=meant, fix=fix)
    failed.lasting = True
    return Failure("ours", failed, status=status)


def judged(error: SeawallError) -> Failure:
    """An attempt that ended with an error of ours."""
    if isinstance(error, OverLimit):  # our own queue is full
        return Failure("limit", error)
    if isinstance(error, DeadlineExceeded):
        return Failure("ours", error, elsewhere=False)
    if isinstance(error, TimedOut) and error.phase == "total":
        return Failure("provider", error)
    if isinstance(error, ProviderRefusedKey):
        return Failure("key", error)
    if isinstance(error, AnswerTooLarge):  # another would be as large, and costs as much
        return Failure("ours", error, elsewhere=False)
    if isinstance(error, ProviderFailed):
        return Failure("provider", error, again=True)
    if isinstance(error, NoProvider):
        return Failure("ours", error)
    return Failure("caller", error, elsewhere=False)


def clean(text: str, key: str) -> str:
    """A provider's sentence without anything that could be a key, an address or a control character; cut."""
    text = "".join(c if c.isprintable() else " " for c in text[: 4 * WORDS_MAX])
    if len(key) >= 4:
        text = text.replace(key, "[removed]")
    return _SECRET.sub("[removed]", text)[:WORDS_MAX].strip()


def _callers(status: int, words: dict[str, Any], key: str) -> SeawallError:
    if status == 413:
        return BodyTooLarge("The provider does not take a request as large as this")
    param = words.get("param")
    said = clean(str(words.get("message") or ""), key) or f"The provider answers {status}"
    return BadCall(f"The provider refuses the request: {said}", param=clean(param, key)[:PARAM_MAX] if isinstance(param, str) else None)


def _told(body: bytes) -> dict[str, Any]:
    """The members of an error's body, in the forms that are about."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return {}
    error = said.get("error", said)
    if isinstance(error, dict):
        return error
    return {"message": error if isinstance(error, str) else said.get("message") or said.get("detail") or ""}
