"""The port users open, held from before anything starts until the supervisor ends.

Envoy shares its port among its threads (SO_REUSEPORT), so two of one user would both get the same one and split what comes. Guarantees:
no two supervisors have one port, also when they start at once, and nobody else takes it while Envoy is started or started again. It is
held by a socket that is bound and never listens, so that nothing is ever delivered to it.
"""

from __future__ import annotations

import errno
import socket

from seawall.core.errors import ConfigurationError
from seawall.gateway.plan import LOCAL_HOST, listen_address

DEFAULT_PORT = 8420
PORTS_TRIED = 100


def hold_port(asked: int | None, listen: str = "") -> Holder:
    """Hold the port asked for or the one in `listen` (`SEAWALL_LISTEN`), else the first free one from DEFAULT_PORT.

    The socket to keep, whose name is the address. ConfigurationError when the port, or every one of them, is taken or not allowed.
    """
    host, port = listen_address(listen) if listen else (LOCAL_HOST, asked)
    if asked not in (None, port):
        raise ConfigurationError("--port and SEAWALL_LISTEN name two ports", got=f"{asked} and {listen}", fix="Leave --port out")
    if port is None:
        return _first_free(host)
    try:
        return _held(host, port)
    except OSError as error:
        raise _refused(host, port, error) from error


def _first_free(host: str) -> Holder:
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        try:
            return _held(host, port)
        except OSError:
            continue
    raise ConfigurationError(f"Ports {DEFAULT_PORT} to {DEFAULT_PORT + PORTS_TRIED - 1} are all taken", fix="Choose another with --port")


class Holder(socket.socket):
    """Has the port as long as it is open."""

    name: socket.socket
    """Bound to a name that only one can have: kernels differ in whether two that may be waited out and do not listen share a port."""

    def close(self) -> None:
        """Give the port up."""
        self.name.close()
        super().close()


def _held(host: str, port: int) -> Holder:
    """Taken as one that shares with nobody (but with connections that are only waited out); shared with Envoy from then on."""
    holder = Holder(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    holder.name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.name.bind(f"\0seawall-port-{port}")
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, port))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        holder.close()
        raise
    return holder


def _refused(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(f"Port {port} is taken", fix="Choose another with --port, or leave --port out to get a free one")
    if error.errno == errno.EACCES:
        return ConfigurationError(f"This user may not open port {port}", fix="Choose one from 1024 with --port")
    return ConfigurationError(f"Nothing can listen on {host}, port {port}", got=error.strerror or str(error), fix="Mend SEAWALL_LISTEN")
