"""Runs the peers' dashboards beside ours and visits them in turn with the same browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import REPOSITORY, Claim, Instance, chromium, claim, free_port, progress, quantile, wait_until, window

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".peers" / "dashboards"
WHOLE = {
    "Streamlit": (
        "document.querySelectorAll('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg').length >= 7"
        " && document.querySelector('[data-testid=stDataFrame] canvas')"
    ),
    "Dash": "document.querySelectorAll('.js-plotly-plot .main-svg').length >= 7 && document.querySelectorAll('td').length > 100",
}


def installed() -> Path:
    """The peers' own virtual environment, made once; its Python."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        progress("installing Streamlit and Dash into bench/.peers")
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")], check=True)
    return python


@contextmanager
def peer(name: str, tables: dict[str, list[str]]) -> Iterator[str]:
    """A peer's dashboard served on loopback; its URL."""
    python, port = installed(), free_port()
    environment = {**os.environ, "SEAWALL_PEER_TABLES": json.dumps(tables), "PORT": str(port), "PYTHONPATH": str(HERE)}
    if name == "Streamlit":
        options = [
            "--server.port",
            str(port),
            "--server.headless",
            "true",
            "--server.address",
            "127.0.0.1",
            "--browser.gatherUsageStats",
            "false",
        ]
        arguments = [str(python), "-m", "streamlit", "run", str(HERE / "streamlit_app.py"), *options]
    else:
        arguments = [str(python), str(HERE / "dash_app.py")]
    log = HERE.parent / ".peers" / f"{name.lower()}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(arguments, env=environment, stdout=said, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}/"
    try:
        try:
            wait_until(lambda: _answers(port), 60)
        except TimeoutError as error:
            raise RuntimeError(f"{name} did not start:\n{log.read_text()[-2000:]}") from error
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def visit(browser: Any, url: str, whole: str) -> dict[str, float]:
    """One visit with an empty browser cache: when everything is there (ms), and bytes on the wire."""
    with window(browser, height=4000) as page:
        page.add_init_script(
            f"(function look() {{ if (document.body && ({whole})) window.whole = performance.now(); else requestAnimationFrame(look); }})()"
        )
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        size = [0.0]

        def finished(event: dict[str, Any]) -> None:
            size[0] += event["encodedDataLength"]

        def frame(event: dict[str, Any]) -> None:
            size[0] += len(event["response"]["payloadData"])

        wire.on("Network.loadingFinished", finished)
        wire.on("Network.webSocketFrameReceived", frame)
        page.goto(url, wait_until="commit")
        page.wait_for_function("() => window.whole !== undefined", timeout=60_000)
        content: float = page.evaluate("window.whole")
        page.wait_for_timeout(500)
    return {"all": content, "bytes": size[0]}


def peers(made: Instance, open_page: Callable[..., dict[str, float]], *, quick: bool) -> dict[str, Claim]:
    """Content and bytes of the three, visited in turn."""
    token = made.token()
    manifest = json.loads(made.command("generation", str(REPOSITORY / "apps" / "merchandising"), "--json"))
    tables = {name: table["paths"] for name, table in manifest["tables"].items()}
    runs: dict[str, list[dict[str, float]]] = {"Seawall": [], "Streamlit": [], "Dash": []}
    with peer("Streamlit", tables) as streamlit, peer("Dash", tables) as dash, chromium() as browser:
        for _ in range(4 if quick else 12):
            runs["Seawall"].append(open_page(browser, made.url, token))
            runs["Streamlit"].append(visit(browser, streamlit, WHOLE["Streamlit"]))
            runs["Dash"].append(visit(browser, dash, WHOLE["Dash"]))
    middle = {name: {key: quantile([one[key] for one in them[1:]], 0.5) for key in ("all", "bytes")} for name, them in runs.items()}
    claims: dict[str, Claim] = {}
    for name in ("Streamlit", "Dash"):
        ours, theirs, count = middle["Seawall"], middle[name], len(runs[name]) - 1
        how = f"ten answers over the same Parquet, caches warm, visits in turn, medians: {name} {{}}, Seawall {{}}"
        content = how.format(f"{theirs['all']:.0f} ms", f"{ours['all']:.0f} ms")
        wire = how.format(f"{theirs['bytes'] / 1000:.0f} KB", f"{ours['bytes'] / 1000:.1f} KB")
        claims[f"content sooner than {name}"] = claim(theirs["all"] / ours["all"], "×", "≥ 5", count, content)
        claims[f"fewer bytes than {name}"] = claim(theirs["bytes"] / ours["bytes"], "×", "≥ 50", count, wire)
    return claims
