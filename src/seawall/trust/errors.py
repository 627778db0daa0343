"""What identity refuses, as leaves of `core.errors`.

```
NotPermitted
├── NotSignedIn       no valid token came (HTTP 401)
│   ├── InvalidToken  a token came and is refused
│   └── InvalidLink   a sign-in link is unknown, used or too old
└── CrossSite         a state change was asked for by another site (HTTP 403)
```

None of them tells an attacker which check failed beyond what a signed-out user needs to know.
"""

from __future__ import annotations

from seawall.core.errors import NotPermitted


class NotSignedIn(NotPermitted):
    """There is no valid sign-in with this request."""

    slug = "not-signed-in"
    status = 401
    title = "Not signed in"


class InvalidToken(NotSignedIn):
    """The token is not valid."""


class InvalidLink(NotSignedIn):
    """This sign-in link is unknown, was used already or is too old."""

    slug = "sign-in-link"
    title = "This link no longer works"


class CrossSite(NotPermitted):
    """A change was asked for by another site."""

    slug = "cross-site"
    title = "Refused: the request came from another site"
