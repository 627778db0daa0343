"""The port users open: one instance has it, from before it starts until it has ended."""

from __future__ import annotations

import socket

import pytest
from tests.ports import free_port

from seawall.cli import supervisor_port
from seawall.cli.supervisor_port import hold_port
from seawall.core.errors import ConfigurationError


def _envoy(port: int) -> socket.socket:
    """Bound as Envoy binds."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def test_two_at_once_have_two_ports() -> None:
    """Neither listens yet, and still the second goes on to the next one."""
    with hold_port(None) as one, hold_port(None) as other:
        assert one.getsockname() != other.getsockname()


def test_a_held_port_is_refused_to_another_supervisor_and_open_to_envoy() -> None:
    """Every thread of Envoy listens there, and gets what comes: the holder never listens."""
    port = free_port()
    with hold_port(port), _envoy(port) as first, _envoy(port) as second:
        with pytest.raises(ConfigurationError, match=f"Port {port} is taken"):
            hold_port(port)
        for each in (first, second):
            each.listen()
            each.setblocking(False)
        for _ in range(8):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


def test_connections_that_are_waited_out_do_not_keep_a_port() -> None:
    """Stop and start at once: what the server closed stays for a minute in the kernel."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    hold_port(port).close()


def test_every_port_taken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out."""
    port = free_port()
    monkeypatch.setattr(supervisor_port, "DEFAULT_PORT", port)
    monkeypatch.setattr(supervisor_port, "PORTS_TRIED", 1)
    with hold_port(None), pytest.raises(ConfigurationError, match="--port"):
        hold_port(None)


def test_the_address_to_listen_on_names_the_port() -> None:
    """`SEAWALL_LISTEN` alone decides; another --port beside it would be a lie."""
    port = free_port()
    with hold_port(None, f"127.0.0.1:{port}") as held:
        assert held.getsockname()[1] == port
    with hold_port(port, f"0.0.0.0:{port}") as held:
        assert held.getsockname() == ("0.0.0.0", port)
    with pytest.raises(ConfigurationError, match="two ports"):
        hold_port(port - 1, f"127.0.0.1:{port}")


@pytest.mark.parametrize("listen", ["localhost:8420", "8420", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "[::1", ":80", "1.2.3:80"])
def test_what_is_no_address_is_refused_before_anything_starts(listen: str) -> None:
    """Envoy takes no names; it would run and listen nowhere."""
    with pytest.raises(ConfigurationError, match="SEAWALL_LISTEN is not an address"):
        hold_port(None, listen)


def test_an_address_of_another_machine_is_told() -> None:
    """Not as a port that is taken."""
    with pytest.raises(ConfigurationError, match="SEAWALL_LISTEN"):
        hold_port(None, "192.0.2.1:8420")
