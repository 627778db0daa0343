"""The root of every error Seawall raises on purpose.

```
SeawallError
├── InvalidInput        what came in is not what was expected (HTTP 400)
├── NotPermitted        the principal may not do this (HTTP 403)
├── NotFound            there is no such thing, or none this principal may know of (HTTP 404)
├── DeadlineExceeded    the time allowed is over (HTTP 504)
├── Unavailable         something we depend on is not there now (HTTP 503)
└── ConfigurationError  the process cannot run as it was set up (exit code 2)
```

An error says what was expected, what came and how to mend it. Each sub-package adds its own leaves beneath
these branches; none starts a second tree.
"""

from __future__ import annotations

from typing import ClassVar


class SeawallError(Exception):
    """Something went wrong that Seawall understands."""

    slug: ClassVar[str] = "error"
    """The last part of the problem type's URI, and the word programs match on."""
    status: ClassVar[int] = 500
    """The HTTP status an edge answers with."""
    title: ClassVar[str] = "Something went wrong"
    """A short sentence that is the same for every occurrence."""

    def __init__(self, detail: str = "", *, expected: str = "", got: str = "", fix: str = "") -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The detail, what was expected, what came and how to mend it, as one line."""
        parts = [self.detail]
        if self.expected:
            parts.append(f"Expected {self.expected}")
        if self.got:
            parts.append(f"Got {self.got}")
        if self.fix:
            parts.append(self.fix)
        return " ".join(part if part.endswith("?") else part.rstrip(".") + "." for part in parts)


class InvalidInput(SeawallError):
    """What came in is not what was expected."""

    slug = "invalid-input"
    status = 400
    title = "The request is not valid"


class NotPermitted(SeawallError):
    """The principal may not do this."""

    slug = "not-permitted"
    status = 403
    title = "Not permitted"


class NotFound(SeawallError):
    """There is no such thing here."""

    slug = "not-found"
    status = 404
    title = "Not found"


class DeadlineExceeded(SeawallError):
    """The time allowed for this is over."""

    slug = "deadline-exceeded"
    status = 504
    title = "Took too long"


class Unavailable(SeawallError):
    """Something we depend on is not available now."""

    slug = "unavailable"
    status = 503
    title = "Not available now"


class ConfigurationError(SeawallError):
    """The process cannot run as it was set up."""

    slug = "configuration"
    status = 500
    title = "Set up wrongly"
