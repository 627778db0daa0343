"""What can go wrong with a model call, and whose fault it is. Answered in OpenAI's shape, which SDKs turn into their exceptions.

```
SeawallError
├── InvalidInput → BadCall            400  the request is not one                       (the caller's)
│                  BodyTooLarge       413
├── NotPermitted → OutOfScope         403  the key may not do this
│                  Screened           400  refused by a screening rule
├── NotFound     → UnknownModel       404
└── Unavailable  → OverLimit          429  a rate, stream or queue limit; `retry_after` seconds
                   └ CallOverLimit         the call alone is larger than the limit
                   OverBudget         429  no money left (`insufficient_quota`: SDKs do not retry it)
                   ProviderFailed     502  the provider's fault, after retries and fallbacks
                   AnswerTooLarge     502  the provider's answer is larger than models.yaml allows
                   ProviderRefusedKey 502  our key at the provider is refused
                   NoProvider         503  none may take this call now (breakers open)
                   └ NoProviderAllowed     none may ever (data class, region)
                   ContractBroken     502  the answer does not keep the prompt's schema after repair
```
An error that is `lasting` is one that the same call meets again however long it waits: SDKs are told not to try (`replies.py`).
"""

from __future__ import annotations

from typing import ClassVar

from seawall.core.errors import InvalidInput, NotFound, NotPermitted, Unavailable


class BadCall(InvalidInput):
    """The request is not a valid model call."""

    slug = "invalid-request"

    def __init__(self, detail: str = "", *, param: str | None = None, expected: str = "", got: str = "", fix: str = "") -> None:
        super().__init__(detail, expected=expected, got=got, fix=fix)
        self.param = param


class BodyTooLarge(InvalidInput):
    """The body is over the limit."""

    slug = "body-too-large"
    status = 413


class OutOfScope(NotPermitted):
    """The key may not do this."""

    slug = "out-of-scope"


class Screened(NotPermitted):
    """A screening rule refused this."""

    slug = "content-policy-violation"
    status = 400


class UnknownModel(NotFound):
    """There is no such model for this caller."""

    slug = "model-not-found"


class OverLimit(Unavailable):
    """A limit is reached."""

    slug = "rate-limit-exceeded"
    status = 429
    kind: ClassVar[str] = "requests"

    def __init__(self, detail: str = "", *, retry_after: float, expected: str = "", got: str = "", fix: str = "") -> None:
        super().__init__(detail, expected=expected, got=got, fix=fix)
        self.retry_after = retry_after
        """Seconds."""


class CallOverLimit(OverLimit):
    """The call alone is larger than the limit."""

    lasting = True

    def __init__(self, detail: str = "", *, expected: str = "", got: str = "", fix: str = "") -> None:
        super().__init__(detail, retry_after=0.0, expected=expected, got=got, fix=fix)


class OverBudget(Unavailable):
    """The budget is spent."""

    slug = "insufficient-quota"
    status = 429
    lasting = True


class ProviderFailed(Unavailable):
    """The provider failed."""

    slug = "provider-failed"
    status = 502
    lasting: bool = False


class AnswerTooLarge(ProviderFailed):
    """The provider's answer is larger than models.yaml allows."""

    slug = "answer-too-large"


class ProviderRefusedKey(ProviderFailed):
    """The provider refuses our key."""

    slug = "provider-refused-key"
    lasting = True


class NoProvider(Unavailable):
    """No provider may or can take this call now."""

    slug = "no-provider"
    retry_after: float | None = None
    """Seconds until one may be asked again, if known."""
    lasting: bool = False


class NoProviderAllowed(NoProvider):
    """No provider may take a call of this data class."""

    lasting = True


class ContractBroken(ProviderFailed):
    """The model's answer does not keep its contract."""

    slug = "contract-broken"
