"""Ports that nobody listens on."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

ABOVE, BELOW = 20_000, 32_000
"""Where no system takes the ports from that it gives to whoever connects or binds to port 0: between choice and use nobody gets one."""
_given: set[int] = set()


def free_port() -> int:
    """One of this machine's, free a moment ago and given once."""
    while True:
        port = random.SystemRandom().randrange(ABOVE, BELOW)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
