"""The step that reads what is asked: a body of its own, or a prompt's. A long one is read beside the event loop."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from seawall.model_proxy.choices import Choices, check_choices
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.journey import Journey, Step
from seawall.model_proxy.media import check_steering, remote_addresses
from seawall.model_proxy.screen.aside import aside
from seawall.model_proxy.wire import read_chat, read_embeddings

ACTION_HEADER = "seawall-action"
"""What the user did that caused the call."""
ACTION_CHARACTERS_MAX = 200
AT_ONCE_BYTES_MAX = 128 << 10
"""A longer body is read in a thread: 8 MB take 20 to 400 ms."""


def reading(evaluation: Evaluation | None) -> Step:
    """The step. It sets a call up as an evaluation where it is one. BadCall, OutOfScope, UnknownModel; OverLimit when too many wait."""

    def read(journey: Journey) -> Awaitable[None] | None:
        call = journey.call
        call.action = call.request.headers.get(ACTION_HEADER, "")[:ACTION_CHARACTERS_MAX]
        if len(call.request.body) > AT_ONCE_BYTES_MAX:
            return read_aside(journey)
        _read(journey)
        if evaluation is not None:
            evaluation.enter(call)
        return None

    async def read_aside(journey: Journey) -> None:
        await aside(partial(_read, journey))
        if evaluation is not None:
            evaluation.enter(journey.call)

    return read


def _read(journey: Journey) -> None:
    call = journey.call
    if call.surface == "embeddings":
        call.body, embeddings = read_embeddings(call.request.body)
        call.model = embeddings.model
        check_steering(call.body)
    elif journey.prepare is not None:
        journey.prepare(call)
        call.usage_asked = call.stream
    else:
        _read_chat(journey)


def _read_chat(journey: Journey) -> None:
    call = journey.call
    call.body, chat = read_chat(call.request.body)
    call.model = chat.model
    check_steering(call.body)
    call.remote = remote_addresses(call.body)
    if chat.stream:
        call.stream = True
        call.usage_asked = bool(chat.stream_options and chat.stream_options.include_usage)
        call.body["stream_options"] = {**(call.body.get("stream_options") or {}), "include_usage": True}
        if chat.n is not None and chat.n > 1:
            check_choices(call.body)
            journey.delivery = Choices(call, journey.out)
