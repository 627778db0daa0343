"""Calls of one prompt by one caller that come within milliseconds, asked as one: an array of inputs in, an array of answers out.

Each answer is checked on its own; one that does not keep the schema is asked again alone. Equal inputs are asked once, where their
answers may be shared. Callers are never mixed: whoever pays, and what they may see, is one person's. A batch whose every client has
vanished is given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from seawall.core.schemas.compiled import compiled
from seawall.model_proxy.cache.keys import HEADER
from seawall.model_proxy.call import Call, Usage
from seawall.model_proxy.contract.contract import Contract
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.forms import usage_of
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts.asked import Asked, Prepare, enter, summary
from seawall.model_proxy.prompts.library import DATA, Library
from seawall.model_proxy.prompts.outs import HeldOut

WAIT_SECONDS = 0.004
MEMBERS_MAX = 16
BATCHES_MAX = 1_024
"""Open at once; more calls go alone."""
ALIKE = ("authorization", "seawall-data-class", "seawall-cache", "seawall-action")
"""What a batch's calls have in common: it is asked as its first one, for all."""
_encode = msgspec.json.Encoder(order="deterministic").encode
Run = Callable[[Request, Out, Prepare], None]
Alone = Callable[[Request, Out, Asked], None]


class Member(msgspec.Struct, frozen=True):
    """One call of a batch."""

    request: Request
    out: Out
    asked: Asked


class Batches:
    """Collects calls. `run` makes one through the pipeline; `alone` makes a member's own."""

    def __init__(self, library: Library, run: Run, alone: Alone) -> None:
        self._library, self._run, self._alone = library, run, alone
        self._open: dict[tuple[str, ...], list[Member]] = {}

    def add(self, request: Request, out: Out, asked: Asked) -> None:
        """Ask with others, in a moment."""
        key = (asked.ready.path, *(request.headers.get(name, "") for name in ALIKE))
        members = self._open.get(key)
        if members is None:
            if len(self._open) >= BATCHES_MAX:
                self._alone(request, out, asked)
                return
            members = self._open[key] = []
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self._close, key, members)
        members.append(Member(request, out, asked))
        if len(members) >= MEMBERS_MAX:
            self._close(key, members)

    def _close(self, key: tuple[str, ...], members: list[Member]) -> None:
        if self._open.get(key) is not members:
            return
        del self._open[key]
        groups = _alike([member for member in members if not member.out.gone])
        if len(groups) == 1:  # those that ask the same alone share an answer as all calls do
            self._separately(groups[0])
        elif groups:
            self._ask(groups)

    def _ask(self, groups: list[list[Member]]) -> None:
        calls: list[Call] = []
        members = [member for group in groups for member in group]

        def prepare(call: Call) -> None:
            calls.append(call)
            _enter(self._library, call, [group[0].asked for group in groups])

        def answered(status: int, lines: bytes, body: bytes) -> None:
            if status != 200:
                self._separately(members)
            else:
                self._answer(groups, calls[0], lines, msgspec.json.decode(body))

        held = HeldOut(answered)
        for member in members:
            member.out.on_gone = lambda: _leave(held, members)
        self._run(members[0].request, held, prepare)

    def _separately(self, members: list[Member]) -> None:
        for member in members:
            if not member.out.gone:
                self._alone(member.request, member.out, member.asked)

    def _answer(self, groups: list[list[Member]], call: Call, lines: bytes, completion: dict[str, Any]) -> None:
        told = usage_of(completion.get("usage")) or Usage()
        cost = (call.cost or (call.target.cost(told) if call.target is not None else 0)) if call.served == "model" else 0
        answers = msgspec.json.decode(completion["choices"][0]["message"]["content"])["answers"]
        count = sum(map(len, groups))
        usage = {"input": told.input // count, "output": told.output // count}
        for group, answer in zip(groups, answers, strict=True):
            asked = group[0].asked
            one = Contract(asked.ready.output, {}, asked.ready.artifact, asked.input, required=True)
            text = one.mended(msgspec.json.encode(answer).decode())
            if text is None:
                self._separately(group)
                continue
            said = msgspec.json.encode(summary(call, msgspec.json.decode(text), asked.ready, usage, cost // count))
            for member in group:
                if not member.out.gone:
                    member.out.whole(200, lines, said)


def _alike(members: list[Member]) -> list[list[Member]]:
    """Members that ask the same, together, where answers may be shared; else each by itself."""
    groups: dict[object, list[Member]] = {}
    for number, member in enumerate(members):
        prompt = member.asked.ready.prompt
        random = prompt.temperature or any(variant.temperature for variant in prompt.variants)
        shared = prompt.cache and not random and HEADER not in member.request.headers
        groups.setdefault(_encode(member.asked.input) if shared else number, []).append(member)
    return list(groups.values())


def _leave(held: Out, members: list[Member]) -> None:
    """A client vanished: where it was the last, nobody is asked any more."""
    if all(member.out.gone for member in members) and not held.ended:
        held.lost()


def _enter(library: Library, call: Call, asked: list[Asked]) -> None:
    """The call of all of them: the prompt's messages for the first, then the inputs as one array."""
    enter(library, call, asked[0])
    inputs = msgspec.json.encode([one.input for one in asked]).decode()
    ask = (
        f"Answer the same way for each of the {len(asked)} inputs of this array, in their order, and for no other input. "
        'Answer with JSON alone: {"answers": [one answer for each input]}\n'
    )
    head = [message for message in call.body["messages"] if message["role"] == "system"]
    examples = [message for message in call.body["messages"][len(head) : -1] if message["role"] != "system"]
    content = [{"type": "text", "text": ask}, {"type": "text", "text": inputs, "seawall": DATA}]
    wanted = asked[0].ready.prompt.output
    defs = {"$defs": wanted["$defs"]} if "$defs" in wanted else {}
    items = {key: value for key, value in wanted.items() if key != "$defs"}
    schema = _array(items, len(asked)) | defs
    call.body["messages"] = [*head, *examples, {"role": "user", "content": content}]
    call.body["max_tokens"] = call.body["max_tokens"] * len(asked) + 16
    call.body["response_format"]["json_schema"] = {"name": "answers", "strict": True, "schema": schema}
    call.contract = Contract(compiled(_array({}, len(asked))), required=True)


def _array(items: dict[str, Any], count: int) -> dict[str, Any]:
    array = {"type": "array", "items": items, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"answers": array}, "required": ["answers"], "additionalProperties": False}
