"""What can go wrong while data is prepared.

```
SeawallError
├── Unavailable
│   └── InsufficientSpace      the disk cannot hold the data; nothing was changed
└── ConfigurationError
    └── UnknownPreparation     the app names a preparation that is not registered
```
"""

from __future__ import annotations

from pathlib import Path

from seawall.core.errors import ConfigurationError, Unavailable


class InsufficientSpace(Unavailable):
    """The disk cannot hold the prepared data. Nothing was changed."""

    slug = "insufficient-space"
    title = "Not enough space on the disk"

    def __init__(self, path: Path, *, needed_bytes: int, free_bytes: int) -> None:
        self.path = path
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes
        super().__init__(
            f"No room to prepare data in {path}; the data that was there before is still being served",
            expected=f"{needed_bytes:,} free bytes",
            got=f"{free_bytes:,}",
            fix="Free some space, or choose another place with --data DIR, and start again: finished tables are kept",
        )


class UnknownPreparation(ConfigurationError):
    """The app names a preparation that is not registered."""

    slug = "unknown-preparation"
