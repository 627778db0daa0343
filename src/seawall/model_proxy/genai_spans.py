"""What a model call's span says, in OpenTelemetry's words for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/).

Those words are still being chosen, so the version is a switch. `SEAWALL_GENAI_SEMCONV` is `1.36` (the last before the names changed, the
default), `latest` or `off`; without it `OTEL_SEMCONV_STABILITY_OPT_IN` with the word `gen_ai_latest_experimental` chooses `latest`, as the
conventions ask. `latest` differs by `gen_ai.provider.name` for `gen_ai.system`, and adds what 1.36 had no name for: whether it was
streamed, the time to a stream's first chunk, and tokens the provider read from its cache. The time to the first chunk has a name of ours as
well, whatever the version: 1.36 knows it as a server's metric alone (`gen_ai.server.time_to_first_token`). No span holds what was said;
what a client wrote elsewhere (its action, a model there is not) is redacted.
"""

from __future__ import annotations

from typing import Literal

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.call import Call
from seawall.model_proxy.exchanges.redact import redact_text

Semconv = Literal["1.36", "latest", "off"]
VARIABLE = "SEAWALL_GENAI_SEMCONV"
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_VERSIONS: dict[str, Semconv] = {"1.36": "1.36", "latest": "latest", "off": "off"}
_LATEST = "gen_ai_latest_experimental"


def semconv_of(said: str, opt_in: str = "") -> Semconv:
    """Which names the two variables ask for. ConfigurationError when they are some we do not know."""
    if not said:
        return "latest" if _LATEST in [word.strip() for word in opt_in.split(",")] else "1.36"
    known = _VERSIONS.get(said)
    if known is None:
        raise ConfigurationError(f"{VARIABLE} names no version we know", expected="1.36, latest or off", got=said[:40])
    return known


def annotate(call: Call, semconv: Semconv = "1.36") -> None:
    """Put a call that is over and settled into its span's attributes."""
    _annotate_ours(call)
    if semconv != "off":
        _annotate_request(call)
        _annotate_answer(call, "gen_ai.provider.name" if semconv == "latest" else "gen_ai.system")
        if semconv == "latest":
            _annotate_latest(call)


def _annotate_ours(call: Call) -> None:
    told = call.span.attributes
    told["seawall.cache"] = call.served
    if call.app:
        told["seawall.app"] = call.app
    if call.action:
        told["seawall.action"] = redact_text(call.action)
    if call.cost:
        told["seawall.cost_nanodollars"] = call.cost
    if call.usage.estimated:
        told["seawall.usage_estimated"] = True
    if call.first_ns and call.sent_ns:
        told["seawall.time_to_first_chunk"] = (call.first_ns - call.sent_ns) / 1e9
    if len(call.attempts) > 1:
        told["seawall.attempts"] = len(call.attempts)
    if call.prompt:
        told["gen_ai.prompt.name"] = call.prompt
        told["gen_ai.prompt.version"] = call.version
    if call.error:
        told["error.type"] = call.error


def _annotate_request(call: Call) -> None:
    told, get = call.span.attributes, call.body.get
    told["gen_ai.operation.name"] = "embeddings" if call.surface == "embeddings" else "chat"
    told["gen_ai.request.model"] = call.model if call.target is not None else redact_text(call.model)
    heat = get("temperature")
    if type(heat) is float or type(heat) is int:
        told["gen_ai.request.temperature"] = float(heat)
    most = get("max_completion_tokens") or get("max_tokens")
    if isinstance(most, int):
        told["gen_ai.request.max_tokens"] = most


def _annotate_answer(call: Call, provider: str) -> None:
    told, target, usage = call.span.attributes, call.target, call.usage
    if target is not None:
        told[provider] = target.provider
        told["gen_ai.response.model"] = call.answered_by or target.model
    if call.finish:
        told["gen_ai.response.finish_reasons"] = (call.finish,)
    if usage.input or usage.output:
        told["gen_ai.usage.input_tokens"] = usage.input
        told["gen_ai.usage.output_tokens"] = usage.output


def _annotate_latest(call: Call) -> None:
    told = call.span.attributes
    if call.stream:
        told["gen_ai.request.stream"] = True
        if (seconds := told.get("seawall.time_to_first_chunk")) is not None:
            told["gen_ai.response.time_to_first_chunk"] = seconds
    if call.usage.cached:
        told["gen_ai.usage.cache_read.input_tokens"] = call.usage.cached
