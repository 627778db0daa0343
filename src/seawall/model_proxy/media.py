"""What a request may make of a provider beside asking its model: what it holds beside texts (images, audio, files, tools that a provider
runs), the addresses in it that a provider would fetch, and members that gateways behind us take for settings.

Bytes inside the request (`data:` URLs, Base64) pass. An address is fetched by the provider from where the provider is, so whoever names it
reaches what the provider reaches: only http and https to public hosts, and only where models.yaml says so (`remote_images`). Files kept
at the provider (`file_id`) are refused always: all callers share its account, so they could name each other's.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from seawall.model_proxy.addresses import Lookup, is_public
from seawall.model_proxy.errors import BadCall

ADDRESSES_MAX = 64
"""In one request."""
VALUES_MAX = 20_000
"""In its parts that are not text."""
ADDRESS_CHARACTERS_MAX = 4_096
LOOK_UP_SECONDS = 2.0
_TEXTS = frozenset({"text", "refusal", "input_text", "output_text"})
_PROSE = frozenset({"text", "refusal", "thinking", "title", "description", "filename", "signature"})
"""Members that are read, not fetched, though they may begin with an address."""
_FETCHED = frozenset({"url", "image_url", "video_url", "audio_url", "file_url", "server_url", "source_url", "uri", "file_uri"})
"""Members that are an address, whatever they look like."""
_KEPT = frozenset({"file_id", "file_ids"})
_STEERING = frozenset(
    {
        "api_base", "api_key", "api_version", "base_url", "custom_llm_provider", "extra_body", "extra_headers", "extra_query", "fallbacks",
        "model_list", "models", "organization", "plugins", "provider", "route", "user_config",
    }
)  # fmt: skip
"""Members that gateways (LiteLLM, OpenRouter and their kin) take for settings of the call."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(//)?")
_UNSEEN = str.maketrans("", "", "\t\n\r")
"""What readers of addresses skip. https://url.spec.whatwg.org/#concept-basic-url-parser"""
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "corp", "home", "localdomain", "home.arpa", "private", "svc")
_FIX = "Send its bytes, as `data:image/png;base64,…`"


def remote_addresses(body: dict[str, Any]) -> tuple[str, ...]:
    """The addresses that a provider would fetch. BadCall for one that nobody may, for a file kept at a provider, or for too many."""
    if "tools" not in body:
        for message in body["messages"]:
            if type(message.get("content")) is list:
                break
        else:
            return ()
    parts = [
        (f"messages[{at}].content[{number}]", part)
        for at, message in enumerate(body["messages"])
        if type(message.get("content")) is list
        for number, part in enumerate(message["content"])
        if part["type"] not in _TEXTS
    ]
    parts += [(f"tools[{number}]", tool) for number, tool in enumerate(body.get("tools") or ()) if tool["type"] != "function"]
    return _of(parts) if parts else ()


def check_steering(body: dict[str, Any]) -> None:
    """BadCall for a member by which a gateway behind us would ask another model, address or account than models.yaml says and bills."""
    if not _STEERING.isdisjoint(body):
        name = min(_STEERING & body.keys())
        raise BadCall(
            f"'{name}' is not for callers to say: models.yaml says who is asked and as whom",
            param=name,
            fix="Leave it out, and name a route in `model`",
        )


def _of(parts: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
    found = [address for where, text in _strings(parts) if (address := _address(where, text))]
    if len(found) > ADDRESSES_MAX:
        raise BadCall("The request names too many addresses", param="messages", expected=f"at most {ADDRESSES_MAX}", got=str(len(found)))
    return tuple(dict.fromkeys(found))


def _strings(parts: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Every string that is no prose, with its place."""
    waiting: list[tuple[str, Any]] = list(parts)
    values = len(waiting)
    while waiting:
        where, value = waiting.pop()
        if type(value) is str:
            yield where, value
            continue
        inner = list(value.items()) if type(value) is dict else list(enumerate(value)) if type(value) is list else []
        values += len(inner)
        if values > VALUES_MAX:
            raise BadCall(
                "The request holds too much beside its texts", param=where.partition(".")[0], expected=f"at most {VALUES_MAX:,} values"
            )
        for key, one in inner:
            if key in _KEPT and one:
                raise BadCall(
                    "Files kept at a provider cannot be named: every caller shares the account they are in",
                    param=f"{where}.{key}",
                    fix=_FIX,
                )
            if key not in _PROSE:
                waiting.append((f"{where}[{key}]" if type(key) is int else f"{where}.{str(key)[:60]}", one))


def _address(where: str, text: str) -> str:
    """The address that a string is, where it is one that a provider would fetch; "" when it is none. BadCall when nobody may fetch it."""
    head = text[:64].translate(_UNSEEN).strip().lower()
    if head.startswith("data:"):
        return ""
    scheme = _SCHEME.match(head)
    if scheme is not None and scheme[1] in ("http", "https"):
        _check(where, text)
        return text
    if (scheme is not None and scheme[2]) or head.startswith(("//", "file:", "\\\\")) or _is_address(where):
        raise BadCall("This is not an address that is taken here", param=where[:200], expected="a data URL", fix=_FIX)
    return ""


def _is_address(where: str) -> bool:
    return where.rpartition(".")[2] in _FETCHED


def _check(where: str, text: str) -> None:
    """BadCall unless it reads in one way only, and leads to a host that may be public."""
    try:
        host = urlsplit(text).hostname or ""
        port_is_one = urlsplit(text).port != 0
    except ValueError:
        host, port_is_one = "", False
    plain = text.isascii() and text.isprintable() and not {" ", "\\", "@"} & set(text.partition("?")[0])
    if not host or not port_is_one or not plain or len(text) > ADDRESS_CHARACTERS_MAX:
        raise BadCall(
            "The address is not one that everybody reads alike",
            param=where[:200],
            expected="https://host/path in ASCII, without user or blanks",
            fix=_FIX,
        )
    if _is_inside(host):
        raise _private(where)


def _private(where: str) -> BadCall:
    return BadCall("The address does not lead to a public host, so nobody is asked to fetch it", param=where[:200], fix=_FIX)


def _is_inside(host: str) -> bool:
    """Whether a host is an address that is not public, in any way of writing one, or a name of no public network."""
    name = host.rstrip(".").lower()
    if ":" in name:
        try:
            return not is_public(ipaddress.ip_address(name.partition("%")[0]))
        except ValueError:
            return True
    if _NUMBER.fullmatch(name.rpartition(".")[2]):  # then the whole is a number, in one of many forms: 127.1, 0x7f000001, 0177.0.0.1
        try:
            return not is_public(ipaddress.IPv4Address(socket.inet_aton(name)))
        except (OSError, ValueError):
            return True
    return "." not in name or any(name.endswith(f".{suffix}") for suffix in _INSIDE)


async def check_hosts(addresses: Sequence[str], lookup: Lookup) -> None:
    """BadCall when the host of one is not known, or is at an address that is not public. The provider asks again, so this is no proof."""
    for host in dict.fromkeys(urlsplit(address).hostname or "" for address in addresses):
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await lookup(host, 443)
        except (OSError, UnicodeError) as error:
            raise BadCall("The host of an address is not known", param="messages", got=host[:100], fix=_FIX) from error
        if not found or any(_is_inside(one) for one in found):
            raise _private("messages")
