"""SQL kept in files, each query with a name and a one-line description.

```sql
-- name: current_generations
-- The generation each app serves now.
SELECT app, generation FROM seawall.current_generations
```
Names are unique over all files of `store/sql/`. Values are bound as `%(name)s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from seawall.core.errors import ConfigurationError

DIRECTORY = Path(__file__).parent / "sql"
_NAME = "-- name:"


class NamedQuery(msgspec.Struct, frozen=True):
    """One query."""

    name: str
    description: str
    sql: str


def parse(text: str, *, where: str = "text") -> dict[str, NamedQuery]:
    """Every query of a file's text, by name. ConfigurationError when one has no description, no body or a taken name."""
    queries: dict[str, NamedQuery] = {}
    for part in text.split(_NAME)[1:]:
        head, _, rest = part.partition("\n")
        first, _, body = rest.partition("\n")
        query = NamedQuery(head.strip(), first.removeprefix("--").strip(), body.strip().rstrip(";"))
        if not first.startswith("--") or not query.description or not query.sql or query.name in queries:
            raise ConfigurationError(
                f"The query {query.name!r} in {where} is malformed",
                expected="a unique name, a line of description that starts with `--`, then SQL",
                got=repr(first[:60]),
            )
        queries[query.name] = query
    return queries


def load(file_name: str) -> dict[str, NamedQuery]:
    """The queries of one file of `store/sql/`."""
    return parse((DIRECTORY / file_name).read_text("utf-8"), where=file_name)


@cache
def load_all() -> Mapping[str, NamedQuery]:
    """The queries of every file of `store/sql/`. ConfigurationError when two files use one name."""
    queries: dict[str, NamedQuery] = {}
    for path in sorted(DIRECTORY.glob("*.sql")):
        added = load(path.name)
        if taken := queries.keys() & added.keys():
            raise ConfigurationError(f"{path.name} names queries that another file has: {', '.join(sorted(taken))}")
        queries |= added
    return queries
