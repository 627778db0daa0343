"""Spans: parents, errors, and their way over the wire and back."""

import datetime
import ssl
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from seawall.telemetry import spans
from seawall.telemetry.collector import SpanFiles, decode, read_spans
from seawall.telemetry.export import Exporter, post
from seawall.telemetry.otlp import encode


@pytest.fixture(autouse=True)
def _empty_buffer():
    spans.finished.clear()
    yield
    spans.finished.clear()


def test_a_child_belongs_to_the_trace_it_was_opened_in():
    """A span opened inside another carries its trace and names it as parent."""
    with spans.span("page", "ui") as outer, spans.span("query", "storage") as inner:
        assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.span_id)


def test_a_caller_in_another_process_is_the_parent():
    """A W3C traceparent header links the span to the caller's."""
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with spans.span("page", "ui", traceparent=header) as made:
        assert (made.trace_id, made.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "00-short-b7ad6b7169203331-01", "00-" + "z" * 32 + "-" + "z" * 16 + "-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"],
)
def test_a_malformed_traceparent_starts_a_new_trace(header):
    """Nonsense from outside never reaches the exporter."""
    with spans.span("page", "ui", traceparent=header) as made:
        assert made.parent_id == ""
        bytes.fromhex(made.trace_id)


def test_a_failing_block_marks_its_span():
    """The exception passes, and the span tells its name."""
    with pytest.raises(ValueError, match="no"), spans.span("query", "storage"):
        raise ValueError("no")
    assert spans.finished[0].error == "ValueError"


def test_the_oldest_spans_go_when_nobody_collects_them():
    """The buffer is bounded."""
    assert spans.finished.maxlen == spans.BUFFER_SPANS_MAX


def test_what_is_encoded_is_what_the_collector_reads(tmp_path):
    """Names, ids, boundary and attributes of every type survive OTLP and the file."""
    with spans.span("page", "ui", panels=3, ratio=0.5, cached=True, page="demand"):
        pass
    files = SpanFiles(tmp_path)
    files.append(decode(encode(list(spans.finished), "seawall-ui", "1")))
    (record,) = read_spans(tmp_path)
    assert (record.name, record.boundary, record.service) == ("page", "ui", "seawall-ui")
    assert record.attributes == {"panels": 3, "ratio": 0.5, "cached": True, "page": "demand"}


def collecting(bodies):
    """A collector's answers; it keeps what it is sent in `bodies`."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    return Collector


def test_the_exporter_posts_batches_to_a_collector():
    """Everything waiting is sent, over real HTTP."""
    bodies: list[bytes] = []

    with HTTPServer(("127.0.0.1", 0), collecting(bodies)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for _ in range(3):
            with spans.span("page", "ui"):
                pass
        exporter = Exporter(f"http://127.0.0.1:{server.server_port}", "seawall-ui", "0", spans.finished)
        exporter.flush()
        server.shutdown()
        thread.join()
    assert exporter.sent_spans == 3
    assert [one.name for body in bodies for one in decode(body)] == ["page"] * 3


def test_a_collector_that_is_away_costs_the_batch_only():
    """Spans are counted as lost and the service goes on."""
    source = deque([_finished()])
    exporter = Exporter("unix:///nowhere/at-all.sock", "seawall-ui", "0", source)
    exporter.flush()
    assert (exporter.lost_spans, len(source)) == (1, 0)


def _finished() -> spans.Span:
    with spans.span("page", "ui") as made:
        pass
    return made


def certificate(directory):
    """One of `localhost`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(hours=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory / "cert.pem", directory / "key.pem"


def test_spans_go_to_a_collector_over_tls(tmp_path, monkeypatch):
    """An https address is spoken to as one; a certificate nobody trusts gets nothing."""
    bodies: list[bytes] = []
    cert, key = certificate(tmp_path)

    class Server(HTTPServer):
        def handle_error(self, *_):
            pass

    with Server(("127.0.0.1", 0), collecting(bodies)) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        endpoint = f"https://localhost:{server.server_port}"
        with pytest.raises(OSError, match="certificate verify failed"):
            post(endpoint, b"untrusted")
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        post(endpoint, b"spans")
        server.shutdown()
        thread.join()
    assert bodies == [b"spans"]
