"""A prompt's answer on its way out: chat completions from the pipeline become the prompt's own answer, whole or streamed."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.call import Call, Usage
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.forms import usage_of
from seawall.model_proxy.prompts.asked import summary
from seawall.model_proxy.prompts.library import Ready
from seawall.model_proxy.sse import DONE, Parser


def _through(name: str) -> Any:  # noqa: ANN401 -- a property
    """An attribute of the client's own `Out`."""
    return property(lambda self: getattr(self.out, name), lambda self, value: setattr(self.out, name, value))


class PromptOut(Out):
    """Stands before a client's `Out`. The pipeline writes a chat completion; the client reads a prompt's answer."""

    __slots__ = ("_parser", "_ready", "_text", "_usage", "call", "out")

    started = _through("started")
    ended = _through("ended")
    gone = _through("gone")
    paused = _through("paused")
    on_gone = _through("on_gone")
    on_pause = _through("on_pause")
    on_resume = _through("on_resume")
    keep_alive = _through("keep_alive")

    def __init__(self, out: Out, ready: Ready) -> None:
        self.out = out
        self.call: Call | None = None
        self._ready = ready
        self._parser = Parser()
        self._text: list[str] = []
        self._usage: Usage | None = None

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """A whole answer."""
        call = self.call
        if status != 200 or call is None:
            self.out.whole(status, lines, body)
            return
        completion: dict[str, Any] = msgspec.json.decode(body)
        output = msgspec.json.decode(completion["choices"][0]["message"]["content"])
        self.out.whole(status, lines, msgspec.json.encode(self._summary(call, output, usage_of(completion.get("usage")))))

    def start(self, status: int, lines: bytes) -> None:
        """A stream begins."""
        self.out.start(status, lines)

    def write(self, data: bytes) -> None:
        """Events: text as text, errors as they are, and the summary before the end."""
        try:
            pieces = self._parser.feed(data)
        except SeawallError:  # it is our own error event
            self.out.write(data)
            return
        for piece in pieces:
            self._usage = piece.usage or self._usage
            if piece.text:
                self._text.append(piece.text)
                self.out.write(b'data: {"text":%b}\n\n' % msgspec.json.encode(piece.text))
        if self._parser.done and self.call is not None:
            output = msgspec.json.decode("".join(self._text))
            self.out.write(b"data: %b\n\n%b" % (msgspec.json.encode(self._summary(self.call, output, self._usage)), DONE))

    def end(self) -> None:
        """The stream's end."""
        self.out.end()

    def cut(self) -> None:
        """See Out."""
        self.out.cut()

    def _summary(self, call: Call, output: object, told: Usage | None) -> dict[str, object]:
        """The bill of this answer is not settled yet where it came in one round: it is worked out from what the model said."""
        usage, cost = told or Usage(), call.cost
        if call.contract_rounds > 1:
            usage = call.usage
        elif call.served == "model" and call.target is not None:
            cost = call.target.cost(usage) if not call.cost else call.cost
        told_usage = {"input": usage.input, "output": usage.output}
        return summary(call, output, self._ready, told_usage, cost if call.served == "model" else 0)
