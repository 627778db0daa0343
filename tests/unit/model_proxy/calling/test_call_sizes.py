"""An answer that is too large is cut where it passes its limit, told as 502 in OpenAI's shape, and neither asked for again nor for free."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.core.deadline import Deadline
from seawall.model_proxy.answering import Answering
from seawall.model_proxy.call import Call, Piece, Target, Whole
from seawall.model_proxy.config import ProviderLimits
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import AnswerTooLarge
from seawall.model_proxy.failures import judged
from seawall.model_proxy.http import Request
from seawall.model_proxy.replies import failure
from seawall.telemetry import spans

MIB = 1 << 20
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}\n\n'


class Sink:
    """Takes what comes."""

    control = None
    released = False

    def stream(self, piece: Piece) -> None:
        self.released = True

    def whole(self, answer: Whole) -> None:
        self.released = True


def receiver(limits: ProviderLimits, *, stream: bool = False, surface: Any = "chat") -> Answering:
    call = Call(Request("POST", "", "", {}), surface, Deadline.from_header(None, default_ms=1000), spans.begin("model.call", "model"))
    call.stream = stream
    made = Answering(call, Target("t", "p", "m"), Sink(), limits)
    made.head(200, {"content-type": "text/event-stream" if stream else "application/json"})
    return made


def fed(made: Answering, chunk: bytes, most: int) -> int:
    """Chunks taken before it is refused."""
    for number in range(most):
        try:
            made.data(chunk)
        except AnswerTooLarge:
            return number
    return most


def test_a_whole_answer_is_bounded() -> None:
    """Twenty megabytes do not pass where eight may, nor are they kept; what came is estimated, for the provider bills it."""
    made = receiver(ProviderLimits())
    assert fed(made, b"x" * MIB, 20) == 8
    assert made.usage().output >= 2 * MIB


def test_a_stream_is_bounded_however_small_its_events() -> None:
    """All of its bytes count."""
    assert fed(receiver(ProviderLimits(stream_mb=2), stream=True), EVENT % (b"x" * (64 << 10)), 100) == 31


def test_embeddings_have_a_limit_of_their_own() -> None:
    """Two thousand vectors are larger than any completion."""
    assert fed(receiver(ProviderLimits(answer_mb=1, embeddings_mb=3), surface="embeddings"), b"x" * MIB, 9) == 3


def test_an_answer_at_its_limit_passes() -> None:
    """To the byte."""
    text = "x" * (2 * MIB - 200)
    data = msgspec.json.encode({"choices": [{"message": {"content": text}}]})
    made = receiver(ProviderLimits(answer_mb=2))
    made.data(data + b" " * (2 * MIB - len(data)))
    made.finish()
    with pytest.raises(AnswerTooLarge):
        made.data(b" ")


def test_it_is_told_as_a_502_and_nobody_else_is_asked() -> None:
    """Another provider's answer would be as large, and cost as much; it does not speak against the provider."""
    error = AnswerTooLarge("The provider's answer is larger than may be", expected="at most 8 MiB")
    judgement = judged(error)
    response = failure(error)
    assert (judgement.elsewhere, judgement.again, judgement.ill) == (False, False, False)
    assert response.status == 502
    assert msgspec.json.decode(response.body)["error"]["code"] == "answer_too_large"


def test_limits_are_set_by_provider() -> None:
    """Within what a process can bear."""
    text = "providers: {{p: {{kind: openai, url: 'https://p.example/v1', limits: {{answer_mb: {0}, stream_mb: 4}}}}}}\nmodels: {{}}\n"
    config, faults = parse(text.format(16).encode(), "models.yaml")
    assert config is not None, faults
    assert (config.providers["p"].limits.answer_mb, config.providers["p"].limits.stream_mb) == (16, 4)
    assert [fault.code for fault in parse(text.format(999).encode(), "models.yaml")[1]] == ["out_of_range"]
