"""The workers' own small HTTP surface, on a unix socket: health, readiness, and the span collector."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from seawall.telemetry import collector

Check = Callable[[], Awaitable[str]]
"""Gives "" when all is well, else what is wrong."""


def make_asgi(checks: Mapping[str, Check], telemetry: Path) -> Starlette:
    """`/healthz`, `/readyz` from `checks`, and `POST /v1/traces` writing into `telemetry`."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        details = {name: await check() for name, check in checks.items()}
        ready = not any(details.values())
        body = {"ready": ready, "checks": {name: {"ok": not detail, "detail": detail} for name, detail in details.items()}}
        return JSONResponse(body, status_code=200 if ready else 503)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), *collector.routes(telemetry)])
