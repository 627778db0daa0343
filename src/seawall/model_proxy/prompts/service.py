"""`POST /v1/prompts/{app}/{prompt}` and `GET /v1/prompts`, over the pipeline that every model call passes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.model_proxy.call import Call
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.exchanges.evaluation import LANE_HEADER
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts.asked import PREFIX, Asked, Prepare, enter, find, permitted, read
from seawall.model_proxy.prompts.batch import Batches
from seawall.model_proxy.prompts.library import Library, Ready
from seawall.model_proxy.prompts.outs import PromptOut

Run = Callable[[Request, Out, Prepare], None]


class Prompts:
    """Answers calls of prompts. `run` takes a call through the pipeline: identified, prepared by us, admitted, screened, brought."""

    def __init__(self, library: Library, run: Run) -> None:
        self._library, self._run = library, run
        self._batches = Batches(library, run, self._alone)

    def takes(self, request: Request) -> bool:
        """Whether the path is a prompt's."""
        return request.path.startswith(PREFIX)

    def handle(self, request: Request, out: Out) -> None:
        """Answer, now or later. Never raises."""
        ready = find(self._library, request.path)
        if ready is None or not ready.prompt.batch:
            self._identified(request, out, ready)
            return
        try:
            asked = read(self._library, request.path, request.body)
        except SeawallError as error:
            self._run(request, out, _raising(error, ready))  # who may not call it is not told what is wrong
            return
        if asked.stream or LANE_HEADER in request.headers:  # what a cassette knows must not depend on what else was asked at the moment
            self._alone(request, out, asked)
        else:
            self._batches.add(request, out, asked)

    def listing(self, principal: Principal) -> bytes:
        """What somebody may call, as JSON."""
        data = [
            {
                "id": ready.path,
                "object": "prompt",
                "title": ready.prompt.title,
                "version": ready.prompt.version,
                "input": ready.prompt.input,
                "output": ready.prompt.output,
            }
            for ready in self._library.of(principal)
        ]
        return msgspec.json.encode({"object": "list", "data": data})

    def _identified(self, request: Request, out: Out, ready: Ready | None) -> None:
        """What is asked is read once it is known who asks: holding an input to its schema is work."""
        held = PromptOut(out, ready) if ready is not None else None

        def prepare(call: Call) -> None:
            if ready is not None:
                permitted(call, ready)
            asked = read(self._library, request.path, request.body)
            if held is not None:
                held.call = call
            enter(self._library, call, asked)

        self._run(request, out if held is None else held, prepare)

    def _alone(self, request: Request, out: Out, asked: Asked) -> None:
        held = PromptOut(out, asked.ready)

        def prepare(call: Call) -> None:
            held.call = call
            enter(self._library, call, asked)

        self._run(request, held, prepare)


def _raising(error: SeawallError, ready: Ready | None) -> Prepare:
    def prepare(call: Call) -> None:
        if ready is not None:
            permitted(call, ready)
        raise error

    return prepare
