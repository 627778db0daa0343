"""Answers that are ours: errors as OpenAI's SDKs turn them into exceptions, whole or in the middle of a stream.

https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import math

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.http import Response
from seawall.trust.errors import InvalidToken, NotSignedIn

RETRY_AFTER_SECONDS_MAX = 60.0
"""SDKs ignore a longer one."""


class OpenAIError(msgspec.Struct, frozen=True):
    """The inside of an error answer."""

    message: str
    type: str
    code: str
    param: str | None = None


def error_response(status: int, message: str, code: str) -> Response:
    """An error by its parts."""
    return _response(status, OpenAIError(message, _kind(status, code), code), ())


def refusal(status: int, sentence: str) -> Response:
    """The answer to what never became a request."""
    return error_response(status, sentence + ".", "bad_request")


def error_of(error: SeawallError) -> OpenAIError:
    """An error of ours in OpenAI's words."""
    code = "invalid_api_key" if isinstance(error, NotSignedIn | InvalidToken) else error.slug.replace("-", "_")
    return OpenAIError(error.sentence(), _kind(error.status, code), code, getattr(error, "param", None))


def failure(error: SeawallError, request_id: str = "") -> Response:
    """The answer to a call that failed before its first byte."""
    headers: list[tuple[str, str]] = [("x-request-id", request_id)] if request_id else []
    said = error_of(error)
    if getattr(error, "lasting", False):
        headers.append(("x-should-retry", "false"))
    elif (wait := retry_after(error)) is not None:
        headers += [("retry-after", str(math.ceil(wait))), ("retry-after-ms", str(math.ceil(wait * 1000)))]
    return _response(error.status, said, tuple(headers))


def retry_after(error: SeawallError) -> float | None:
    """Seconds until a try may succeed; None: trying again is no use, or nobody knows."""
    if getattr(error, "lasting", False):
        return None
    wait = getattr(error, "retry_after", None)
    if isinstance(wait, int | float):
        return min(max(float(wait), 0.001), RETRY_AFTER_SECONDS_MAX)
    return 1.0 if error.status == 503 else None


def error_event(error: SeawallError) -> bytes:
    """What a stream says before it ends without `[DONE]`."""
    return b"data: %b\n\n" % msgspec.json.encode({"error": error_of(error)})


def _kind(status: int, code: str) -> str:
    if code == "insufficient_quota":
        return code
    if status == 429 and code != "bad_request":
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def _response(status: int, said: OpenAIError, headers: tuple[tuple[str, str], ...]) -> Response:
    return Response(status, msgspec.json.encode({"error": said}), headers=(("cache-control", "no-store"), *headers))
