"""The gateway's other edges: spans to a collector, TLS, the model proxy behind it, and Envoy's own verdict on the configuration."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.integration.gateway_envoy import envoy, port_of, status
from tests.integration.gateway_stand_ins import Loop, Upstream
from tests.waiting import until

from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.gateway.config import whole
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.client import ModelProxyClient
from seawall.model_proxy.edge import Server
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.telemetry.spans import span
from seawall.trust.errors import NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

KEYS = generate()
TOKENS = Tokens(KEYS)
TOKEN = TOKENS.mint(Principal(user="mia"), 86_000)
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def run() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gw") as directory:
        yield Path(directory)


@pytest.fixture
def upstreams(run: Path) -> Iterator[dict[str, Upstream]]:
    loop = Loop()
    made = {name: Upstream(name, run / f"{name}.sock") for name in ("ui-read-0", "ui-read-1", "ui-write-0", "model-proxy-0", "workers-0")}
    for upstream in made.values():
        loop.serve(upstream.start)
    yield made
    loop.close()


def plan_in(run: Path, **changes: object) -> Plan:
    return msgspec.structs.replace(Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0), **changes)


@contextlib.contextmanager
def gateway(plan: Plan) -> Iterator[int]:
    prepare(plan)
    with envoy(arguments(plan), plan.health_socket, plan.run / "envoy.log"):
        yield port_of(plan.admin_socket)


@pytest.mark.parametrize(
    "changes", [{}, {"otlp_endpoint": "unix:///tmp/w.sock"}, {"otlp_endpoint": "https://collector:4318"}, {"secure": True}]
)
def test_envoy_accepts_the_configuration(run: Path, changes: dict) -> None:
    """`envoy --mode validate` finds nothing wrong, nothing unknown and nothing deprecated in what is rendered."""
    path = run / "whole.json"
    path.write_bytes(whole(plan_in(run, **changes)))
    command = [arguments(plan_in(run))[0], "--mode", "validate", "--reject-unknown-dynamic-fields", "-c", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "eprecated" not in done.stderr


def spans_at(collector: Upstream) -> list[tuple[str, object]]:
    requests = [ExportTraceServiceRequest.FromString(one.body) for one in collector.seen]
    found = []
    for resource in (resource for request in requests for resource in request.resource_spans):
        service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
        found += [(service, span) for scope in resource.scope_spans for span in scope.spans]
    return found


def test_spans(run: Path, upstreams: dict[str, Upstream]) -> None:
    """Each request's span reaches the collector under the trace that the service saw; sign-in links leave none."""
    with gateway(plan_in(run, otlp_endpoint=f"unix://{run}/workers-0.sock")) as port:
        httpx.get(f"http://127.0.0.1:{port}/auth/link/SECRET")
        seen = httpx.get(f"http://127.0.0.1:{port}/m/demand", headers=BEARER).json()["headers"]["traceparent"]
        given = f"00-{'ab' * 16}-{'cd' * 8}-01"
        continued = httpx.get(f"http://127.0.0.1:{port}/m/demand", headers={**BEARER, "traceparent": given}).json()["headers"][
            "traceparent"
        ]
        until(lambda: len(spans_at(upstreams["workers-0"])) >= 2)
    assert {one.target for one in upstreams["workers-0"].seen} == {"/v1/traces"}
    assert continued.split("-")[1] == "ab" * 16
    by_id = {span.span_id.hex(): (service, span) for service, span in spans_at(upstreams["workers-0"])}
    for header in (seen, continued):
        service, span = by_id[header.split("-")[2]]
        assert (service, span.trace_id.hex()) == ("seawall-gateway", header.split("-")[1])
    assert by_id[continued.split("-")[2]][1].parent_span_id.hex() == "cd" * 8
    assert not [one for one in upstreams["workers-0"].seen if b"SECRET" in one.body]


def certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "key.pem").write_bytes(private)
    return directory / "cert.pem", directory / "key.pem"


def test_tls(run: Path, upstreams: dict[str, Upstream]) -> None:
    """With a certificate: HSTS on every answer, only the cookie that no other site can set, no plain HTTP."""
    cert, key = certificate(run)
    with gateway(plan_in(run, secure=True, tls_certificate=str(cert), tls_key=str(key))) as port:
        context = ssl.create_default_context(cafile=str(cert))
        with httpx.Client(base_url=f"https://localhost:{port}", verify=context) as client:
            good = client.get("/m/x", headers={"cookie": f"__Host-seawall_token={TOKEN}"})
            plain_name = client.get("/m/x", headers={"cookie": f"seawall_token={TOKEN}"})
        assert (good.status_code, plain_name.status_code) == (200, 401)
        for answer in (good, plain_name):
            assert answer.headers.get_list("strict-transport-security") == ["max-age=63072000; includeSubDomains"]
        assert good.json()["headers"]["x-forwarded-proto"] == "https"
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/m/x")


async def test_model_proxy_behind_the_gateway(run: Path) -> None:
    """A service asks the real model proxy for its models through the internal listener, as the user it serves."""
    proxy = Server(ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS).handle, refusal)
    await proxy.listen(run / "model-proxy-0.sock")
    plan, client = plan_in(run), ModelProxyClient(run)
    prepare(plan)
    with envoy(arguments(plan), plan.health_socket, run / "envoy.log", wait=False):
        await asyncio.to_thread(until, lambda: status(plan.internal_socket, "/v1/models") == 401)
        with span("test", "ui"):
            assert await client.models(TOKEN, deadline=Deadline.after(30)) == DEFAULT_MODELS
        with pytest.raises(NotSignedIn):
            await client.models("nothing", deadline=Deadline.after(30))
        port = await asyncio.to_thread(port_of, plan.admin_socket)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as outside:
            answer = await outside.get("/v1/models", headers=BEARER)
            assert [model["id"] for model in answer.json()["data"]] == ["small", "large"]
            assert (await outside.get("/v1/nothing", headers=BEARER)).json()["error"]["code"] == "unknown_url"
    await client.aclose()
    await proxy.drain(1)
