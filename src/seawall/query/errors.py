"""What can go wrong between a question and its rows.

```
SeawallError
├── InvalidInput
│   ├── InvalidQuery          the query names what is not there, or what cannot be combined
│   └── InvalidCursor         the page cursor was made up, altered, or belongs to another query
├── Unavailable
│   └── EngineUnavailable     the database cannot be reached, or is full
└── QueryFailed               the database refused the query
```
"""

from __future__ import annotations

from seawall.core.errors import InvalidInput, SeawallError, Unavailable


class InvalidQuery(InvalidInput):
    """The query names something that is not there, or combines what cannot be combined."""

    slug = "invalid-query"


class InvalidCursor(InvalidInput):
    """The page cursor is not one this panel gave out. Start again from the first page."""

    slug = "invalid-cursor"


class EngineUnavailable(Unavailable):
    """The database does not answer now."""

    slug = "engine-unavailable"


class QueryFailed(SeawallError):
    """The database refused the query."""

    slug = "query-failed"
    title = "The query failed"
