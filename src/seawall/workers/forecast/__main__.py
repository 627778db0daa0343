"""`python -m seawall.workers.forecast`: read a request on standard input, write Parquet files, answer on standard output.

A process of its own, so that statsforecast's memory and its seconds of CPU are gone when it ends, and it can be stopped.
It ends when its parent does. Same input, same files.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

import duckdb
import msgspec

from seawall.workers.forecast.request import Request
from seawall.workers.forecast.work import run

NICENESS = 5
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do one request."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(NICENESS)
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        answer = run(request)
    except (duckdb.Error, OSError, ValueError) as error:
        sys.stderr.write(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}\n")
        sys.exit(1)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
