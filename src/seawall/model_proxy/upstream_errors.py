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

import errno
import socket
import ssl
from typing import Literal

from seawall.model_proxy.errors import ProviderFailed

Phase = Literal["first_byte", "idle", "total"]


class ConnectFailed(ProviderFailed):
    """The provider cannot be reached."""


def unreachable(error: OSError) -> ConnectFailed:
    """Why a connection was not made, in words for whoever set the provider up. The host is not named: clients read this, too."""
    got, fix = _why(error)
    return ConnectFailed("The provider cannot be reached", got=got, fix=fix)


def _why(error: OSError) -> tuple[str, str]:
    url = "Check the provider's `url` in models.yaml"
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return "no answer from DNS", "Check this machine's name servers"
        return "no address for the name of its host", f"{url}, and this machine's name servers"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "a certificate that is not trusted", url
    if isinstance(error, ssl.SSLError):
        return "no TLS connection", url
    if isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return "a refusal: nothing listens at its address", f"See that it runs. {url}"
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return "no way to its network", ""
    return type(error).__name__, ""


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
