"""How an exchange with a provider can fail, before anybody judges whose fault it is.

```
ProviderFailed
├── ConnectFailed     nothing was sent
├── ConnectionLost    the connection ended before the answer did
├── TimedOut          the first byte, the next bytes or the end did not come in time
└── BadAnswer         what came is not HTTP, or too much
```
"""

from __future__ import annotations

from typing import Literal

from seawall.model_proxy.errors import ProviderFailed

Phase = Literal["first_byte", "idle", "total"]


class ConnectFailed(ProviderFailed):
    """The provider cannot be reached."""


class ConnectionLost(ProviderFailed):
    """The provider closed the connection before its answer ended."""

    def __init__(self, detail: str = "", *, after_first_byte: bool) -> None:
        super().__init__(detail)
        self.after_first_byte = after_first_byte


class TimedOut(ProviderFailed):
    """The provider took too long."""

    def __init__(self, detail: str = "", *, phase: Phase, seconds: float = 0.0) -> None:
        super().__init__(detail, got=f"nothing within {seconds:g} s" if seconds else "")
        self.phase: Phase = phase


class BadAnswer(ProviderFailed):
    """What the provider sent is not an HTTP answer."""
