"""Runs every benchmark and rewrites the table in docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCH = Path(__file__).resolve().parent
DOCUMENT = BENCH.parent / "docs" / "benchmarks.md"
START, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"
SHARED = {"harness.py", "table.py"}


def main() -> int:
    """Every `bench/NAME.py`, one after the other; the exit code is 1 when a claim does not hold."""
    today = datetime.now(tz=UTC).date().isoformat()
    lines = [
        START,
        "",
        f"Measured on {today} with {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        "",
    ]
    good = True
    for path in sorted(BENCH.glob("*.py")):
        if path.name in SHARED:
            continue
        done = subprocess.run([sys.executable, str(path), "--json", *sys.argv[1:]], stdout=subprocess.PIPE, text=True, check=False)
        good &= done.returncode == 0
        claims = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}
        lines += [f"## `bench/{path.name}`", "", "| claim | measured | bar | holds | samples | how |", "|---|---:|---|---|---:|---|"]
        for name, one in claims.items():
            mark = "—" if not one["bar"] else "yes" if one["ok"] else "**no**"
            lines.append(
                f"| {name} | {one['value']:,g} {one['unit']} | {one['bar'] or '—'} | {mark} | {one['samples']:,} | {one['method']} |"
            )
        lines.append("")
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + "\n".join(lines) + END + after)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
