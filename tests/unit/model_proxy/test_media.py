"""What a provider may be asked to fetch: nothing, unless models.yaml says so; nothing inside anybody's network, however it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.deadline import Deadline
from seawall.model_proxy.call import Call
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.http import Request
from seawall.model_proxy.media import ADDRESSES_MAX, check_hosts, remote_addresses
from seawall.model_proxy.route.router import Router
from seawall.telemetry import spans

CAT = "https://pictures.example.com/cat.png"
MODELS = """
providers:
  plain: {kind: openai, url: https://plain.example/v1}
  fetching: {kind: openai, url: https://fetching.example/v1, remote_images: true}
models:
  a: {provider: plain, model: a}
  b: {provider: fetching, model: b}
routes: {both: {variants: {a: 100}, fallback: [b]}}
"""


def body(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}], **more}


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def asked(**fields: Any) -> Call:
    made = Call(Request("POST", "", "", {}), "chat", Deadline.from_header(None, default_ms=1000), spans.begin("model.call", "model"))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_bytes_in_the_request_pass() -> None:
    """Images, audio and files that are there already; and text that begins with an address is text."""
    parts = (
        image("data:image/png;base64,AAAA"),
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"filename": "a:b.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "text", "text": CAT},
        {"type": "thinking", "thinking": CAT},
    )
    assert remote_addresses(body(*parts, tools=[{"type": "function", "function": {"name": "f", "parameters": {"url": CAT}}}])) == ()


@pytest.mark.parametrize(
    "part",
    [
        image(CAT),
        {"type": "image_url", "image_url": CAT},
        {"type": "image_url", "image_url": {"url": CAT, "detail": "low"}},
        {"type": "input_image", "image_url": CAT},
        {"type": "image", "source": {"type": "url", "url": CAT}},
        {"type": "video_url", "video_url": {"url": CAT}},
        {"type": "file", "file": {"file_data": CAT}},
        {"type": "input_audio", "input_audio": {"data": CAT}},
        {"type": "something new", "deep": [{"er": [CAT]}]},
    ],
)
def test_an_address_is_found_wherever_it_stands(part: Any) -> None:
    """Providers differ in where they read one from."""
    assert remote_addresses(body({"type": "text", "text": "what is this?"}, part)) == (CAT,)


def test_tools_that_the_provider_runs_are_looked_at() -> None:
    """One may name a server that the provider calls."""
    assert remote_addresses(body(tools=[{"type": "mcp", "server_url": CAT}])) == (CAT,)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.0.0.1./",
        "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/", "http://[fe80::1%25eth0]/",
        "http://169.254.169.254/latest/meta-data", "HTTP://LOCALHOST/", "http://localhost./", "http://db/", "http://metadata.google.internal/",
        "http://printer.local/", "http://api.default.svc.cluster.local/", "http://10.1.2.3:8080/x", "http://999.1.1.1/", "http://1.2.3.4.5/",
        "https://good.example.com\\@127.0.0.1/", "https://user@good.example.com/", "https://good.example.com:0/", "https:///nohost",
        "https://１２７.0.0.1/", "https://good.example.com/a b", " http://127.0.0.1/", "ht\ttp://127.0.0.1/", "http://127.0.0.1\n.example.com/",
        "//169.254.169.254/x", "file:///etc/passwd", "file:/etc/passwd", "ftp://a.example.com/x", "gopher://a.example.com/", "s3://bucket/key",
        "\\\\host\\share", "169.254.169.254/latest", "", "/etc/passwd", "https://good.example.com/" + "x" * 5000,
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_however_it_is_written(url: str) -> None:
    """Whatever models.yaml says. The place is named as OpenAI names it."""
    with pytest.raises(BadCall) as caught:
        remote_addresses(body({"type": "text", "text": "x"}, image(url)))
    assert caught.value.param == "messages[0].content[1].image_url.url"


@given(
    st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="192.168.0.0/16") | st.ip_addresses(v=6, network="fc00::/7")
)
def test_private_networks_are_refused(address: Any) -> None:
    """Any address of them."""
    with pytest.raises(BadCall):
        remote_addresses(body(image(f"https://[{address}]/x" if address.version == 6 else f"https://{address}/x")))


@pytest.mark.parametrize("part", [{"type": "file", "file": {"file_id": "file-1"}}, {"type": "image_file", "image_file": {"file_id": "f"}}])
def test_a_file_kept_at_a_provider_cannot_be_named(part: Any) -> None:
    """Every caller shares the account, so one could name another's."""
    with pytest.raises(BadCall, match="shares the account"):
        remote_addresses(body(part))


def test_addresses_are_bounded() -> None:
    """Each costs a look-up, and the provider a fetch; and parts that are not text have a bound of values."""
    with pytest.raises(BadCall, match="too many addresses"):
        remote_addresses(body(*[image(f"{CAT}?{number}") for number in range(ADDRESSES_MAX + 1)]))
    with pytest.raises(BadCall, match="too much"):
        remote_addresses(body({"type": "x", "y": [0] * 30_000}))


def test_only_a_provider_that_may_fetch_is_asked() -> None:
    """A route skips the others; with none left the client is told what to do."""
    config, faults = parse(MODELS.encode(), "models.yaml")
    assert config is not None, faults
    router = Router(config)
    assert [target.id for target in router.candidates(asked(model="both"))] == ["a", "b"]
    assert [target.id for target in router.candidates(asked(model="both", remote=(CAT,)))] == ["b"]
    with pytest.raises(BadCall, match="remote_images"):
        router.candidates(asked(model="a", remote=(CAT,)))


def test_an_sdk_may_not_fetch_from_here() -> None:
    """Some of any-llm's do it themselves, inside our network."""
    config, faults = parse(b"providers: {p: {kind: any-llm, provider: x, remote_images: true}}\nmodels: {}\n", "models.yaml")
    assert config is None
    assert [fault.code for fault in faults] == ["bad_value"]


@pytest.mark.parametrize("found", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:192.168.0.1"], []])
async def test_a_public_name_of_a_private_address_is_refused(found: list[str]) -> None:
    """Anybody may give such a name to any address; one private among several is enough."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        return found

    with pytest.raises(BadCall, match="public host"):
        await check_hosts((CAT,), lookup)


async def test_a_name_that_is_not_known_is_refused() -> None:
    """So is one that takes long to look up."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(BadCall, match="not known"):
        await check_hosts((CAT,), lookup)
