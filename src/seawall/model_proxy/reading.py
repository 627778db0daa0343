"""The step that reads what is asked: a body of its own, or a prompt's. A long one is read beside the event loop.

Long ones are read one at a time, by turns among those who ask: nobody's crowd of them keeps another's from being read.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

from seawall.model_proxy.call import Call
from seawall.model_proxy.choices import Choices, check_choices
from seawall.model_proxy.config import Queueing
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.fair_queue import FairQueue
from seawall.model_proxy.journey import Journey, Step
from seawall.model_proxy.media import check_steering, remote_addresses
from seawall.model_proxy.wire import read_chat, read_embeddings

ACTION_HEADER = "seawall-action"
"""What the user did that caused the call."""
ACTION_CHARACTERS_MAX = 200
AT_ONCE_BYTES_MAX = 128 << 10
"""A longer body is read in a thread: 8 MB take 20 to 400 ms."""
WAITING = Queueing(waiting=32, seconds=30.0)
"""For being read; they are in memory meanwhile."""
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")


def reading(evaluation: Evaluation | None) -> Step:
    """The step. It sets a call up as an evaluation where it is one.

    BadCall, OutOfScope, UnknownModel; OverLimit when too many long ones wait, DeadlineExceeded when one waited too long.
    """
    queue = FairQueue(1, WAITING, name="The reading of long requests")

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
        call = journey.call
        await queue.enter(_whose(call), len(call.request.body) >> 8, call.deadline)
        began = time.monotonic()
        try:
            await asyncio.get_running_loop().run_in_executor(_thread, contextvars.copy_context().run, _read, journey)
        finally:
            queue.leave(time.monotonic() - began)
        if evaluation is not None:
            evaluation.enter(call)

    return read


def _whose(call: Call) -> str:
    return f"{call.caller.tenant}\0{call.caller.user}" if call.caller is not None else ""


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
