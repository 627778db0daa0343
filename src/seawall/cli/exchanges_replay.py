"""Recorded requests, asked again: of a proxy, or of a cassette. What came is compared with what was recorded."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from seawall.cli.instance import locate
from seawall.cli.terminal import printable
from seawall.core.errors import ConfigurationError
from seawall.core.principal import Principal
from seawall.model_proxy.exchanges.cassettes import read, snapshot_of
from seawall.model_proxy.exchanges.format import Exchange
from seawall.model_proxy.exchanges.keys import FILE, FileKeys
from seawall.model_proxy.exchanges.kms import VARIABLE, load_kms
from seawall.model_proxy.forms import usage_of
from seawall.trust import keys
from seawall.trust.tokens import Tokens

TIMEOUT_SECONDS = 120.0
TOKEN_SECONDS = 300.0
COMPARED_CHARACTERS_MAX = 4000
Ask = Callable[[Exchange], Awaitable[dict[str, Any] | str]]
"""A whole answer, or why there is none."""


class Row(msgspec.Struct, frozen=True):
    """One request, asked again."""

    id: str
    model: str
    same: bool
    likeness: float
    """0 to 1, of the texts."""
    tokens_before: int
    tokens_after: int
    ms_before: float
    ms_after: float
    error: str = ""


class Replayed(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    asked: int
    same: int
    different: int
    failed: int
    rows: Sequence[Row]


def ask_cassette(path: Path, data: Path, tenant: str) -> Ask:
    """Answers from a file of exchanges, sealed ones of the tenant's too where the instance with the data directory `data` recorded them."""
    kept = data / "keys" / FILE
    tape = read(path, (lambda: FileKeys(kept, load_kms(os.environ.get(VARIABLE, "")))) if kept.exists() else None, tenant)

    async def ask(one: Exchange) -> dict[str, Any] | str:
        found = tape.get(one.snapshot) or tape.get(snapshot_of(one.surface, one.request))
        return found.response or {} if found else "not in the cassette"

    return ask


def ask_proxy(data: Path, tenant: str, url: str, key_env: str, snapshot: str | None) -> Ask:
    """Answers from a proxy at `url`, or the running instance's. ConfigurationError when there is none, or no key for it."""
    record = locate(data, os.environ).read() if not url else None
    if not url and (record is None or not record.running):
        raise ConfigurationError("There is no instance to ask", fix="Start one with `seawall up`, or name a proxy with --url")
    if url and not key_env:
        raise ConfigurationError("There is no key for that proxy", fix="Put one in a variable and name it with --key-env")
    token = _token_of(data, tenant, key_env)
    headers = {"seawall-cache": "no-store"} | ({"seawall-lane": "eval", "seawall-snapshot": snapshot} if snapshot else {})
    base = (url or (record.url if record else "")).rstrip("/").removesuffix("/v1")

    async def ask(one: Exchange) -> dict[str, Any] | str:
        body = {name: value for name, value in one.request.items() if name not in ("stream", "stream_options")}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                sent = {**headers, "seawall-data-class": one.data_class, "authorization": f"Bearer {token(one)}"}
                if snapshot and one.prompt:
                    sent["seawall-prompt"] = f"{one.app}/{one.prompt}"
                answer = await client.post(f"{base}/v1/chat/completions", json=body, headers=sent)
        except httpx.HTTPError as error:
            return type(error).__name__
        return answer.json() if answer.status_code == 200 else f"HTTP {answer.status_code}"

    return ask


def _token_of(data: Path, tenant: str, key_env: str) -> Callable[[Exchange], str]:
    """The key in a variable, or a fresh token for each call, that may do no more than the call needs."""
    if key_env:
        key = os.environ.get(key_env, "")
        if not key:
            raise ConfigurationError(f"{key_env} holds no key", fix="Set it to a key made with `seawall key create`")
        return lambda one: key
    tokens = Tokens(keys.load(data / "keys"))

    def mint(one: Exchange) -> str:
        prompt = (f"prompts:{one.app}/{one.prompt}",) if one.prompt else ()
        return tokens.mint(Principal("replay", tenant, scopes=("chat", "embeddings", "eval", *prompt)), TOKEN_SECONDS)

    return mint


def run(chosen: Sequence[Exchange], ask: Ask, jobs: int, *, quiet: bool = False) -> list[Row]:
    """Ask all of them, `jobs` at once, with a bar on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import Progress

    async def go() -> list[Row]:
        gate = asyncio.Semaphore(jobs)
        with Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty(), transient=True) as bar:
            task = bar.add_task("Replaying", total=len(chosen))

            async def one(exchange: Exchange) -> Row:
                async with gate:
                    began = time.monotonic()
                    answer = await ask(exchange)
                    bar.advance(task)
                    return compare(exchange, answer, (time.monotonic() - began) * 1000)

            return list(await asyncio.gather(*[one(exchange) for exchange in chosen]))

    return asyncio.run(go())


def compare(before: Exchange, after: dict[str, Any] | str, took_ms: float) -> Row:
    """A recorded answer beside a new one, or why none came."""
    tokens = before.usage.input + before.usage.output
    model = before.target or before.model
    if isinstance(after, str):
        return Row(before.id, model, False, 0.0, tokens, 0, before.took_ms, took_ms, after)
    old, new = said(before.response or {}), said(after)
    usage = usage_of(after.get("usage"))
    same = old == new
    likeness = 1.0 if same else SequenceMatcher(None, old[:COMPARED_CHARACTERS_MAX], new[:COMPARED_CHARACTERS_MAX]).ratio()
    spent = usage.input + usage.output if usage else 0
    return Row(before.id, model, same, round(likeness, 3), tokens, spent, before.took_ms, round(took_ms, 1))


def said(body: dict[str, Any]) -> str:
    """What an answer's choices say and call, as text; not the ids that are new each time."""
    parts = []
    for choice in body.get("choices") or ():
        message = choice.get("message") or {}
        parts.append(str(message.get("content") or ""))
        parts += [msgspec.json.encode(call.get("function"), order="sorted").decode() for call in message.get("tool_calls") or ()]
    return "\n".join(parts)


def report(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print what came out."""
    failed = sum(bool(row.error) for row in rows)
    same = sum(row.same for row in rows)
    if as_json:
        click.echo(msgspec.json.encode(Replayed(len(rows), same, len(rows) - same - failed, failed, rows)))
        return
    click.echo(f"{'ID':<16} {'MODEL':<18} {'ANSWER':<12} {'TOKENS':>13} {'MS':>15}")
    for row in rows:
        answer = row.error or ("same" if row.same else f"{row.likeness:.0%} alike")
        tokens, took = f"{row.tokens_before} → {row.tokens_after}", f"{row.ms_before:.0f} → {row.ms_after:.0f}"
        model, answer = printable(row.model[:18]), printable(answer[:40])
        click.echo(f"{row.id:<16} {model:<18} {answer:<12} {tokens:>13} {took:>15}")
    click.echo(f"{len(rows)} asked, {same} same, {len(rows) - same - failed} different, {failed} without an answer")
