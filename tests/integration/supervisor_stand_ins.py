"""Small processes for the supervisor to run: `serve SOCKET` answers `/readyz`, `task` prints and ends. Standard library only."""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ANSWERS = {True: (b"200 OK", b"{}"), False: (b"503 X", b'{"ready": false, "checks": {"store": {"ok": false, "detail": "away"}}}')}


def serve(options: argparse.Namespace) -> None:
    events = options.socket.parent / "events"
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _say(events, f"start {options.name}")
    if options.children:
        child = subprocess.Popen(["sleep", "600"])
        _say(events, f"child {child.pid}")
    if options.admin:
        threading.Thread(target=_administer, args=(options.socket.parent,), daemon=True).start()
    time.sleep(options.delay)
    if options.end is not None:
        sys.exit(options.end)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(options.socket))
    listener.listen(16)
    try:
        while True:
            connection, _ = listener.accept()
            with connection:
                _answer(connection, options)
    finally:
        time.sleep(options.drain)
        _say(events, f"stop {options.name}")


def _answer(connection: socket.socket, options: argparse.Namespace) -> None:
    connection.recv(4096)
    while (options.socket.parent / f"deaf-{options.name}").exists():
        time.sleep(0.05)
    status, body = ANSWERS[not (options.socket.parent / f"unready-{options.name}").exists()]
    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _administer(run: Path) -> None:
    """As much of Envoy's administration as a drain asks for; RUN/in-flight is a request that does not end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(run / "gateway-admin.sock"))
    listener.listen(16)
    while True:
        connection, _ = listener.accept()
        with connection:
            if b"drain_listeners?inboundonly" in connection.recv(4096):
                _say(run / "events", "drain")
            body = b"http.public.downstream_rq_active: %d\n" % (run / "in-flight").exists()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _say(events: Path, line: str) -> None:
    with events.open("a") as file:
        file.write(line + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("serve")
    one.add_argument("socket", type=Path)
    one.add_argument("--name", default="")
    one.add_argument("--delay", type=float, default=0.0)
    one.add_argument("--drain", type=float, default=0.0)
    one.add_argument("--end", type=int)
    one.add_argument("--stubborn", action="store_true")
    one.add_argument("--admin", action="store_true")
    one.add_argument("--children", action="store_true")
    two = kinds.add_parser("task")
    two.add_argument("--say", default="")
    two.add_argument("--end", type=int, default=0)
    options = parser.parse_args()
    if options.kind == "serve":
        serve(options)
    print(options.say, flush=True)
    print("a last line", file=sys.stderr, flush=True)
    sys.exit(options.end)


if __name__ == "__main__":
    main()
