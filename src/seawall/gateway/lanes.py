"""The lane table: which service answers a request, decided by route alone, in one place.

Envoy's routes are rendered from it and `lane_of` reads it the same way, so that a test can hold the one to the other.
The first row that matches wins. A row without a token is open to everybody; whatever no row opens needs one. A machine key is no token:
a call that carries one passes to the model proxy, which checks it, and to nobody else.
"""

from __future__ import annotations

import re

import msgspec

UI_READ, UI_WRITE, MODEL_PROXY, WORKERS = "ui-read", "ui-write", "model-proxy", "workers"

REPLICAS: dict[str, int] = {UI_READ: 2, UI_WRITE: 1, MODEL_PROXY: 1}
"""Upstream services and how many unix sockets (`<service>-<replica>.sock`) each has on one machine."""

READS = ("GET", "HEAD")
TIMEOUT_SECONDS = 15.0
"""How long an answer may take from first byte to last: beyond any page's deadline (0.9 s), yet bounded."""
DOWNLOAD_SECONDS = 300.0
"""A large export to a slow reader; one that stalls is cut by the stream's idle limit long before."""
IDLE_SECONDS = 60.0
BODY_BYTES_MAX = 1 << 20
MODEL_SECONDS = 600.0
"""A whole model call. How long a first byte may take is for the model proxy to say, within the stream's idle limit."""
MODEL_BODY_BYTES_MAX = 8 << 20
"""Images travel in requests."""
ASK_SECONDS = 6.0
"""A question that the parser does not answer for is put to a model, at most twice."""
ASK_BODY_BYTES_MAX = 64 << 10
MACHINE_KEY = "[Bb]earer sw_[0-9a-f]+_[A-Za-z0-9_-]+"
"""The whole `authorization` header of a call with a machine key (RE2; Envoy allows no larger program than one without counts)."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what it matches, who answers and under which limits."""

    name: str
    service: str
    path: str = ""
    """The exact path, where given."""
    prefix: str = ""
    """What the path begins with, where given."""
    pattern: str = ""
    """A regular expression for the whole path, where given (RE2)."""
    authorization: str = ""
    """A regular expression for the whole `authorization` header, where given (RE2)."""
    methods: tuple[str, ...] = ()
    """Empty: any method."""
    token: bool = True
    timeout_seconds: float = TIMEOUT_SECONDS
    body_bytes_max: int = BODY_BYTES_MAX
    deadline_seconds: float = 0.0
    """What a request without a deadline is given; 0: the page's."""
    traced: bool = True
    logged_path: bool = True
    """False where the path itself is a secret."""

    def matches(self, method: str, path: str, authorization: str = "") -> bool:
        """Whether this row takes the request. `path` is normalised and has no query."""
        if self.methods and method not in self.methods:
            return False
        if self.authorization and re.fullmatch(self.authorization, authorization) is None:
            return False
        if self.path:
            return path == self.path
        if self.pattern:
            return re.fullmatch(self.pattern, path) is not None
        return path.startswith(self.prefix or "/")

    @property
    def idempotent(self) -> bool:
        """Whether a request may be sent again when nobody has begun to answer it: it only reads."""
        return bool(self.methods) and set(self.methods) <= set(READS)


LANES: tuple[Lane, ...] = (
    Lane(name="live", service=UI_READ, path="/healthz", methods=READS, token=False, traced=False),
    Lane(name="ready", service=UI_READ, path="/readyz", methods=READS, token=False, traced=False),
    Lane(name="static", service=UI_READ, prefix="/static/", methods=READS, token=False),
    Lane(name="link", service=UI_WRITE, prefix="/auth/link/", token=False, traced=False, logged_path=False),
    Lane(name="auth", service=UI_WRITE, prefix="/auth/", token=False),
    Lane(
        name="model-key",
        service=MODEL_PROXY,
        prefix="/v1/",
        authorization=MACHINE_KEY,
        token=False,
        timeout_seconds=MODEL_SECONDS,
        body_bytes_max=MODEL_BODY_BYTES_MAX,
        deadline_seconds=MODEL_SECONDS,
    ),
    Lane(
        name="model",
        service=MODEL_PROXY,
        prefix="/v1/",
        timeout_seconds=MODEL_SECONDS,
        body_bytes_max=MODEL_BODY_BYTES_MAX,
        deadline_seconds=MODEL_SECONDS,
    ),
    Lane(name="download", service=UI_READ, pattern="/[^/]+/api/panels/[^/]+", methods=READS, timeout_seconds=DOWNLOAD_SECONDS),
    Lane(name="ask", service=UI_READ, pattern="/[^/]+/ask", methods=READS, deadline_seconds=ASK_SECONDS),
    Lane(
        name="ask-api",
        service=UI_READ,
        pattern="/[^/]+/api/ask",
        methods=("POST",),
        body_bytes_max=ASK_BODY_BYTES_MAX,
        deadline_seconds=ASK_SECONDS,
    ),
    Lane(name="read", service=UI_READ, prefix="/", methods=READS),
    Lane(name="write", service=UI_WRITE, prefix="/"),
)


def lane_of(method: str, path: str, authorization: str = "") -> Lane:
    """The lane a request takes. `path` begins with a slash, is normalised and has no query."""
    return next(lane for lane in LANES if lane.matches(method, path, authorization))
